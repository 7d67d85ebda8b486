"""Live changes: one loop reads the table for all open windows, and none if no window is open."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from cutout.cli.console.site import Site
from cutout.cli.console.table_watch import OVERLAP, Changes, TableWatch
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.operator.list_jobs import Cursor, JobFilter

_BUSY_SECONDS = 2.0
_IDLE_SECONDS = 5.0
_JOBS_FOR_ONE_PAUSE = 200
_MOST_PAUSES = 5
_UNTIL_BEHIND = OVERLAP / 2
"""A page that connects later than this after it was made may have missed the end of a job."""
MOST_WINDOWS = 20
_MOST_PAGES = 50
"""Pages that are remembered: one that was forgotten is made again when it connects."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_ADDED = 100
"""Jobs that are added to a list before its page is made again."""


@dataclass(frozen=True, kw_only=True)
class ShownPage:
    """The content of a page, so that its window gets what differs.

    Attributes:
        made: when its jobs were read.
        jobs: those on the page by id, as they were read; None for an upload without a job yet.
        wanted: the jobs that are added to its list; None if none is.
        since: the time in the list before which a job is on a later page; None for no such time.
        is_photo: it shows one job, which each look reads.
        is_drop: it shows uploaded files, each with a row that asks for its job by itself.
    """

    made: datetime
    jobs: dict[str, Job | None] = field(default_factory=dict)
    wanted: JobFilter | None = None
    since: datetime | None = None
    is_photo: bool = False
    is_drop: bool = False

    def lists(self, job: Job) -> bool:
        """Whether a job that is not on the page belongs there by now."""
        if self.wanted is None or not self.wanted.takes(job):
            return False
        return self.since is None or Cursor.of(job).at >= self.since


class LiveWindows:
    """The pages that were made, the open windows, and the loop that looks for them.

    The loop is the only one that looks, and it ends by itself: a look that is cancelled would go on
    in its thread, beside the next.
    """

    def __init__(self, site: Site) -> None:
        self._watch = TableWatch(site)
        self._site = site
        self._pages: OrderedDict[str, ShownPage] = OrderedDict()
        self._numbers = count(1)
        self._windows: dict[asyncio.Queue[Changes | None], Window] = {}
        self._loop: asyncio.Task[None] | None = None
        self._all_closed = asyncio.Event()
        self._latest: Changes | None = None

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [Route("/events", self.events, methods=["GET"], name="GET /events")]

    def stream_of(self, page: ShownPage) -> str:
        """Remember what a page shows, and return the address of its stream."""
        address = f"/events?page={next(self._numbers)}"
        self._pages[address] = page
        if len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        return address

    def show(self, address: str, job_id: str, job: Job | None) -> None:
        """Send the changes of a job to a page that shows it since it was made."""
        if page := self._pages.get(address):
            page.jobs[job_id] = job

    async def events(self, request: Request) -> Response:
        """Send the changes to a window, until it is closed."""
        if len(self._windows) >= MOST_WINDOWS:
            return PlainTextResponse(
                "Twenty windows of this console are open: close one.\n",
                status_code=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        if "page" not in request.query_params:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        # A browser that lost its connection asks for the same address again.
        page = self._pages.get(f"/events?{request.url.query}") or ShownPage(made=_LONG_AGO)
        is_behind = self._site.now() - page.made > _UNTIL_BEHIND
        window = Window(self._site, page, is_behind=is_behind)
        return StreamingResponse(self.stream(window), media_type="text/event-stream")

    async def stream(self, window: Window) -> AsyncGenerator[str]:
        """Yield the events of a window; the loop runs while there is one."""
        queue: asyncio.Queue[Changes | None] = asyncio.Queue(maxsize=1)
        if self._latest:
            queue.put_nowait(self._latest)
        self._windows[queue] = window
        self._all_closed.clear()
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._look_again_and_again())
        try:
            while changes := await queue.get():
                # In one piece: asyncio complains of many writes to a window that was closed.
                if events := "".join(window.events(changes)):
                    yield events
        finally:
            self._windows.pop(queue, None)
            if not self._windows:
                self._all_closed.set()

    def end(self) -> None:
        """End the streams of all windows: the server waits for them when it ends."""
        for queue in self._windows:
            give(queue, None)
        self._windows.clear()
        self._all_closed.set()

    async def _look_again_and_again(self) -> None:
        try:
            while self._windows:
                pages = [window.page for window in self._windows.values()]
                photos = {job_id for page in pages if page.is_photo for job_id in page.jobs}
                self._latest = await run_in_threadpool(self._watch.look, photos)
                for queue in self._windows:
                    give(queue, self._latest)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_pause_seconds(len(self._watch.moving))):
                        await self._all_closed.wait()
        finally:
            self._latest = None  # the next window may open hours later


class Window:
    """One open window, and what it was sent.

    Args:
        page: what its page shows.
        is_behind: its page must be made again, as it may have missed changes: so it is after each
            lost connection.
    """

    def __init__(self, site: Site, page: ShownPage, *, is_behind: bool = False) -> None:
        self.page = page
        self._site = site
        self._is_behind = is_behind
        self._sent: dict[str, Job] = {}
        self._added = 0
        self._shown: dict[str, str] = {}

    def events(self, changes: Changes) -> list[str]:
        """Return the events for these changes."""
        events = list(self._replaced("problem", self._problem(changes)))
        if changes.gate is None:
            return events
        if self._is_behind:
            # Again with each look until the page is made, which may fail.
            self._is_behind = not self.page.is_drop
            events.append(_event("behind", ""))
        gate = self._site.html("_gate.html", gate=changes.gate)
        events += self._replaced("gate", gate)
        for job in changes.jobs.values():
            events += self._changed(job)
        # A list that only grows would make the browser slow.
        self._is_behind |= self._added >= _MOST_ADDED
        return events

    def _changed(self, job: Job) -> Iterator[str]:
        """Yield the event for a job if it differs from what the window has."""
        is_shown = job.id in self._sent or job.id in self.page.jobs
        shown = self._sent.get(job.id) or self.page.jobs.get(job.id)
        # A page may have been made after the look that it gets first.
        if shown and (job == shown or job.version < shown.version):
            return
        if is_shown or self.page.lists(job):
            # The page of a photo is made again, which may fail: then the next look sends it again.
            if not self.page.is_photo:
                self._sent[job.id] = job
            self._added += not is_shown
            row = self._site.html("_job.html", job=job, is_dropped=self.page.is_drop)
            yield _event(f"job-{job.id}" if is_shown else "new", row)

    def _replaced(self, name: str, html: str) -> Iterator[str]:
        """Yield the event that replaces a part of the page, if it differs from what is shown."""
        if self._shown.get(name) != html:
            self._shown[name] = html
            yield _event(name, html)

    def _problem(self, changes: Changes) -> str:
        if changes.problem is None:
            return ""
        return self._site.html("_problem.html", problem=changes.problem, since=changes.since)


def give(queue: asyncio.Queue[Changes | None], found: Changes | None) -> None:
    """Put what was found in a queue of one place; jobs that a slow window did not take yet stay."""
    waiting = None if queue.empty() else queue.get_nowait()
    if waiting and found:
        found = replace(found, jobs={**waiting.jobs, **found.jobs}, gate=found.gate or waiting.gate)
    queue.put_nowait(found)


def _event(name: str, html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


def _pause_seconds(moving: int) -> float:
    """Return the seconds until the next look; many jobs are looked at less often."""
    if not moving:
        return _IDLE_SECONDS
    return _BUSY_SECONDS * min(max(1.0, moving / _JOBS_FOR_ONE_PAUSE), _MOST_PAUSES)
