"""Live changes: one loop for all windows, only while one is open, and each window's events."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import EndpointConnectionError
from starlette.requests import Request
from starlette.responses import StreamingResponse

from cutout.cli import compose
from cutout.cli.console.live import (
    MOST_WINDOWS,
    LiveWindows,
    ShownPage,
    Window,
    give,
)
from cutout.cli.console.site import Site
from cutout.cli.console.table_watch import Changes, TableWatch
from cutout.cli.output.money import Price
from cutout.cli.output.problems import Problem
from cutout.domain.job.job import Job
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import failed, make_job
from tests.support.cli.stack import FakeStack

_SOON_SECONDS = 10
_DEAD = EndpointConnectionError(endpoint_url="https://127.0.0.1:1")


@pytest.fixture
def stack() -> FakeStack:
    """A stack without jobs."""
    return FakeStack()


@pytest.fixture
def site(stack: FakeStack) -> Site:
    """The pages on it."""
    return Site(lambda: stack, price=Price(cents=Decimal(1)), clock=stack.clock, csrf="c")


def _names(events: list[str]) -> list[str]:
    return [name for one in events for name in re.findall("^event: (.*)$", one, re.MULTILINE)]


def test_a_window_gets_each_change_once(stack: FakeStack, site: Site) -> None:
    """Even that of a settled job."""
    job = make_job("a.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=1))
    watch, window = TableWatch(site), _window(site, replace(job, version=job.version - 1))
    stack.know(job)
    assert _names(window.events(watch.look())) == ["problem", "gate", f"job-{job.id}"]
    assert window.events(watch.look()) == []
    done = replace(make_job("a.jpg", at=job.created_at), updated_at=stack.clock.now())
    stack.know(done)
    assert _names(window.events(watch.look())) == [f"job-{job.id}"]
    assert window.events(watch.look()) == []


def test_a_job_that_settled_before_a_window_connected_reaches_it(
    stack: FakeStack, site: Site
) -> None:
    """Its page is older; the read that found the change was for another window."""
    watch, first = TableWatch(site), _window(site)
    watch.look()
    done = replace(make_job("a.jpg"), updated_at=stack.clock.now())
    stack.know(done)
    first.events(watch.look())
    assert watch.look().jobs == {done.id: done}
    stack.clock.sleep(5)
    assert watch.look().jobs == {done.id: done}
    stack.clock.sleep(60)
    watch.look()
    assert watch.look().jobs == {}


def test_the_page_of_a_job_gets_only_later_versions_of_it(stack: FakeStack, site: Site) -> None:
    """Otherwise it would be loaded again needlessly."""
    job = make_job("a.jpg", state=State.PROCESSING)
    stack.know(job, make_job("b.jpg", state=State.PROCESSING))
    watch = TableWatch(site)
    window = Window(site, ShownPage(made=NOON, jobs={job.id: job}, is_photo=True))
    assert _names(window.events(watch.look())) == ["problem", "gate"]
    stack.know(replace(job, version=job.version + 1))
    for _until_the_page_is_made_again in range(2):
        assert _names(window.events(watch.look())) == [f"job-{job.id}"]


def test_a_read_older_than_the_page_changes_nothing(stack: FakeStack, site: Site) -> None:
    """A page that is loaded when its job moves would be loaded again and again."""
    job = make_job("a.jpg", state=State.PROCESSING)
    stack.know(job)
    changes = TableWatch(site).look()
    later = replace(job, state=State.STORING, version=job.version + 1)
    window = Window(site, ShownPage(made=NOON, jobs={job.id: later}, is_photo=True))
    assert _names(window.events(changes)) == ["problem", "gate"]


def test_a_job_shown_on_a_page_is_always_read(stack: FakeStack, site: Site) -> None:
    """Even one that settled long ago, or that is beyond the limit of jobs read."""
    old = make_job("a.jpg", at=NOON - timedelta(days=1))
    stack.know(old)
    watch = TableWatch(site)
    watch.look()
    assert watch.look().jobs == {}
    assert watch.look([old.id, "unknown"]).jobs == {old.id: old}


def test_a_page_that_connects_late_is_loaded_again(stack: FakeStack, site: Site) -> None:
    """Each read asks for it until it is, as that may fail; not while the table cannot be read."""
    watch, page = TableWatch(site), ShownPage(made=NOON)
    window = Window(site, page, is_behind=True)
    stack.table.fails_with = _DEAD
    assert _names(window.events(watch.look())) == ["problem"]
    stack.table.fails_with = None
    assert _names(window.events(watch.look())) == ["problem", "behind", "gate"]
    assert _names(window.events(watch.look())) == ["behind"]


def test_rows_of_uploaded_files_load_their_jobs_once(stack: FakeStack, site: Site) -> None:
    """Their page is not loaded again: it would be empty."""
    stack.know(make_job("a.jpg", state=State.PROCESSING))
    watch = TableWatch(site)
    window = Window(site, ShownPage(made=NOON, is_drop=True), is_behind=True)
    assert _names(window.events(watch.look())) == ["problem", "behind", "gate"]
    assert window.events(watch.look()) == []


@pytest.mark.parametrize(("seconds", "is_behind"), [(0, False), (10, False), (11, True)])
def test_a_page_connects_late_ten_seconds_after_it_was_made(
    *, stack: FakeStack, site: Site, seconds: int, is_behind: bool
) -> None:
    """A stream that the browser reopens has the page's URL."""
    windows = LiveWindows(site)
    address = windows.stream_of(ShownPage(made=NOON))
    stack.clock.sleep(seconds)
    [names] = asyncio.run(_first_names(windows, address))
    assert ("behind" in names) == is_behind


def test_a_page_that_is_not_remembered_is_loaded_again(site: Site) -> None:
    """Fifty others were opened since."""
    windows = LiveWindows(site)
    first, *others = (windows.stream_of(ShownPage(made=NOON)) for _ in range(51))
    forgotten, remembered = asyncio.run(_first_names(windows, first, others[0]))
    assert ("behind" in forgotten, "behind" in remembered) == (True, False)


async def _first_names(windows: LiveWindows, *addresses: str) -> list[list[str]]:
    """The names of the first events of windows with these URLs."""
    found = []
    for address in addresses:
        response = await windows.events(_request(address))
        assert isinstance(response, StreamingResponse)
        events = response.body_iterator
        found.append(_names([str(await anext(aiter(events)))]))
    windows.end()
    await _the_loop_ends()
    return found


def _request(address: str) -> Request:
    path, _, query = address.partition("?")
    scope = {"type": "http", "path": path, "query_string": query.encode(), "headers": []}
    return Request(scope | {"server": ("127.0.0.1", 80)})


def test_a_job_that_the_index_shows_late_is_found(stack: FakeStack, site: Site) -> None:
    """Indexes are eventually consistent: a read also covers the time just before the last one."""
    watch = TableWatch(site)
    watch.look()
    stack.clock.sleep(10)
    watch.look()
    late = replace(make_job("a.jpg"), updated_at=stack.clock.now() - timedelta(seconds=5))
    stack.know(late)
    assert watch.look().jobs == {late.id: late}


def test_a_failing_read_is_reported_with_its_start(stack: FakeStack, site: Site) -> None:
    """The windows keep their content; the next successful read ends the message."""
    watch = TableWatch(site)
    began = watch.look().since
    stack.clock.sleep(60)
    stack.table.fails_with = _DEAD
    found = watch.look()
    assert found.problem is not None
    assert (found.gate, found.since) == (None, began)
    stack.table.fails_with = None
    assert watch.look().problem is None


def _window(site: Site, *jobs: Job, since: datetime | None = None, prefix: str = "") -> Window:
    """A window with a list of these jobs."""
    wanted = JobFilter(prefix=prefix)
    shown: dict[str, Job | None] = {job.id: job for job in jobs}
    return Window(site, ShownPage(made=NOON, jobs=shown, wanted=wanted, since=since))


def test_a_window_gets_new_jobs_of_its_list_and_changes_of_those_on_its_page(
    stack: FakeStack, site: Site
) -> None:
    """Not those of jobs on later pages of the list."""
    shown = make_job("shown.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=1))
    new = make_job("new.jpg", state=State.PROCESSING, at=NOON + timedelta(seconds=1))
    old = make_job("old.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=2))
    stack.know(new, replace(shown, version=2), old)
    changes = TableWatch(site).look()
    everything, shoes = (_window(site, shown, since=NOON, prefix=it) for it in ("", "shoes/"))
    assert _names(everything.events(changes)) == ["problem", "gate", f"job-{shown.id}", "new"]
    again = replace(changes, jobs={it.id: replace(it, version=9) for it in changes.jobs.values()})
    assert _names(everything.events(again)) == [f"job-{shown.id}", f"job-{new.id}"]
    assert "new" not in _names(shoes.events(changes))
    whole = _window(site, shown)
    assert _names(whole.events(changes)) == ["problem", "gate", "new", f"job-{shown.id}", "new"]


def test_a_job_is_added_to_a_list_when_it_enters_its_state(stack: FakeStack, site: Site) -> None:
    """A list of failed jobs gets a job that was created long ago and fails now."""
    job = make_job("a.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=5))
    stack.know(job)
    watch = TableWatch(site)
    failures = ShownPage(made=NOON, wanted=JobFilter(states=(State.FAILED,)), since=NOON)
    window = Window(site, failures)
    assert "new" not in _names(window.events(watch.look()))
    stack.know(replace(failed("a.jpg"), updated_at=NOON + timedelta(seconds=3)))
    assert _names(window.events(watch.look())) == ["new"]


def test_a_settled_job_is_found_with_a_wrong_clock(stack: FakeStack, site: Site) -> None:
    """This machine's clock is ten minutes ahead of AWS, whose times jobs are listed by."""
    stack.know(make_job("a.jpg", state=State.PROCESSING))
    stack.clock.sleep(600)
    watch = TableWatch(site)
    watch.look()
    done = replace(make_job("a.jpg"), updated_at=NOON)
    stack.know(done)
    assert watch.look().jobs == {done.id: done}


def test_a_list_that_has_grown_is_loaded_again(stack: FakeStack, site: Site) -> None:
    """After a hundred added rows; thousands would slow down the browser."""
    stack.know(*(make_job(f"{it}.jpg", state=State.PROCESSING) for it in range(100)))
    watch, window = TableWatch(site), _window(site)
    assert _names(window.events(watch.look())).count("new") == 100
    assert _names(window.events(watch.look())) == ["behind"]


def test_a_window_without_a_list_gets_only_rows_to_replace(stack: FakeStack, site: Site) -> None:
    """The drop page already has a row for each upload."""
    job = make_job("new.jpg", state=State.PROCESSING, at=NOON + timedelta(seconds=1))
    stack.know(job, make_job("other.jpg", state=State.PROCESSING))
    windows, page = LiveWindows(site), ShownPage(made=NOON, is_drop=True)
    windows.show(windows.stream_of(page), job.id, None)
    names = _names(Window(site, page).events(TableWatch(site).look()))
    assert names == ["problem", "gate", "job-job-of-new.jpg"]


def test_an_error_is_shown_once_and_removed_afterwards(stack: FakeStack, site: Site) -> None:
    """With the time of the window's content."""
    watch, window = TableWatch(site), _window(site)
    window.events(watch.look())
    stack.table.fails_with = _DEAD
    [told] = window.events(watch.look())
    assert "cannot be reached" in told
    assert "as of" in told
    assert window.events(watch.look()) == []
    stack.table.fails_with = None
    assert window.events(watch.look()) == ["event: problem\ndata: \n\n"]


def test_a_key_cannot_end_an_event(stack: FakeStack, site: Site) -> None:
    """A line break in a key would start another field of the event."""
    stack.know(make_job("a\n\nevent: gate\ndata: x", state=State.PROCESSING))
    events = _window(site).events(TableWatch(site).look())
    assert _names(events) == ["problem", "gate", "new"]
    for event in events:
        lines = event.rstrip("\n").splitlines()
        assert lines[0].startswith("event: ")
        assert all(line.startswith("data: ") for line in lines[1:])


def test_one_loop_reads_for_all_windows_and_ends_with_the_last(
    stack: FakeStack, site: Site
) -> None:
    """Two windows get the same changes from one read; without windows, nothing is read."""
    stack.know(failed("a.jpg"), make_job("b.jpg", state=State.PROCESSING))

    async def two_windows() -> None:
        windows = LiveWindows(site)
        async with (
            aclosing(windows.stream(_window(site))) as one,
            aclosing(windows.stream(_window(site))) as other,
        ):
            for stream in (one, other):
                names: list[str] = []
                while "gate" not in names:
                    names += _names([await anext(stream)])
            assert stack.table.steps["gate.read"] == 1
            assert len(asyncio.all_tasks()) == 2
        await _the_loop_ends()
        compose.control(stack).pause()
        async with aclosing(windows.stream(_window(site))) as later:
            assert "gate paused" in await anext(later)
        await _the_loop_ends()

    asyncio.run(two_windows())


async def _the_loop_ends() -> None:
    async with asyncio.timeout(_SOON_SECONDS):
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def test_a_window_opened_during_the_last_read_is_served_by_it(
    stack: FakeStack,
) -> None:
    """Nothing is cancelled, so no two reads run at the same time."""
    looks, goes_on = threading.Event(), threading.Event()

    def connect() -> FakeStack:
        looks.set()
        assert goes_on.wait(_SOON_SECONDS)
        return stack

    site = Site(connect, price=Price(cents=Decimal(1)), clock=stack.clock, csrf="c")

    async def one_after_the_other() -> None:
        windows = LiveWindows(site)
        waits = asyncio.create_task(anext(windows.stream(_window(site))))
        assert await asyncio.to_thread(looks.wait, _SOON_SECONDS)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        goes_on.set()
        async with aclosing(windows.stream(_window(site))) as second:
            assert _names([await anext(second)]) == ["problem", "gate"]
            assert stack.table.steps["gate.read"] == 1
        await _the_loop_ends()

    asyncio.run(one_after_the_other())


def test_a_slow_window_gets_the_newest_version_of_each_job(stack: FakeStack) -> None:
    """Even of a job that later reads do not find; a failing read adds its error."""
    first = make_job("a.jpg", state=State.PROCESSING)
    newer, other = replace(first, version=9), make_job("b.jpg", state=State.PROCESSING)
    gate = stack.jobs.read_gate()
    queue: asyncio.Queue[Changes | None] = asyncio.Queue(maxsize=1)
    problem = Problem("AWS cannot be reached.")
    give(queue, Changes(jobs={first.id: first, other.id: other}, gate=gate))
    give(queue, Changes(jobs={first.id: newer}, gate=gate))
    give(queue, Changes(problem=problem))
    waiting = Changes(jobs={first.id: newer, other.id: other}, gate=gate, problem=problem)
    assert queue.get_nowait() == waiting


def test_the_number_of_windows_has_a_limit(site: Site) -> None:
    """Each holds a connection; the response has advice."""

    async def many() -> None:
        windows = LiveWindows(site)
        request = _request("/events?page=1")
        async with AsyncExitStack() as opened:
            for _ in range(MOST_WINDOWS):
                stream = windows.stream(_window(site))
                await opened.enter_async_context(aclosing(stream))
                await anext(stream)
            refused = await windows.events(request)
            assert (refused.status_code, b"close one" in bytes(refused.body)) == (503, True)
        assert (await windows.events(request)).status_code == 200
        await _the_loop_ends()

    asyncio.run(many())


def test_the_streams_end_with_the_server(stack: FakeStack, site: Site) -> None:
    """It would wait for them, and then cancel them with an error."""
    stack.know(failed("a.jpg"))

    async def ended() -> None:
        windows = LiveWindows(site)
        async with aclosing(windows.stream(_window(site))) as stream:
            await anext(stream)
            windows.end()
            async for event in stream:
                assert event.startswith("event: ")
        await _the_loop_ends()

    asyncio.run(ended())
