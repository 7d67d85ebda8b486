"""The promises of the design, checked against the buckets and the provider's ledger."""

from __future__ import annotations

from datetime import timedelta

from cutout.domain.job.job import Job
from cutout.domain.reasons import DECISIONS
from cutout.domain.states import State
from tests.simulation.evidence import Evidence
from tests.simulation.promise import demand
from tests.simulation.promises_of_money import Money
from tests.simulation.promises_of_pictures import Pictures

FUNCTION_TIMEOUT = timedelta(seconds=90)
"""Longer than any function's own; shorter than the lease."""


class Promises:
    """All of them, for one run."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.money = Money(evidence)
        self.pictures = Pictures(evidence, FUNCTION_TIMEOUT)
        self._writes_seen = 0

    def check_always(self) -> None:
        """Check what must hold at every moment."""
        writes = self.evidence.world.jobs.writes
        for job in writes[self._writes_seen :]:
            self._check_write(job)
        self._writes_seen = len(writes)
        self.money.check_always()
        self.pictures.check_always()

    def check_at_end(self) -> None:
        """Check what must hold once nothing is left to do."""
        self._check_jobs()
        for job in self.evidence.rows():
            self._check_settled(job)
        self.money.check_at_end()
        self.pictures.check_at_end()

    def _check_write(self, job: Job) -> None:
        if not job.state.is_settled and not job.is_waiting:
            text = f"{job.state} without a due time"
            demand(self.evidence, job.due_at is not None, 2, text)
        self.money.check_write(job)
        self.pictures.check_write(job)

    def _check_jobs(self) -> None:
        """Each upload has a job, except for some whose event was lost.

        Those that went before an audit, and those that repeat what the key held before: without
        versions nobody can tell them from the upload before. And those that were replaced or
        deleted before their event came for the first time, so late that their job may have expired.
        """
        evidence = self.evidence
        for source in evidence.uploads:
            is_gone = evidence.newest[source.key] != source or source.job_id in evidence.destroyed
            is_repeat = source.version_id is None and any(
                (job.source.ref, job.source.etag) == (source.ref, source.etag)
                for job in evidence.rows()
            )
            is_excused = source.job_id in evidence.events_lost and (is_gone or is_repeat)
            is_excused |= is_gone and source.job_id in evidence.replayed_late()
            has_job = bool(evidence.rows_about(source))
            text = f"no job for {source.key} {source.version_id}"
            demand(evidence, has_job or is_excused, 1, text)

    def _check_settled(self, job: Job) -> None:
        evidence = self.evidence
        demand(evidence, job.state.is_settled, 2, f"{job.source.key} ended as {job.state}")
        has_reason = job.reason is not None or job.state is State.COMPLETED
        demand(evidence, has_reason, 2, f"{job.state} without a reason")
        if job.reason in DECISIONS:
            self._check_decision(job)
        announced = [told.state for told in evidence.world.announcements.jobs if told.id == job.id]
        is_owed = job.state is not State.SUPERSEDED
        text = f"{job.state} was never announced"
        demand(evidence, not is_owed or job.state in announced, 2, text)

    def _check_decision(self, job: Job) -> None:
        """The job ended as the person decided whose decision was recorded last."""
        decisions = self.evidence.decisions.get(job.id, [])
        told = (job.decision.verdict, job.decision.by) if job.decision else None
        is_so = bool(decisions) and told == decisions[-1] and told[0].reason is job.reason
        demand(self.evidence, is_so, 7, f"{job.source.key}: {told}, but {decisions} were recorded")
