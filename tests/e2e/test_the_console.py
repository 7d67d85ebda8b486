"""`cutout console` in a browser, on the deployed stack."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from cutout.cli.aws.deployed_stack import connect
from cutout.cli.aws.target import Target
from cutout.cli.progress.clock import Clock
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn
from tests.support.chromium import running
from tests.support.cli.console_server import Served, served

pytestmark = pytest.mark.second_cloud

_OF_NO_OTHER_TEST = 970
_SLOW = 90_000
"""Milliseconds: photos are cut out by a model, on a machine that runs other tests."""
_NOT_AGAIN = re.compile("only failed, rejected and reviewed photos are retried|changed meanwhile")
_SKIPPED_UPLOAD = """fetch("/drop/photo", {
    method: "POST",
    headers: {"X-CSRF-Token": document.body.dataset.csrf, "X-Path": ".hidden", "X-Price": "1"},
    body: "hidden",
}).then(answer => answer.status)"""
_HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}.jpg"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, which ends with the module."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def target(deployed: Deployed) -> Target:
    """Where the stack is."""
    return Target(stack=deployed.stack, variables=deployed.cloud.variables)


@pytest.fixture
def console(target: Target) -> Iterator[Served]:
    """The console, with the operator's credentials."""
    clock = Clock()
    with served(lambda: connect(target, clock, is_impatient=True), clock) as console:
        yield console


@pytest.fixture
def page(browser: Browser, console: Served) -> Iterator[Page]:
    """A window on it, in which no script fails and no dialog opens by itself."""
    with browser.new_page() as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(console.url)
        yield page
        assert errors == []


def _dismiss(dialog: Dialog, opened: list[str]) -> None:
    opened.append(dialog.message)
    dialog.dismiss()


def _folder(tmp_path: Path, name: str, *photos: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    for number, photo in enumerate(photos):
        (folder / photo).write_bytes(small_photo(_OF_NO_OTHER_TEST + number))
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_dropped_folder_gets_cut_outs_to_download(
    *, page: Page, browser: Browser, console: Served, photos: Photos, tmp_path: Path
) -> None:
    """The price first, then each photo's progress; another window shows them, too."""
    folder = _folder(tmp_path, "dropped", "a.jpg", "b.jpg", _HOSTILE)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: _dismiss(dialog, dialogs))
    with browser.new_page() as board:
        board.goto(console.at(f"/?prefix=dropped/&token={console.token}"))
        page.goto(console.at("/drop"))
        page.locator("#folder").set_input_files(folder)
        expect(page.get_by_text("3 photos to upload")).to_be_visible()
        expect(page.get_by_text("about $0.24")).to_be_visible()
        expect(page.get_by_text("1 skipped")).to_be_visible()
        page.get_by_role("button", name="Upload 3 photos").click()
        for window in (page, board):
            done = window.locator("li.job", has_text="dropped/").get_by_role(
                "link", name="Download"
            )
            expect(done).to_have_count(3, timeout=_SLOW)
        row = page.locator("li.job", has_text="dropped/a.jpg")
        with page.expect_download() as download:
            row.get_by_role("link", name="Download").click()
        expect(board.get_by_text(f"dropped/{_HOSTILE}", exact=True)).to_be_visible()
    stored = photos.result("dropped/a.png")
    assert stored is not None
    assert Path(download.value.path()).read_bytes() == stored.content
    assert download.value.suggested_filename == "a.png"
    page.get_by_text(f"dropped/{_HOSTILE}", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"dropped/{_HOSTILE}")
    assert dialogs == []


def test_same_folder_dropped_again_is_not_paid_for_again(
    *, page: Page, console: Served, stand_in: StandIn, photos: Photos, tmp_path: Path
) -> None:
    """Its photos are shown with their present jobs."""
    content = small_photo(_OF_NO_OTHER_TEST + 10)
    photos.settled(photos.put("again/a.jpg", content))
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(content)
    page.goto(console.at("/drop"))
    page.locator("#folder").set_input_files(folder)
    page.get_by_role("button", name="Upload 1 photo").click()
    expect(page.locator("#dropped .job .chip")).to_have_text("completed", timeout=_SLOW)
    assert stand_in.charges("again/a.jpg") == 1


def test_two_windows_retry_one_photo_once(
    *, page: Page, browser: Browser, console: Served, stand_in: StandIn, photos: Photos
) -> None:
    """The second shows that the job has changed; the photo is paid for twice, not three times."""
    key = "retried-in-the-console.jpg"
    stand_in.commit("result:opaque", key, times=1)
    job = photos.settled(photos.put(key, small_photo(_OF_NO_OTHER_TEST + 20)))
    assert job.state is State.REVIEW
    with browser.new_page() as other:
        # Without its stream, the other window still shows the old state.
        other.route("**/events*", lambda route: route.abort())
        other.goto(console.at(f"/jobs/{job.id}?token={console.token}"))
        page.goto(console.at(f"/jobs/{job.id}"))
        for window in (page, other):
            window.on("dialog", lambda dialog: dialog.accept())
        # The page reloads once the retry is accepted.
        with page.expect_navigation():
            page.get_by_role("button", name="Retry").click()
        other.get_by_role("button", name="Retry").click()
        expect(other.locator("#problem")).to_have_text(_NOT_AGAIN, timeout=_SLOW)
    page.goto(console.at(f"/?prefix={key}"))
    expect(page.locator("#jobs .chip")).to_have_text("completed", timeout=_SLOW)
    assert stand_in.charges(key) <= 2


def test_board_is_kept_during_trouble_and_updated_afterwards(
    browser: Browser, target: Target
) -> None:
    """It shows since when; a new page says what to do."""
    clock = Clock()
    now = [target]
    assert target.variables is not None
    broken = replace(target, variables={**target.variables, "AWS_SECRET_ACCESS_KEY": "expired"})
    with (
        served(lambda: connect(now[0], clock, is_impatient=True), clock) as console,
        browser.new_page() as page,
        browser.new_page() as other,
    ):
        page.goto(console.url)
        expect(page.locator("#gate .chip")).to_be_visible()
        rows = page.locator("#jobs > li").count()
        now[0] = broken
        other.goto(console.at(f"/jobs/none?token={console.token}"))
        # After an error the console connects again.
        assert other.evaluate(_SKIPPED_UPLOAD) == HTTPStatus.SERVICE_UNAVAILABLE
        other.goto(console.at("/"))
        expect(other.locator("main")).to_contain_text(
            "The credentials are invalid or have expired."
        )
        expect(page.locator("#problem")).to_contain_text("as of", timeout=_SLOW)
        assert page.locator("#jobs > li").count() >= rows
        now[0] = target
        expect(page.locator("#problem")).to_be_empty(timeout=_SLOW)


@pytest.mark.usefixtures("open_gate")
def test_doubtful_results_are_reviewed_by_keyboard(
    *, page: Page, browser: Browser, console: Served, stand_in: StandIn, photos: Photos
) -> None:
    """Every other one is accepted; a second window shows who was first. Nothing is paid again."""
    folder, count = "reviewed/", 8
    stand_in.commit("result:opaque", folder, times=count)
    uploads = photos.put_all([f"{folder}{number:02}.jpg" for number in range(count)])
    photos.all_settled(uploads, is_swept=True)
    # Other tests leave results in the queue.
    queue = f"/review?prefix={folder}"
    page.goto(console.at(queue))
    with browser.new_page() as other:
        other.goto(console.at(f"{queue}&token={console.token}"))
        page.keyboard.press("a")
        expect(page.locator("#review .notice")).to_contain_text("accepted")
        other.keyboard.press("r")
        expect(other.locator("#review .notice")).to_contain_text("it was accepted by arn:aws:")
    decided = 1
    subject = page.locator("#subject", has_text=folder)
    while decided < count:
        key = subject.inner_text()
        page.keyboard.press("ar"[decided % 2])
        expect(page.locator("#review .notice")).to_contain_text(key)
        decided += 1
    over = [photos.in_state(it, State.COMPLETED, State.FAILED, is_swept=True) for it in uploads]
    assert Counter(job.reason for job in over) == {
        Reason.ACCEPTED_BY_PERSON: count / 2,
        Reason.REJECTED_BY_PERSON: count / 2,
    }
    assert {stand_in.charges(upload.key) for upload in uploads} == {1}
