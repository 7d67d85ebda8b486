"""Deduplication: the same photo bytes are paid for once, however often they are uploaded.

Each set of bytes has one record, written only over the version that was read. The first job becomes
the record's owner before it passes the gate. Later jobs wait for the owner's result, and one of
them takes over if the owner ends without a result.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TypeGuard

from cutout.domain.errors import NewerRowError
from cutout.domain.job.conflicts import DedupRecordMovedError, JobMovedError
from cutout.domain.job.dedup_record import DedupRecord, Kept
from cutout.domain.job.job import Job
from cutout.domain.states import SETTLED, Lane, State
from cutout.ports.jobs_table import DedupRecords, Jobs
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock

_TRIES = 8
"""Lost races for the record before the job waits and tries again later."""
_MOST_WAITING = 50
"""Waiting jobs that a record lists, so that it stays small; others wait for their due time."""


class DedupDecision(Enum):
    """What a job must do about its photo."""

    CACHE_MISS = "cache-miss"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True)
class Deduplication:
    """The deduplication records, and the rules for owning them.

    Attributes:
        last: how long a record with a result, or with an ended owner, is retained.
    """

    records: DedupRecords
    jobs: Jobs
    submissions: SubmissionQueue
    clock: Clock
    model: str
    last: timedelta

    def decide(self, job: Job) -> Kept | DedupDecision:
        """Decide for a job before the gate: use the cached result, process the photo, or wait.

        The owner always writes the record, so a concurrent takeover fails its version check. A job
        that was the owner is checked again: another may have taken over while it waited at the
        gate.
        """
        if job.photo is None:
            return DedupDecision.CACHE_MISS
        begun = self._begun(job)
        known = self.records.find_dedup_record(begun.picture) if job.is_owner else None
        current = known or self.records.claim_dedup_record(begun)
        if current is begun:
            return DedupDecision.CACHE_MISS
        for _ in range(_TRIES):
            kept = current.kept
            if _serves(kept) and not job.bypass_cache:
                return kept
            changed = self._changed(current, job)
            if changed is current:
                return DedupDecision.CACHE_MISS if current.owner == job.id else DedupDecision.WAIT
            try:
                saved = self._save(changed)
            except DedupRecordMovedError as lost:
                current = lost.winner or self.records.claim_dedup_record(begun)
            else:
                return DedupDecision.CACHE_MISS if saved.owner == job.id else DedupDecision.WAIT
        return DedupDecision.WAIT

    def record_for_result(self, job: Job) -> DedupRecord | None:
        """The record in which the job may cache its result; None if another job's result counts.

        The owner may be another job if it has made no call yet: that job may be superseded before
        it does, and the photo would be paid for again.
        """
        current = self.records.claim_dedup_record(self._begun(job))
        is_anothers = current.owner != job.id
        if is_anothers and (current.kept is not None or self._is_called_for(current)):
            return None
        return current

    def kept_result_of(self, job: Job) -> Kept | None:
        """The cached result that this job made; None if there is none, or another job's."""
        if job.photo is None:
            return None
        current = self.records.find_dedup_record(self._picture(job.photo.sha256))
        kept = current.kept if current else None
        return kept if kept is not None and kept.job_id == job.id else None

    def keep(self, held: DedupRecord, kept: Kept) -> None:
        """Record a cached result, and enqueue the jobs that wait for it."""
        current: DedupRecord | None = held
        while current is not None and current.owner == held.owner:
            try:
                self._save(replace(current, kept=kept, waiting=()))
            except DedupRecordMovedError as lost:
                current = lost.winner
            else:
                self._enqueue_waiting(current)
                return

    def job_settled(self, job: Job) -> None:
        """Release the record of a job that has ended; without a result, a waiting job takes over.

        A cached result is not used if finishing it showed that it needs review.
        """
        while job.photo is not None and (job.is_owner or job.state is State.REVIEW):
            current = self.records.find_dedup_record(self._picture(job.photo.sha256))
            ended = _without_result(current, job) if current else None
            if current is None or ended is None:
                return
            try:
                self._save(ended, is_over=ended.owner == job.id)
            except DedupRecordMovedError:
                continue
            self._enqueue_waiting(current)
            return

    def take_over_lost(self, job: Job) -> bool:
        """Become the owner after a cached result was found missing or damaged; True on success.

        False while another job processes the photo again: its result may just be replacing the old
        one.
        """
        if job.photo is None or job.reused is None:
            return False
        current = self.records.find_dedup_record(self._picture(job.photo.sha256))
        if current is None or current.kept is None:
            return False
        if current.kept.sha256 != job.reused.sha256:
            return False
        if current.owner != job.id and self._is_being_processed(current):
            return False
        try:
            self._save(replace(current, kept=None, owner=job.id))
        except DedupRecordMovedError:
            return False
        return True

    def _is_called_for(self, current: DedupRecord) -> bool:
        """Whether the owner has made a call, or may have."""
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            return True
        idle = {State.QUEUED, *SETTLED}
        return holder is not None and holder.state not in idle

    def _is_being_processed(self, current: DedupRecord) -> bool:
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            return True
        return holder is not None and not holder.state.is_settled

    def _changed(self, current: DedupRecord, job: Job) -> DedupRecord:
        """The record as the job changes it; the same instance if there is nothing to write."""
        if job.is_owner and current.owner == job.id:
            return current
        if job.bypass_cache or current.owner == job.id:
            return replace(current, owner=job.id)
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            # The owner's row is of a newer version: it may have paid.
            return current
        if holder is None or holder.state.is_settled:
            others = tuple(waiting for waiting in current.waiting if waiting != job.id)
            return replace(current, owner=job.id, waiting=others)
        if holder.state is State.QUEUED and holder.source.ref == job.source.ref:
            # The owner is an older upload of the same key; Submit ends it as superseded.
            self.submissions.enqueue([holder.id])
        self._lift(holder, job)
        if job.id in current.waiting or len(current.waiting) >= _MOST_WAITING:
            return current
        return replace(current, waiting=(*current.waiting, job.id))

    def _lift(self, holder: Job, job: Job) -> None:
        """Raise a queued owner to the priority of a live job that waits for it."""
        if holder.state is not State.QUEUED or holder.lane is job.lane or job.lane is not Lane.LIVE:
            return
        with suppress(JobMovedError):
            self.jobs.save(replace(holder, lane=Lane.LIVE))

    def _begun(self, job: Job) -> DedupRecord:
        return DedupRecord(
            picture=self._picture(job.photo.sha256 if job.photo else ""),
            owner=job.id,
        )

    def _picture(self, sha256: str) -> str:
        return f"{sha256}#{self.model}"

    def _save(self, record: DedupRecord, *, is_over: bool = False) -> DedupRecord:
        """Write the record. Like its owner's job, it expires only after processing has ended."""
        is_over = is_over or _serves(record.kept)
        expires_at = self.clock.now() + self.last if is_over else None
        return self.records.save_dedup_record(replace(record, expires_at=expires_at))

    def _enqueue_waiting(self, record: DedupRecord) -> None:
        if record.waiting:
            self.submissions.enqueue(record.waiting)


def _without_result(current: DedupRecord, job: Job) -> DedupRecord | None:
    """The record after the end of a job; None if another job owns it or its result is usable."""
    kept = current.kept
    if kept is not None and kept.job_id == job.id and job.state is State.REVIEW:
        return replace(current, kept=replace(kept, is_doubted=True), waiting=())
    if current.owner != job.id or _serves(kept):
        return None
    return replace(current, waiting=())


def _serves(kept: Kept | None) -> TypeGuard[Kept]:
    """Whether other jobs may use the cached result."""
    return kept is not None and not kept.is_doubted
