"""The review of doubtful results: one at a time, before and after, decided by keyboard."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutout.cli import compose
from cutout.cli.console.retry_offer import check_unchanged, offer_of, retry_as_offered
from cutout.cli.console.site import Form, Site, with_buttons
from cutout.cli.console.stored_files import cut_out_of, photo_of
from cutout.cli.output.problems import Problem
from cutout.domain.job.result import Verdict
from cutout.operator.list_jobs import Cursor, JobFilter
from cutout.operator.review import DoubtfulResult, doubtful_result

LONGEST_QUEUE = 100
"""Results on one page of the queue."""


@dataclass(frozen=True, kw_only=True)
class ReviewQueue:
    """A page of the queue, as an address names it, and its results.

    Attributes:
        prefix: of the photos' keys.
        ends: the places where the pages before this one end, the first page's first.
        results: those of the page and, if there are more, the first one of the next page.
    """

    prefix: str = ""
    ends: tuple[Cursor, ...] = ()
    results: Sequence[DoubtfulResult] = ()

    @classmethod
    def of(cls, parameters: QueryParams) -> Self:
        """Return the queue of an address; what is no place is the beginning."""
        ends: tuple[Cursor, ...] = ()
        with suppress(ValueError):
            ends = tuple(map(Cursor.read, parameters.getlist("after")))
        return cls(prefix=parameters.get("prefix", ""), ends=ends)

    @property
    def after(self) -> Cursor | None:
        """The place after which it begins; None for the first page."""
        return self.ends[-1] if self.ends else None

    @property
    def is_apart(self) -> bool:
        """Whether it begins with a result that was asked for, so that none before it is known."""
        return bool(self.after and self.results) and self.results[0].job.id == self.ends[-1].job_id

    @property
    def count(self) -> int:
        """The number of results on this page."""
        return min(len(self.results), LONGEST_QUEUE)

    @property
    def is_cut(self) -> bool:
        """Whether there are more."""
        return len(self.results) > LONGEST_QUEUE

    @property
    def parameters(self) -> str:
        """Its parameters in an address."""
        return self._parameters(self.ends)

    def address(self, place: int) -> str | None:
        """Return the address of a result, on this page or beside it; None if there is none."""
        if place in range(self.count):
            return f"/review?{self._parameters(self.ends, job=self.results[place].job.id)}"
        if place < 0:
            return self._address_before() if self.ends else None
        if not self.is_cut:
            return None
        end = Cursor.of(self.results[place - 1].job)
        return f"/review?{self._parameters((*self.ends, end))}"

    def _address_before(self) -> str:
        """Return the address of the last result of the page before, or of the newest of all."""
        if self.is_apart:
            return f"/review?{self._parameters(())}"
        *before, end = self.ends
        return f"/review?{self._parameters(before, job=end.job_id)}"

    def id_after(self, place: int) -> str:
        """Return the id of the job to show once this one is decided on."""
        neighbours = [*self.results[place + 1 : place + 2], *self.results[:place][-1:]]
        return neighbours[0].job.id if neighbours else ""

    def _parameters(self, ends: Sequence[Cursor], *, job: str = "") -> str:
        fields = [("job", job), ("prefix", self.prefix), *(("after", str(it)) for it in ends)]
        return urlencode([it for it in fields if it[1]])


class Notice(NamedTuple):
    """The outcome of the last decision, and whether that is a problem: it had no effect."""

    text: str
    is_problem: bool = False


@dataclass(frozen=True, kw_only=True)
class ReviewPage:
    """The page of the queue of doubtful results."""

    site: Site

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            self.site.get("/review", self.show),
            self.site.post("/review/{job_id}/accept", self.accept),
            self.site.post("/review/{job_id}/reject", self.reject),
            self.site.post("/review/{job_id}/retry", self.retry),
        ]

    def show(self, request: Request) -> Response:
        """Show the result of the job in the address, or the first one."""
        if "job" not in request.query_params:
            return self._shown(request, None)
        job = self.site.job_of(request)
        asked = doubtful_result(job)
        notice = None if asked else _refused(Problem(f"{job.source.key} is {job.state}."))
        return self._shown(request, job.id, asked=asked, notice=notice)

    def accept(self, request: Request, form: Form) -> Response:
        """Accept the result, and show the next one."""
        return self._decide(request, form, Verdict.ACCEPT)

    def reject(self, request: Request, form: Form) -> Response:
        """Reject the result, and show the next one."""
        return self._decide(request, form, Verdict.REJECT)

    def retry(self, request: Request, form: Form) -> Response:
        """Retry the photo for the price that the page showed, and show the next result."""
        job = self.site.job_of(request)
        try:
            retry_as_offered(self.site, job, form)
        except Problem as problem:
            return self._shown(request, job.id, notice=_refused(problem))
        notice = Notice(text=f"{job.source.key}: retried.")
        return self._shown(request, form.get("next"), left_out=job.id, notice=notice)

    def _decide(self, request: Request, form: Form, verdict: Verdict) -> Response:
        stack, job = self.site.stack(), self.site.job_of(request)
        try:
            if doubtful_result(job):
                check_unchanged(job, form)
            recorded = compose.reviews(stack).decide(job, verdict, stack.ports.caller())
        except Problem as problem:
            return self._shown(request, job.id, notice=_refused(problem))
        notice = Notice(
            text=f"{job.source.key}: {recorded.problem or f'{verdict}ed'}.",
            is_problem=recorded.problem is not None,
        )
        return self._shown(request, form.get("next"), left_out=job.id, notice=notice)

    def _shown(
        self,
        request: Request,
        job_id: str | None,
        *,
        asked: DoubtfulResult | None = None,
        left_out: str | None = None,
        notice: Notice | None = None,
    ) -> Response:
        """Show a job's result, or the first one if it waits for no decision, and its neighbours.

        The queue begins with the result that was `asked` for, unless this page of it has it. The
        index may still list the job that was decided on just now: it is `left_out`.
        """
        queue = self._queue(ReviewQueue.of(request.query_params), left_out)
        if asked and job_id not in {it.job.id for it in queue.results}:
            # It is on another page, or so new that the index does not have it yet.
            queue = self._queue(replace(queue, ends=(Cursor.of(asked.job),)), left_out)
            queue = replace(queue, results=(asked, *queue.results))
        results = queue.results
        place = next((place for place, it in enumerate(results) if it.job.id == job_id), 0)
        doubtful = results[place] if results else None
        is_part = "hx-request" in request.headers
        return self.site.page(
            "_review.html" if is_part else "review.html",
            doubtful=doubtful,
            queue=queue,
            place=place,
            notice=notice,
            photo=photo_of(doubtful.job) if doubtful else None,
            result=cut_out_of(doubtful.job) if doubtful else None,
            offer=offer_of(self.site, doubtful.job) if doubtful else None,
        )

    def _queue(self, queue: ReviewQueue, left_out: str | None) -> ReviewQueue:
        """Return the queue with its results; its first page if there is none at its place."""
        reviews = compose.reviews(self.site.stack())
        doubtful = reviews.queue(JobFilter(prefix=queue.prefix), queue.after)
        # The index is eventually consistent.
        waiting = (one for one in doubtful if one.job.id != left_out)
        results = tuple(islice(waiting, LONGEST_QUEUE + 1))
        if not results and queue.ends:
            return self._queue(replace(queue, ends=()), left_out)
        return replace(queue, results=results)


def _refused(problem: Problem) -> Notice:
    return Notice(text=f"{problem.message} {with_buttons(problem.advice)}".strip(), is_problem=True)
