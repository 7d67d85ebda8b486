"""The console in a browser: accessible, live, and safe from what uploaders choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.console_server import Served, served
from tests.support.cli.gallery import failed_photo, gallery, picture
from tests.support.cli.jobs import RESULTS, UPLOADS, make_job
from tests.support.cli.stack import FakeStack

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "board": "/",
    "no jobs": "/?prefix=nothing",
    "wrong filter": "/?since=soon",
    "completed": f"/jobs/{0:032x}",
    "failed": f"/jobs/{4:032x}",
    "review": "/review",
    "drop": "/drop",
    "not found": "/jobs/none",
}
NARROW_AND_WIDE = (390, 1280)
RULES: dict[str, dict[str, list[str]]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""Of axe-core: all, and what another colour scheme can break."""
SLOW = 20_000
"""Milliseconds: a look at an idle table comes every five seconds."""


@pytest.fixture
def stack() -> FakeStack:
    """A stack without jobs."""
    return FakeStack()


@pytest.fixture
def console(stack: FakeStack) -> Iterator[Served]:
    """The console."""
    with served(lambda: stack, stack.clock) as console:
        yield console


@pytest.fixture
def page(window: Page, console: Served) -> Page:
    """A window on the console."""
    window.goto(console.url)
    return window


def test_token_is_removed_from_the_address(page: Page) -> None:
    """It is not in the history, nor in a screenshot."""
    assert "token" not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_every_width(
    browser: Browser, stack: FakeStack, console: Served, scheme: str
) -> None:
    """No violation of any rule of axe-core, narrow and wide, and nothing scrolls sideways."""
    gallery(stack)
    stack.table.write_gate(stack.table.read_gate())
    found: list[str] = []
    options = {"color_scheme": scheme, "bypass_csp": True}
    with ExitStack() as opened:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        opened.callback(context.close)
        page = context.new_page()
        page.goto(console.url)
        for name, path in PAGES.items():
            page.goto(console.at(path))
            page.add_script_tag(path=AXE)
            for width in (390, 768, 1280, 1920):
                page.set_viewport_size({"width": width, "height": 900})
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    found.append(f"{name} at {width}: scrolls sideways")
                if width not in NARROW_AND_WIDE:
                    continue
                found += page.evaluate(
                    "async ([where, rules]) => (await axe.run(rules)).violations.flatMap((one) =>"
                    " one.nodes.map((node) => `${where}: ${one.id} ${node.html.slice(0, 120)}`))",
                    [f"{name} at {width}", RULES[scheme]],
                )
    assert found == []


def test_jobs_appear_and_move_without_a_reload(page: Page, stack: FakeStack) -> None:
    """The server sends the changes; the page requests nothing again."""
    asked: list[str] = []
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    page.on("request", lambda request: asked.append(request.url))
    job = replace(make_job("a.jpg", state=State.PROCESSING, at=NOON), id="1")
    stack.know(job)
    row = page.locator("#job-1")
    expect(row.locator(".chip")).to_have_text("processing", timeout=SLOW)
    expect(page.get_by_text("No jobs yet")).to_have_count(0)
    stack.know(replace(make_job("a.jpg"), id="1", updated_at=stack.clock.now()))
    expect(row.locator(".chip")).to_have_text("completed", timeout=SLOW)
    expect(row.get_by_role("link", name="Download")).to_be_visible()
    assert page.locator("#jobs > li").count() == 1
    assert [one for one in asked if "/files/" not in one] == []


def test_page_of_a_photo_is_updated_when_its_job_moves(
    page: Page, stack: FakeStack, console: Served
) -> None:
    """Without a reload, and the photo is not loaded again."""
    job = replace(make_job("a.jpg", state=State.PROCESSING, at=NOON), id="1")
    stack.know(job)
    stack.store.objects[UPLOADS, "a.jpg"] = picture("RGB", "JPEG")
    stack.store.objects[RESULTS, "a.png"] = picture("RGBA", "PNG")
    page.goto(console.at("/jobs/1"))
    expect(page.get_by_text("No cut-out yet")).to_be_visible()
    page.evaluate("document.images['photo-1'].decode()")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for version, state in enumerate([State.STORING, State.COMPLETED], start=2):
        stack.know(replace(make_job("a.jpg", state=state, at=NOON), id="1", version=version))
        expect(page.locator(".title .chip")).to_have_text(state, timeout=SLOW)
    expect(page.get_by_role("img", name="The cut-out")).to_be_visible()
    assert console.at("/jobs/1/files/photo") not in asked


def _cut_off(page: Page) -> None:
    """Let no stream through."""
    page.route("**/events*", lambda route: route.abort())


def _connected_later(page: Page, stack: FakeStack) -> None:
    """Let streams through again, an hour later: no single read shows what happened until then."""
    stack.clock.sleep(3600)
    page.unroute("**/events*")


def test_board_without_its_stream_catches_up_afterwards(
    page: Page, stack: FakeStack, console: Served
) -> None:
    """With the end of a job, and with a job that began and ended meanwhile."""
    stack.know(make_job("a.jpg", state=State.PROCESSING, at=NOON))
    _cut_off(page)
    page.goto(console.at("/"))
    expect(page.locator(".job .chip")).to_have_text("processing")
    expect(page.locator("#problem")).to_contain_text("No live changes since")
    page.get_by_label("Prefix").fill("half a filt")
    stack.know(make_job("a.jpg", at=NOON), make_job("b.jpg", at=NOON))
    _connected_later(page, stack)
    expect(page.locator(".job .chip")).to_have_text(["completed", "completed"], timeout=SLOW)
    expect(page.locator("#problem")).to_be_empty()
    expect(page.get_by_label("Prefix")).to_have_value("half a filt")


def test_upload_page_without_its_stream_catches_up_afterwards(
    page: Page, stack: FakeStack, console: Served, tmp_path: Path
) -> None:
    """Each uploaded file requests its job; the page itself keeps its rows."""
    _cut_off(page)
    page.goto(console.at("/drop"))
    (tmp_path / "a.jpg").write_bytes(picture("RGB", "JPEG"))
    page.locator("#files").set_input_files(tmp_path / "a.jpg")
    page.get_by_role("button", name="Upload 1 photo").click()
    expect(page.locator("#dropped .job")).to_contain_text("not picked up by the stack yet")
    stack.table.uploaded.clear()
    stack.know(make_job("a.jpg", at=NOON))
    _connected_later(page, stack)
    expect(page.locator("#dropped .job .chip")).to_have_text("completed", timeout=SLOW)


def test_job_that_is_listed_and_sent_as_new_has_one_row(
    page: Page, stack: FakeStack, console: Served
) -> None:
    """It began while the page was made; the row that is sent is the later one."""
    stack.know(make_job("a.jpg", state=State.PROCESSING, at=NOON))
    _cut_off(page)
    page.goto(console.at("/"))
    expect(page.locator(".job .chip")).to_have_text(["processing"])
    stack.know(make_job("a.jpg", at=NOON))
    page.unroute("**/events*")
    expect(page.locator(".job .chip")).to_have_text(["completed"], timeout=SLOW)


def test_two_windows_show_the_same_gate(page: Page, browser: Browser, console: Served) -> None:
    """One pauses it, the other shows that; focus stays where it was."""
    with browser.new_page() as other:
        other.goto(console.url)
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#gate .chip")).to_have_text("gate paused")
        expect(other.locator("#gate .chip")).to_have_text("gate paused", timeout=SLOW)
        other.get_by_role("button", name="Resume").click()
        expect(page.locator("#gate .chip")).to_have_text("gate open", timeout=SLOW)


def _dismiss(dialog: Dialog, asked: list[str]) -> None:
    asked.append(dialog.message)
    dialog.dismiss()


def test_retry_asks_first(page: Page, stack: FakeStack, console: Served) -> None:
    """Dismissed, it does nothing; accepted, the page shows the job as it is then."""
    job = failed_photo(stack)
    page.goto(console.at(f"/jobs/{job.id}"))
    asked: list[str] = []
    page.once("dialog", lambda dialog: _dismiss(dialog, asked))
    page.get_by_role("button", name="Retry").click()
    assert asked == ["Retry this photo? It costs at most 5.4 credits."]
    assert stack.table.jobs[job.id].state is State.FAILED
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".title .chip")).not_to_have_text("failed")
    assert stack.table.jobs[job.id].reason is Reason.RETRIED_BY_PERSON


def test_dropped_folder_is_priced_uploaded_and_tracked(
    page: Page, stack: FakeStack, console: Served, tmp_path: Path
) -> None:
    """With its paths; each row shows the progress, then the job, then the download."""
    folder = tmp_path / "shoes"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.jpg", "inner/b <i>ü.jpg"):
        (folder / name).write_bytes(picture("RGB", "JPEG"))
    (folder / "notes.txt").write_text("no photo")
    page.goto(console.at("/drop"))
    page.locator("#folder").set_input_files(folder)
    expect(page.get_by_text("2 photos to upload")).to_be_visible()
    expect(page.get_by_text("10.8 credits, about $0.16")).to_be_visible()
    page.get_by_text("1 skipped").click()
    expect(page.get_by_text("not an image by its name")).to_be_visible()
    assert stack.store.uploaded == []
    page.get_by_role("button", name="Upload 2 photos").click()
    expect(page.locator("#dropped .job")).to_have_count(2)
    assert sorted(one.key for one in stack.store.uploaded) == [
        "shoes/a.jpg",
        "shoes/inner/b <i>ü.jpg",
    ]
    stack.table.uploaded.clear()
    stack.know(replace(make_job("shoes/a.jpg"), id="job-of-shoes/a.jpg", updated_at=NOON))
    row = page.locator("[id='job-job-of-shoes/a.jpg']")
    expect(row.get_by_role("link", name="Download")).to_be_visible(timeout=SLOW)


def _hold(route: Route, held: list[Route]) -> None:
    held.append(route)


def test_no_file_is_lost_by_escaped_names_or_a_second_drop(
    page: Page, stack: FakeStack, console: Served, tmp_path: Path
) -> None:
    """Screenshots of macOS have U+202F in their names; the first uploads are still waiting."""
    names = [f"at 5.0{number}\u202fPM.jpg" for number in range(8)]
    for name in (*names, "later.jpg"):
        (tmp_path / name).write_bytes(picture("RGB", "JPEG"))
    page.goto(console.at("/drop"))
    page.locator("#files").set_input_files([tmp_path / name for name in names])
    expect(page.get_by_text("8 photos to upload")).to_be_visible()
    held: list[Route] = []
    page.route("**/drop/photo", lambda route: _hold(route, held))
    page.get_by_role("button", name="Upload 8 photos").click()
    page.locator("#files").set_input_files(tmp_path / "later.jpg")
    expect(page.get_by_role("button", name="Upload 1 photo")).to_be_visible()
    page.unroute("**/drop/photo")
    expect(page.locator("#dropped .job")).to_have_count(8)
    assert sorted(one.key for one in stack.store.uploaded) == names
    assert stack.store.sizes == [len(picture("RGB", "JPEG"))] * len(names)


def test_first_of_two_files_of_one_path_is_uploaded(
    page: Page, stack: FakeStack, console: Served, tmp_path: Path
) -> None:
    """Photos of one name, chosen in two folders; the page says which one it leaves out."""
    chosen = []
    for name, content in (("one", picture("RGB", "JPEG")), ("two", picture("RGB", "PNG"))):
        (tmp_path / name).mkdir()
        chosen.append(tmp_path / name / "a.jpg")
        chosen[-1].write_bytes(content)
    page.goto(console.at("/drop"))
    page.locator("#files").set_input_files(chosen)
    page.get_by_text("1 skipped").click()
    expect(page.get_by_text("another file of this drop has the same path")).to_be_visible()
    page.get_by_role("button", name="Upload 1 photo").click()
    expect(page.locator("#dropped .job")).to_have_count(1)
    assert [one.key for one in stack.store.uploaded] == ["a.jpg"]
    assert stack.store.sizes == [chosen[0].stat().st_size]


def test_files_dropped_on_the_page_are_priced(page: Page, console: Served) -> None:
    """By a drag from the desktop."""
    page.goto(console.at("/drop"))
    transfer = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        "data.items.add(new File(['x'], 'a.jpg', {type: 'image/jpeg'})); return data; }"
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.get_by_text("1 photo to upload")).to_be_visible()


def test_hostile_keys_and_metadata_are_shown_as_text(
    page: Page, stack: FakeStack, console: Served
) -> None:
    """On the board, on its own page, and when it arrives live."""
    hostile = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>.jpg"
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        _dismiss(dialog, dialogs)

    page.on("dialog", dismiss)
    job = make_job(hostile, state=State.PROCESSING, message=hostile, code=hostile, at=NOON)
    stack.know(replace(job, id="1"))
    row = page.locator("#job-1")
    expect(row.locator(".key")).to_have_text(hostile, timeout=SLOW)
    page.goto(console.at("/jobs/1"))
    expect(page.get_by_role("heading", level=1)).to_have_text(hostile)
    assert dialogs == []
    page.remove_listener("dialog", dismiss)


def test_board_keeps_its_content_when_aws_fails(page: Page, stack: FakeStack) -> None:
    """It says why and since when, and continues by itself."""
    gallery(stack)
    page.reload()
    rows = page.locator("#jobs > li")
    expect(rows).to_have_count(9)
    stack.table.fails_with = ConnectionRefusedError(111, "Connection refused")
    expect(page.locator("#problem")).to_contain_text("as of", timeout=SLOW)
    expect(rows).to_have_count(9)
    stack.table.fails_with = None
    expect(page.locator("#problem")).to_be_empty(timeout=SLOW)


def test_page_says_when_the_console_has_ended(browser: Browser, stack: FakeStack) -> None:
    """And since when its content is outdated."""
    with browser.new_page() as page:
        with served(lambda: stack, stack.clock) as console:
            page.goto(console.url)
            expect(page.locator("#gate .chip")).to_be_visible()
            # The stream is open after the first event.
            page.wait_for_function("document.querySelector('main')['htmx-internal-data']")
        expect(page.locator("#problem")).to_contain_text("No live changes since", timeout=SLOW)


def test_upload_page_says_when_the_console_has_ended(
    browser: Browser, stack: FakeStack, tmp_path: Path
) -> None:
    """And that nothing was uploaded."""
    (tmp_path / "a.jpg").write_bytes(picture("RGB", "JPEG"))
    with browser.new_page() as page:
        with served(lambda: stack, stack.clock) as console:
            page.goto(console.url)
            page.goto(console.at("/drop"))
        page.locator("#files").set_input_files(tmp_path / "a.jpg")
        expect(page.locator("#plan")).to_contain_text("Nothing was uploaded")


def test_everything_can_be_read_without_javascript(
    browser: Browser, stack: FakeStack, console: Served
) -> None:
    """Board, filters and photos; only writes need scripts."""
    gallery(stack)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.url)
    expect(page.locator("#jobs > li")).to_have_count(9)
    page.get_by_role("checkbox", name="failed").check()
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#jobs > li")).to_have_count(1)
    page.locator("a.key").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    context.close()
