"""Live changes: one loop reads the table for all open windows, and none if no window is open.

A look takes about eight requests: the gate, the index of jobs in progress, one index for each end
state, and a batch of a hundred jobs. Each further hundred jobs in progress takes one more.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING

import click
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from cutout.cli.console.board_page import Query
from cutout.cli.output.problems import Problem, explained
from cutout.domain.dataclass import dataclass
from cutout.domain.states import SETTLED
from cutout.ports.jobs_table import MOST_COUNTED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from cutout.cli.console.site import Site
    from cutout.domain.gate.gate import Gate
    from cutout.domain.job.job import Job
    from cutout.operator.list_jobs import JobFilter

_BUSY_SECONDS = 2.0
_IDLE_SECONDS = 5.0
_JOBS_FOR_ONE_PAUSE = 200
_MOST_PAUSES = 5
_OVERLAP = timedelta(seconds=20)
"""Each look begins this long before the last.

The index of ended jobs is eventually consistent, and a page connects a moment after it is made.
"""
_UNTIL_BEHIND = _OVERLAP / 2
"""A page that connects later than this after it was made may have missed the end of a job."""
MOST_WINDOWS = 20


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What one look found.

    Attributes:
        jobs: by id, those in progress and those that ended a short time ago; none if it failed.
        gate: None if the look failed.
        problem: why it failed.
        since: when the last look succeeded.
    """

    jobs: Mapping[str, Job] = field(default_factory=dict)
    gate: Gate | None = None
    problem: Problem | None = None
    since: datetime | None = None


class TableWatch:
    """Looks for changed jobs. Not for several threads at a time."""

    def __init__(self, site: Site) -> None:
        self.moving = 0
        self._site = site
        self._jobs: Mapping[str, Job] = {}
        self._ended: set[tuple[str, datetime]] = set()
        self._since: datetime | None = None

    def look(self, shown: Collection[str] = ()) -> Changes:
        """Return the jobs that may have changed a short time ago, and the gate.

        Args:
            shown: jobs that are read in any case.
        """
        try:
            with explained():
                return self._changes(shown)
        except Problem as problem:
            self._site.forget_stack()
            return Changes(problem=problem, since=self._since)

    def _changes(self, shown: Collection[str]) -> Changes:
        stack, now = self._site.stack(), self._site.now()
        since = (self._since or now) - _OVERLAP
        ended = {
            (entry.job_id, entry.at)
            for state in SETTLED
            for entry in islice(stack.jobs.moved(state, since=since), MOST_COUNTED)
        }
        moving = [entry.job_id for entry in islice(stack.jobs.moving(), MOST_COUNTED)]
        new = [job_id for job_id, _ in sorted(ended - self._ended, key=lambda it: it[1])]
        read = stack.jobs.find_all(list(dict.fromkeys([*reversed(moving), *new, *shown])))
        gate = stack.jobs.read_gate()
        known = {job_id: self._jobs[job_id] for job_id, _ in ended if job_id in self._jobs}
        self._jobs = known | {job.id: job for job in read}
        self.moving = len(moving)
        self._ended, self._since = ended, now
        return Changes(jobs=self._jobs, gate=gate, since=now)


class LiveWindows:
    """The open windows, and the loop that looks for them.

    The loop is the only one that looks, and it ends by itself: a look that is cancelled would go on
    in its thread, beside the next.
    """

    def __init__(self, site: Site) -> None:
        self._watch = TableWatch(site)
        self._site = site
        self._windows: dict[asyncio.Queue[Changes | None], Window] = {}
        self._loop: asyncio.Task[None] | None = None
        self._all_closed = asyncio.Event()
        self._latest: Changes | None = None

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [Route("/events", self.events, methods=["GET"], name="GET /events")]

    async def events(self, request: Request) -> Response:
        """Send changes to a window as server-sent events, until it is closed."""
        if len(self._windows) >= MOST_WINDOWS:
            return PlainTextResponse(
                f"{MOST_WINDOWS} windows of this console are open: close one.\n",
                status_code=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        fields, now = request.query_params, self._site.now()
        try:
            wanted = Query.of(fields).chosen(now)
        except click.BadParameter as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST) from error
        made = _moment(fields.get("made", ""))
        window = Window(
            site=self._site,
            wanted=wanted,
            opened=_moment(fields.get("opened", "")),
            is_behind=made is None or now - made > _UNTIL_BEHIND,
            is_drop="drop" in fields,
            job_shown=fields.get("job"),
            version_shown=fields.get("version"),
        )
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
                for event in window.events(changes):
                    yield event
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
                shown = {it.job_shown for it in self._windows.values() if it.job_shown}
                self._latest = await run_in_threadpool(self._watch.look, shown)
                for queue in self._windows:
                    give(queue, self._latest)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_pause_seconds(self._watch.moving)):
                        await self._all_closed.wait()
        finally:
            self._latest = None


class Window:
    """One open window: which jobs it shows, and which of them it got as new.

    Args:
        site: the templates.
        wanted: the jobs that its page lists.
        opened: when its page was made, if it is a list: jobs that began later are added to it.
        is_behind: its page must be made again, as it may have missed changes: this is the case
            after each lost connection.
        is_drop: its page shows uploaded files, each with a row of its own.
        job_shown: id of the job that its page shows, if it shows one.
        version_shown: version of that job on the page.
    """

    def __init__(
        self,
        *,
        site: Site,
        wanted: JobFilter,
        opened: datetime | None,
        is_behind: bool = False,
        is_drop: bool = False,
        job_shown: str | None = None,
        version_shown: str | None = None,
    ) -> None:
        self.job_shown = job_shown
        self._site = site
        self._wanted = wanted
        self._opened = opened
        self._is_behind = is_behind
        self._is_drop = is_drop
        self._version_shown = version_shown
        self._added: set[str] = set()
        self._shown: dict[str, str] = {}
        self._sent: Mapping[str, Job] = {}

    def events(self, changes: Changes) -> list[str]:
        """Return the events for these changes."""
        events = list(self._replaced("problem", self._problem(changes)))
        if changes.gate is not None:
            if self._is_behind:
                self._is_behind = False
                events.append(_event("behind", ""))
            gate = self._site.html("_gate.html", gate=changes.gate)
            events += self._replaced("gate", gate)
            events += self._moved(changes.jobs)
        return events

    def _moved(self, jobs: Mapping[str, Job]) -> Iterator[str]:
        """Yield an event for each job that differs from what the window has."""
        sent, self._sent = self._sent, jobs
        for job in jobs.values():
            if sent.get(job.id) == job or not self._is_shown(job):
                continue
            row = self._site.html("_job.html", job=job, is_dropped=self._is_drop)
            if self._is_new(job):
                self._added.add(job.id)
                yield _event("new", row)
            else:
                yield _event(f"job-{job.id}", row)

    def _is_shown(self, job: Job) -> bool:
        """Whether the page may show the job, in another version."""
        if self.job_shown is None:
            return True
        return job.id == self.job_shown and str(job.version) != self._version_shown

    def _is_new(self, job: Job) -> bool:
        if self._opened is None or job.created_at < self._opened or job.id in self._added:
            return False
        return self._wanted.takes(job)

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


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
