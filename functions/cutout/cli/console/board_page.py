"""The board: the gate, and jobs as they move, the last ones first."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Self
from urllib.parse import quote, urlencode

import click
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cutout.cli import compose
from cutout.cli.console.live import LiveWindows, ShownPage
from cutout.cli.console.site import Form, Site
from cutout.cli.options.job_filters import time_in
from cutout.cli.photo_names import UnknownNameError, job_named
from cutout.domain.dataclass import dataclass
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs

PAGE = 100
"""Jobs on one page."""
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Query:
    """The query of a board's address; unknown states and reasons are ignored."""

    states: Sequence[State]
    reasons: Sequence[Reason]
    prefix: str
    since: str
    until: str
    after: str

    @classmethod
    def of(cls, parameters: QueryParams) -> Self:
        """Return the query of an address."""
        return cls(
            states=[it for it in State if it in parameters.getlist("state")],
            reasons=[it for it in Reason if it in parameters.getlist("reason")],
            prefix=parameters.get("prefix", ""),
            since=parameters.get("since", "").strip(),
            until=parameters.get("until", "").strip(),
            after=parameters.get("after", ""),
        )

    def chosen(self, now: datetime) -> JobFilter:
        """Return the filter.

        Raises:
            click.BadParameter: a time cannot be read.
        """
        return JobFilter(
            states=tuple(self.states) or tuple(State),
            reasons=frozenset(self.reasons),
            prefix=self.prefix,
            since=time_in(self.since, now) if self.since else None,
            until=time_in(self.until, now, is_end=True) if self.until else None,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether it asks for some jobs only."""
        return bool(self.states or self.reasons or self.prefix or self.since or self.until)

    def address(self, after: str = "") -> str:
        """Return its parameters, for the page after this place."""
        fields: list[tuple[str, str]] = [("state", it) for it in self.states]
        fields += [("reason", it) for it in self.reasons]
        fields += [("prefix", self.prefix), ("since", self.since), ("until", self.until)]
        return urlencode([it for it in [*fields, ("after", after)] if it[1]])


@dataclass(frozen=True, kw_only=True)
class Board:
    """The pages of the board and of the gate."""

    site: Site
    windows: LiveWindows

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            self.site.get("/", self.show),
            self.site.get("/search", self.search),
            self.site.post("/gate/pause", self.pause),
            self.site.post("/gate/resume", self.resume),
        ]

    def show(self, request: Request) -> Response:
        """Show a page of jobs."""
        query, now = Query.of(request.query_params), self.site.now()
        try:
            chosen = query.chosen(now)
            after = Cursor.read(query.after) if query.after else None
        except (click.BadParameter, ValueError) as error:
            return self._mistaken(query, error)
        # New jobs come before all others, so only the first page gets them.
        gets_new = not query.after and not query.until
        stack = self.site.stack()
        # Reading ahead is for filters that the index does not have: then all jobs are read.
        browse = ListJobs(records=stack.index, at_once=1 if chosen.is_indexed else _AT_ONCE)
        listed = list(islice(browse.jobs(chosen, after), PAGE + 1))
        jobs = listed[:PAGE]
        end = Cursor.of(jobs[-1]) if len(listed) > PAGE else None
        page = ShownPage(
            made=self.site.now(),
            jobs={job.id: job for job in jobs},
            wanted=chosen if gets_new else None,
            since=max([it for it in (chosen.since, end and end.at) if it], default=None),
        )
        return self.site.page(
            "board.html",
            query=query,
            jobs=jobs,
            more=query.address(str(end)) if end else None,
            gate=stack.jobs.read_gate(),
            mistake=None,
            gets_new=gets_new,
            live=self.windows.stream_of(page),
        )

    def _mistaken(self, query: Query, error: Exception) -> Response:
        """Show the filters, and what is wrong with them."""
        text = error.message if isinstance(error, click.BadParameter) else str(error)
        nothing = dict.fromkeys(("more", "gate", "live", "gets_new"))
        status = HTTPStatus.BAD_REQUEST
        return self.site.page(
            "board.html", status=status, query=query, jobs=[], mistake=text, **nothing
        )

    def search(self, request: Request) -> Response:
        """Go to the photo that a key, an s3:// URL or the id of a job names."""
        name = request.query_params.get("key", "").strip()
        try:
            job = job_named(self.site.stack(), name)
        except UnknownNameError as problem:
            status = HTTPStatus.NOT_FOUND
            return self.site.page("problem.html", status=status, problem=problem, sought=name)
        return RedirectResponse(f"/jobs/{quote(job.id)}", status_code=HTTPStatus.SEE_OTHER)

    def pause(self, _request: Request, _form: Form) -> Response:
        """Pause the gate."""
        return self.site.page("_gate.html", gate=compose.control(self.site.stack()).pause())

    def resume(self, _request: Request, _form: Form) -> Response:
        """Open the gate."""
        return self.site.page("_gate.html", gate=compose.control(self.site.stack()).resume())
