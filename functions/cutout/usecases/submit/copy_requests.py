"""Requesting copies of photos from Prepare, and checking its reports.

Prepare decodes untrusted files and may be compromised by one. So a report counts only for a job
that waits for it, for the bytes that were requested, and within limits.
"""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NeedsPreparingError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Prepared, Upright
from cutout.domain.messages.preparation import (
    CopyKind,
    PrepareReport,
    PrepareRequest,
    copy_key,
    version_of,
    what_is_wrong,
)
from cutout.domain.metrics import Metric
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.polling_and_timing import Timing
from cutout.domain.reasons import GIVEN_BY_METADATA, Reason
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import Lane, Move
from cutout.ports.jobs_table import JobMovedError, Jobs
from cutout.ports.queues import PreparationQueue
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.job_writer import JobWriter

_MOST_DOUBLINGS = 5
"""Of the lease, up to an hour."""
MOST_ASKS = 10
"""About six hours, with waits of up to an hour."""
_RACES = 3


@dataclass(frozen=True, kw_only=True)
class CopyRequests:
    """Requests copies, and records what Prepare made.

    Attributes:
        queue: None in a deployment without Prepare.
        own_pixels: which cut-outs have their photo's own pixels.
    """

    job_writer: JobWriter
    jobs: Jobs
    telemetry: Telemetry
    queue: PreparationQueue | None
    own_pixels: OwnPixels
    limits: PhotoLimits
    timing: Timing

    def request(self, job: Job, why: NeedsPreparingError) -> Job:
        """Request copies and let the job wait; reject the job after `MOST_ASKS` requests.

        The wait doubles with each request, since Prepare may have a backlog. A repeated request
        only repeats the same work.
        """
        asked = job.preparations
        if asked >= MOST_ASKS:
            text = f"{asked} requests to prepare it brought no copy that could be sent"
            reason = Reason.CANNOT_BE_PREPARED
            return self.job_writer.settle(job, Move.REJECT, reason, message=text)
        asking = replace(job, read_sha256=why.sha256 or job.read_sha256, preparations=asked + 1)
        wait = self.timing.lease * 2 ** min(asked, _MOST_DOUBLINGS)
        saved = self.job_writer.move(
            job, Move.HOLD, Reason.PREPARING, wait=wait, known=asking, message=str(why)
        )
        if self.queue is not None:
            wanted, ask = self._wanted(saved), _ask_of(saved)
            self.queue.prepare(
                PrepareRequest(job_id=job.id, source=job.source, wanted=wanted, ask=ask)
            )
        return saved

    def accept(self, report: PrepareReport) -> Job | None:
        """Record a report; returns the job, ready to continue, or None if the report is ignored.

        Raises:
            JobMovedError: other workers moved the job again and again; the queue delivers again.
        """
        job = self.jobs.find(report.job_id)
        for _ in range(_RACES):
            if job is None or not _is_awaited(job, report):
                self.telemetry.log("report ignored: no job waits for it")
                return None
            fault = what_is_wrong(report, self.limits) or self._contradiction(job, report)
            if fault:
                self.refuse_report(job.id, fault)
                return None
            try:
                known, wait = self._reported(job, report), self.timing.lease
                return self.job_writer.move(
                    job, Move.HOLD, report.reason, wait=wait, known=known, message=report.message
                )
            except JobMovedError as lost:
                job = lost.winner
        raise JobMovedError(job)

    def refuse_report(
        self, job_id: str | None, fault: str = "it is not in the form of a report"
    ) -> None:
        """Ignore an invalid report. When the job is due, its copies are requested again."""
        self.telemetry.log("report refused", job_id=job_id, fault=fault)
        self.telemetry.metric(Metric.REPORTS_REFUSED)

    def _wanted(self, job: Job) -> tuple[CopyKind, ...]:
        is_sent_as_it_is = job.photo is not None and job.photo.is_plain and job.prepared is None
        wanted = {
            CopyKind.FOR_MODEL: not is_sent_as_it_is,
            CopyKind.FULL_SIZE: self.own_pixels.are_wanted(job.source.key)
            or (job.photo is not None and job.photo.has_alpha),
        }
        return tuple(kind for kind, is_wanted in wanted.items() if is_wanted)

    def _contradiction(self, job: Job, report: PrepareReport) -> str | None:
        """How a report contradicts what Submit read or requested; None if it does not."""
        read = job.photo.sha256 if job.photo else job.read_sha256
        if report.photo is None:
            is_mark = read is not None and report.reason in GIVEN_BY_METADATA
            return "it names metadata that Submit did not read" if is_mark else None
        if read is not None and read != report.photo.sha256:
            return "it is about other bytes than were checked"
        reported = {one.kind for one in report.copies}
        if report.problem is not None:
            reported.add(CopyKind.FULL_SIZE)
        wanted = set(self._wanted(job))
        if report.photo.has_alpha:
            wanted.add(CopyKind.FULL_SIZE)
        if reported != wanted:
            return "it lists other copies than were requested"
        return None

    def _reported(self, job: Job, report: PrepareReport) -> Job:
        """The job with what the report says about its photo and copies."""
        if report.photo is None:
            return replace(job, failures=0)
        return replace(
            job,
            failures=0,
            # What Submit has read itself is not replaced by a report.
            photo=job.photo or report.photo,
            prepared=_for_model(job, report),
            upright=_full_size(job, report),
            lane=Lane.BACKFILL if report.is_backfill else job.lane,
            bypass_cache=report.bypass_cache or job.bypass_cache,
            recipes=job.recipes if job.photo else report.recipes,
        )


def _ask_of(job: Job) -> int:
    """The number of the request that a job waits for: when the wait began, in milliseconds."""
    return int(job.waiting_for_copies_since.timestamp() * 1000)


def _is_awaited(job: Job, report: PrepareReport) -> bool:
    asked = (_ask_of(job), version_of(job.source))
    return job.is_being_prepared and (report.ask, report.version) == asked


def _for_model(job: Job, report: PrepareReport) -> Prepared | None:
    made = report.copy(CopyKind.FOR_MODEL)
    if made is None:
        # It is only left out for a photo that is sent as it is.
        return None
    return Prepared(
        key=copy_key(job.id, made.kind, made.format),
        format=made.format,
        size=made.size,
        width=made.width,
        height=made.height,
        # The report does not say when the copy was made. It was not before the request.
        made_at=job.waiting_for_copies_since,
    )


def _full_size(job: Job, report: PrepareReport) -> Upright | None:
    if report.copy(CopyKind.FULL_SIZE) is None and report.problem is None:
        return job.upright
    return Upright(made_at=job.waiting_for_copies_since, problem=report.problem)
