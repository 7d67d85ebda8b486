"""The queue of results under review, and people's decisions on them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, ReviewDecision, Verdict
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.reasons import Reason
from cutout.domain.states import Move, State
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs
from cutout.ports.jobs_table import JobMovedError, Jobs
from cutout.ports.listings import JobIndex
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock

_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtfulResult:
    """A result that waits for a person's decision."""

    job: Job
    reason: Reason
    result: Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """The stored job of a decision, and for people why it was not recorded, if it was not."""

    job: Job
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Lists doubtful results, and records decisions for StoreResult to carry out."""

    jobs: Jobs
    index: JobIndex
    checks: TaskCheckQueue
    clock: Clock

    def queue(self, which: JobFilter, after: Cursor | None = None) -> Iterator[DoubtfulResult]:
        """The results that wait for a decision, the newest first, as far as the filter has them."""
        wanted = replace(which, states=(State.REVIEW,))
        browse = ListJobs(records=self.index, at_once=1 if wanted.is_indexed else _AT_ONCE)
        for job in browse.jobs(wanted, after):
            doubtful = doubtful_result(job)
            if doubtful is not None:
                yield doubtful

    def decide(self, job: Job, verdict: Verdict, by: str) -> Recorded:
        """Record a person's decision, `by` their ARN, unless there is one; nothing is paid."""
        doubtful = doubtful_result(job)
        if doubtful is None:
            return Recorded(job=job, problem=_why_not(job))
        now = self.clock.now()
        decision = ReviewDecision(verdict=verdict, by=by, at=now, over=doubtful.reason)
        decided = replace(job, decision=decision).move(
            Move.DECIDE, now=now, reason=verdict.reason, due_at=now
        )
        try:
            saved = self.jobs.save(decided)
        except JobMovedError as lost:
            saved = lost.winner or job
            # The answer to this write may have been lost: then the job has this very decision.
            if saved.decision != decision:
                return Recorded(job=saved, problem=_why_not(saved))
        # If this message is lost, Sweep sends it again: the job is due.
        check = TaskCheck(job_id=job.id, attempt=job.storing_attempt or 0, is_poll=True)
        self.checks.enqueue([check])
        return Recorded(job=saved)

    def carried_out(self, decided: Sequence[Job]) -> dict[str, Job]:
        """The jobs, by id, whose decisions StoreResult has carried out by now."""
        found = self.index.find_all([job.id for job in decided])
        return {job.id: job for job in found if not job.is_being_decided}


def doubtful_result(job: Job) -> DoubtfulResult | None:
    """The result of a job that waits for a decision; None for other jobs."""
    if job.state is not State.REVIEW or job.reason is None or job.result is None:
        return None
    return DoubtfulResult(job=job, reason=job.reason, result=job.result)


def outcome_of(job: Job, decision: ReviewDecision) -> str | None:
    """Why a decision had no effect, for people; None if it was carried out."""
    if job.is_being_decided:
        return "recorded, but not carried out yet; Sweep has StoreResult try again"
    if job.decision is None or job.decision.at != decision.at:
        return f"the job is {job.state} now"
    if job.state is State.SUPERSEDED:
        return f"no effect: {job.reason.meaning}" if job.reason else "no effect: superseded"
    if job.decision.problem is not None:
        return f"still under review: {job.decision.problem}"
    return None


def _why_not(job: Job) -> str:
    decision = job.decision
    if decision is None or decision.problem is not None:
        return f"it is {job.state}: only jobs in the state review can be decided"
    at = f"{decision.at:%Y-%m-%d %H:%M:%S}"
    return f"it was {decision.verdict}ed by {decision.by} at {at} UTC"
