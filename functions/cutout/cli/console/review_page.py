"""The review of doubtful results: one at a time, before and after, decided by keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from cutout.cli import compose
from cutout.cli.console.retry_offer import check_unchanged, offer_of, retry_as_offered
from cutout.cli.console.stored_files import cut_out_of, photo_of
from cutout.cli.output.problems import Problem
from cutout.domain.job.review_decision import Verdict
from cutout.operator.list_jobs import JobFilter
from cutout.operator.review import doubtful_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from cutout.cli.console.site import Form, Site
    from cutout.domain.job.job import Job
    from cutout.operator.review import DoubtfulResult

LONGEST_QUEUE = 100
"""Results that one view reads: a request to the index, and one for their jobs."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What became of the last decision.

    Attributes:
        is_problem: it had no effect.
    """

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
        return self._shown(request, request.query_params.get("job"))

    def accept(self, request: Request, form: Form) -> Response:
        """Accept the result, and show the next one."""
        return self._decide(request, form, Verdict.ACCEPT)

    def reject(self, request: Request, form: Form) -> Response:
        """Reject the result, and show the next one."""
        return self._decide(request, form, Verdict.REJECT)

    def retry(self, request: Request, form: Form) -> Response:
        """Retry the photo for the price that the page showed, and show the next result."""
        job = self._job(request)
        try:
            retry_as_offered(self.site, job, form)
        except Problem as problem:
            return self._shown(request, job.id, notice=_refused(problem))
        notice = Notice(text=f"{job.source.key}: retried.")
        return self._shown(request, form.get("next"), left_out=job.id, notice=notice)

    def _decide(self, request: Request, form: Form, verdict: Verdict) -> Response:
        stack, job = self.site.stack(), self._job(request)
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

    def _job(self, request: Request) -> Job:
        job = self.site.stack().jobs.find(request.path_params["job_id"])
        if job is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return job

    def _shown(
        self,
        request: Request,
        job_id: str | None,
        *,
        left_out: str | None = None,
        notice: Notice | None = None,
    ) -> Response:
        """Show one result and the way to its neighbours.

        Args:
            request: of the page, or of a part of it.
            job_id: whose result; the first one if it does not wait for a decision.
            left_out: the job that was decided on just now, which the index may still list.
            notice: what became of it.
        """
        queue = self._queue(left_out)
        place = next((place for place, it in enumerate(queue) if it.job.id == job_id), 0)
        doubtful = queue[place] if queue else None
        is_part = "hx-request" in request.headers
        return self.site.page(
            "_review.html" if is_part else "review.html",
            doubtful=doubtful,
            place=place + 1,
            count=len(queue),
            is_cut=len(queue) >= LONGEST_QUEUE,
            previous=queue[place - 1].job if place else None,
            following=queue[place + 1].job if place + 1 < len(queue) else None,
            notice=notice,
            photo=photo_of(doubtful.job) if doubtful else None,
            result=cut_out_of(doubtful.job) if doubtful else None,
            offer=offer_of(self.site, doubtful.job) if doubtful else None,
        )

    def _queue(self, left_out: str | None) -> Sequence[DoubtfulResult]:
        doubtful = compose.reviews(self.site.stack()).queue(JobFilter())
        waiting = (one for one in doubtful if one.job.id != left_out)
        return list(islice(waiting, LONGEST_QUEUE))


def _refused(problem: Problem) -> Notice:
    return Notice(text=f"{problem.message} {problem.advice}".strip(), is_problem=True)
