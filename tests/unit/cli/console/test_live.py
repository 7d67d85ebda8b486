"""Live changes: one loop for all windows, only while one is open, and what each window gets."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from botocore.exceptions import EndpointConnectionError
from starlette.requests import Request
from starlette.responses import StreamingResponse

from cutout.cli import compose
from cutout.cli.console.live import (
    MOST_WINDOWS,
    Changes,
    LiveWindows,
    TableWatch,
    Window,
    give,
)
from cutout.cli.console.site import Site
from cutout.cli.output.money import Price
from cutout.cli.output.problems import Problem
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
    """Also that of a job that has ended."""
    watch, window = TableWatch(site), _window(site)
    job = make_job("a.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=1))
    stack.know(job)
    assert _names(window.events(watch.look())) == ["problem", "gate", f"job-{job.id}"]
    assert window.events(watch.look()) == []
    done = replace(make_job("a.jpg", at=job.created_at), updated_at=stack.clock.now())
    stack.know(done)
    assert _names(window.events(watch.look())) == [f"job-{job.id}"]
    assert window.events(watch.look()) == []


def test_a_job_that_ended_before_a_window_connected_reaches_it(
    stack: FakeStack, site: Site
) -> None:
    """Its page was made before; the look that found the end was for another window."""
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


def test_the_page_of_a_job_gets_later_versions_of_it_only(stack: FakeStack, site: Site) -> None:
    """It would be made again for nothing."""
    job = make_job("a.jpg", state=State.PROCESSING)
    stack.know(job, make_job("b.jpg", state=State.PROCESSING))
    watch = TableWatch(site)
    window = Window(
        site=site,
        wanted=JobFilter(),
        opened=None,
        job_shown=job.id,
        version_shown=str(job.version),
    )
    assert _names(window.events(watch.look())) == ["problem", "gate"]
    stack.know(replace(job, version=job.version + 1))
    assert _names(window.events(watch.look())) == [f"job-{job.id}"]


def test_a_job_that_a_page_shows_is_read_in_any_case(stack: FakeStack, site: Site) -> None:
    """Also one that ended long ago, or whose place in the index is behind all that are read."""
    old = make_job("a.jpg", at=NOON - timedelta(days=1))
    stack.know(old)
    watch = TableWatch(site)
    watch.look()
    assert watch.look().jobs == {}
    assert watch.look([old.id, "unknown"]).jobs == {old.id: old}


def test_a_page_that_connects_late_is_made_again_once(stack: FakeStack, site: Site) -> None:
    """It may have missed the end of a job; not while the table cannot be read."""
    watch = TableWatch(site)
    window = Window(site=site, wanted=JobFilter(), opened=None, is_behind=True)
    stack.table.fails_with = _DEAD
    assert _names(window.events(watch.look())) == ["problem"]
    stack.table.fails_with = None
    assert _names(window.events(watch.look())) == ["problem", "behind", "gate"]
    assert window.events(watch.look()) == []


@pytest.mark.parametrize(
    ("made", "is_behind"),
    [
        (NOON, False),
        (NOON - timedelta(seconds=9), False),
        (NOON - timedelta(seconds=11), True),
        ("", True),
    ],
)
def test_a_page_connects_late_ten_seconds_after_it_was_made(
    *, site: Site, made: object, is_behind: bool
) -> None:
    """A stream that the browser opens again has the address that its page had."""

    async def opened() -> None:
        windows = LiveWindows(site)
        address = urlencode({"made": str(made)}).encode()
        request = Request({"type": "http", "query_string": address, "headers": []})
        response = await windows.events(request)
        assert isinstance(response, StreamingResponse)
        async with aclosing(response.body_iterator) as stream:  # type: ignore[type-var]
            names: list[str] = []
            while "gate" not in names:
                names += _names([str(await anext(stream))])
        assert ("behind" in names) == is_behind
        await _the_loop_ends()

    asyncio.run(opened())


def test_a_job_that_the_index_shows_late_is_found(stack: FakeStack, site: Site) -> None:
    """Indexes are eventually consistent: a look also covers the time just before the last."""
    watch = TableWatch(site)
    watch.look()
    stack.clock.sleep(10)
    watch.look()
    late = replace(make_job("a.jpg"), updated_at=stack.clock.now() - timedelta(seconds=5))
    stack.know(late)
    assert watch.look().jobs == {late.id: late}


def test_a_look_that_fails_says_why_and_since_when(stack: FakeStack, site: Site) -> None:
    """What the windows show stays; the next look that succeeds ends the message."""
    watch = TableWatch(site)
    began = watch.look().since
    stack.clock.sleep(60)
    stack.table.fails_with = _DEAD
    found = watch.look()
    assert found.problem is not None
    assert (found.gate, found.since) == (None, began)
    stack.table.fails_with = None
    assert watch.look().problem is None


def _window(site: Site, **wanted: object) -> Window:
    chosen = replace(JobFilter(), **wanted)  # type: ignore[arg-type]
    return Window(site=site, wanted=chosen, opened=NOON)


def test_a_window_gets_new_jobs_of_its_filter_and_changes_of_all(
    stack: FakeStack, site: Site
) -> None:
    """A job that began before the window was opened replaces its row, if the page has one."""
    stack.know(
        make_job("new.jpg", state=State.PROCESSING, at=NOON + timedelta(seconds=1)),
        make_job("old.jpg", state=State.PROCESSING, at=NOON - timedelta(hours=1)),
    )
    changes = TableWatch(site).look()
    everything, shoes = _window(site), _window(site, prefix="shoes/")
    assert _names(everything.events(changes)) == ["problem", "gate", "job-job-of-old.jpg", "new"]
    again = replace(changes, jobs={it.id: replace(it, version=9) for it in changes.jobs.values()})
    assert _names(everything.events(again)) == ["job-job-of-old.jpg", "job-job-of-new.jpg"]
    assert "new" not in _names(shoes.events(changes))


def test_a_window_without_a_list_gets_rows_to_replace_only(stack: FakeStack, site: Site) -> None:
    """The drop page has a row for each upload already."""
    stack.know(make_job("new.jpg", state=State.PROCESSING, at=NOON + timedelta(seconds=1)))
    window = Window(site=site, wanted=JobFilter(), opened=None)
    names = _names(window.events(TableWatch(site).look()))
    assert names == ["problem", "gate", "job-job-of-new.jpg"]


def test_trouble_is_told_once_and_taken_back(stack: FakeStack, site: Site) -> None:
    """With the time of what the window shows."""
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
    """A line break in a key would begin another field of the event."""
    stack.know(make_job("a\n\nevent: gate\ndata: x", state=State.PROCESSING))
    for event in _window(site).events(TableWatch(site).look()):
        lines = event.rstrip("\n").splitlines()
        assert lines[0].startswith("event: ")
        assert all(line.startswith("data: ") for line in lines[1:])


def test_one_loop_looks_for_all_windows_and_ends_with_the_last(
    stack: FakeStack, site: Site
) -> None:
    """Two windows get the same changes from one look; without windows, nothing is read."""
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
            events = [await anext(later), await anext(later)]
            assert "gate paused" in events[1]
        await _the_loop_ends()

    asyncio.run(two_windows())


async def _the_loop_ends() -> None:
    async with asyncio.timeout(_SOON_SECONDS):
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def test_a_window_that_opens_during_the_last_look_is_served_by_it(
    stack: FakeStack,
) -> None:
    """Nothing is cancelled, so no look runs beside another."""
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
            assert _names([await anext(second), await anext(second)]) == ["problem", "gate"]
            assert stack.table.steps["gate.read"] == 1
        await _the_loop_ends()

    asyncio.run(one_after_the_other())


def test_what_waits_for_a_slow_window_is_the_newest_of_each_job(stack: FakeStack) -> None:
    """Also of a job that later looks do not find; a look that failed adds its problem."""
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
    """Each holds a connection; the answer says what to do."""

    async def many() -> None:
        windows = LiveWindows(site)
        request = Request({"type": "http", "query_string": b"", "headers": []})
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
    """It would wait for them, and then cancel them as an error."""
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
