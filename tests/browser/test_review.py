"""The review in a browser, by keyboard alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from cutout.domain.reasons import Reason
from tests.support.cli.console_server import Served, served
from tests.support.cli.gallery import picture
from tests.support.cli.jobs import RESULTS, UPLOADS, reviewed
from tests.support.cli.stack import FakeStack

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("a", "b", "c")
HOSTILE = '<img src=x onerror="alert(1)">.jpg'


@pytest.fixture
def stack() -> FakeStack:
    """A stack with three doubtful results, and one whose key is an attack."""
    stack = FakeStack()
    for hours, name in enumerate([*NAMES, HOSTILE.removesuffix(".jpg")]):
        stack.know(reviewed(f"{name}.jpg", hours))
        stack.store.objects[UPLOADS, f"{name}.jpg"] = picture("RGB", "JPEG")
        stack.store.objects[RESULTS, f"review/{name}.png"] = picture("RGBA", "PNG")
    return stack


@pytest.fixture
def console(stack: FakeStack) -> Iterator[Served]:
    """The console on it."""
    with served(lambda: stack, stack.clock) as console:
        yield console


@pytest.fixture
def page(window: Page, console: Served) -> Page:
    """The review in a window."""
    window.goto(console.at(f"/review?token={console.token}"))
    return window


def test_review_can_be_done_by_keys(page: Page, stack: FakeStack) -> None:
    """Next, previous, accept, reject, and a retry that asks first."""
    subject = page.locator("#subject")
    for key, name in [("j", "b"), ("ArrowRight", "c"), ("k", "b"), ("ArrowLeft", "a")]:
        page.keyboard.press(key)
        expect(subject).to_have_text(f"{name}.jpg")
        photo = page.get_by_role("img", name="The photo")
        expect(photo).to_have_attribute("src", f"/jobs/job-of-{name}.jpg/files/photo")
    page.keyboard.press("a")
    expect(subject).to_have_text("b.jpg")
    page.keyboard.press("r")
    expect(subject).to_have_text("c.jpg")
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.once("dialog", accept)
    page.keyboard.press("t")
    expect(subject).to_have_text(HOSTILE)
    assert asked == ["Retry this photo? It costs at most 5.4 credits."]
    reasons = [stack.table.jobs[f"job-of-{name}.jpg"].reason for name in NAMES]
    assert reasons == [
        Reason.ACCEPTED_BY_PERSON,
        Reason.REJECTED_BY_PERSON,
        Reason.RETRIED_BY_PERSON,
    ]


def test_as_many_results_are_decided_by_keys_as_a_page_has(
    page: Page, stack: FakeStack, console: Served
) -> None:
    """Fifty: every other one is accepted, and none is skipped."""
    count = 50
    for number in range(count):
        stack.know(reviewed(f"many-{number:02}.jpg", number))
    page.goto(console.at("/review?prefix=many-"))
    subject = page.locator("#subject", has_text="many-")
    for number in range(count):
        key = subject.inner_text()
        page.keyboard.press("ar"[number % 2])
        expect(page.locator("#review .notice")).to_contain_text(key)
    reasons = Counter(job.reason for job in stack.table.jobs.values() if "many-" in job.source.key)
    assert reasons == {
        Reason.ACCEPTED_BY_PERSON: count / 2,
        Reason.REJECTED_BY_PERSON: count / 2,
    }


def _hold(route: Route, held: list[Route]) -> None:
    held.append(route)


def test_key_that_is_pressed_twice_decides_once(page: Page, stack: FakeStack) -> None:
    """The second press comes before the answer: it is not for the next result."""
    held: list[Route] = []
    page.route("**/accept", lambda route: _hold(route, held))
    with page.expect_request("**/accept"):
        page.keyboard.press("a")
    page.keyboard.press("a")
    page.unroute("**/accept")
    assert len(held) == 1
    expect(page.locator("#subject")).to_have_text("b.jpg")
    expect(page.locator("#review .notice")).to_have_text("a.jpg: accepted.")
    assert [check.job_id for check in stack.checks.checks] == ["job-of-a.jpg"]


def test_typed_prefix_decides_nothing(page: Page, stack: FakeStack) -> None:
    """Letters are keys only outside of fields."""
    with page.expect_navigation():
        page.get_by_label("Prefix").press_sequentially("ar")
        page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing under ar waits for a decision.")).to_be_visible()
    expect(page.locator("#tools")).to_be_hidden()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#subject")).to_have_text("a.jpg")
    assert stack.checks.checks == []


def test_before_and_after_share_one_picture_on_any_background(page: Page) -> None:
    """The choice stays from one result to the next."""
    before, after = page.locator(".before"), page.locator(".after .frame")
    page.locator("#slider").fill("25")
    expect(before).to_have_css("clip-path", "inset(0px 75% 0px 0px)")
    for key, colour in [("2", "rgb(255, 255, 255)"), ("3", "rgb(0, 0, 0)")]:
        page.keyboard.press(key)
        expect(after).to_have_css("background-color", colour)
    page.locator("#colour").fill("#00ff00")
    expect(after).to_have_css("background-color", "rgb(0, 255, 0)")
    page.locator("#subject").focus()
    page.keyboard.press("j")
    expect(page.locator("#subject")).to_have_text("b.jpg")
    expect(after).to_have_css("background-color", "rgb(0, 255, 0)")
    page.keyboard.press("s")
    expect(before).to_have_css("clip-path", "none")


def test_review_can_be_read_without_a_script(browser: Browser, console: Served) -> None:
    """Side by side, with links to the next result and the one before."""
    with browser.new_page(java_script_enabled=False) as page:
        page.goto(console.at(f"/review?token={console.token}"))
        page.get_by_role("link", name="Next").click()
        expect(page.locator("#subject")).to_have_text("b.jpg")
        expect(page.get_by_role("img", name="The photo")).to_be_visible()
        expect(page.get_by_role("img", name="The result")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_review_is_accessible_and_fits_every_width(
    browser: Browser, console: Served, scheme: Literal["light", "dark"]
) -> None:
    """No violation of any rule of axe-core, with and without the overlay."""
    found: list[str] = []
    with browser.new_page(color_scheme=scheme, bypass_csp=True) as page:
        page.goto(console.at(f"/review?token={console.token}"))
        page.add_script_tag(path=AXE)
        for width in (390, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            page.keyboard.press("s")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{width}: scrolls sideways")
            found += page.evaluate(
                "async (rules) => (await axe.run(rules)).violations.flatMap((one) => one.nodes.map("
                "(node) => `${one.id} ${node.html.slice(0, 120)}`))",
                {} if scheme == "light" else {"runOnly": ["color-contrast"]},
            )
    assert found == []
