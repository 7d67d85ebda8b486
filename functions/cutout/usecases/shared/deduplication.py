"""Deduplication: the same photo bytes are paid for once, however often they are uploaded.

Each set of bytes has one record. A job becomes its owner in the transaction that admits it at the
gate. Jobs with the same bytes wait for the owner's result while it makes its call, and use it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeGuard

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.states import SETTLED, State
from cutout.ports.jobs_table import DedupRecordMovedError, DedupRecords, Jobs
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock

_MOST_WAITING = 50
"""Waiting jobs that a record lists, so that it stays small; others wait for their due time."""


@dataclass(frozen=True, kw_only=True)
class Deduplication:
    """The deduplication records, and the rules for owning them.

    Attributes:
        model: the provider's model of today.
        last: how long a record with a result, or with an ended owner, is retained.
    """

    records: DedupRecords
    jobs: Jobs
    submissions: SubmissionQueue
    clock: Clock
    model: str
    last: timedelta

    def find(self, job: Job) -> DedupRecord | None:
        """The record of the job's photo and today's model, if there is one."""
        return self._find(self._picture(job))

    def decide(self, job: Job, current: DedupRecord | None) -> DedupRecord | Kept | None:
        """What a job does about its photo.

        Returns:
            The record to write when the job is admitted, the cached result that completes the job,
            or None if the job must wait for the owner's result.
        """
        if current is None:
            return DedupRecord(picture=self._picture(job), owner=job.id)
        if serves(current.kept) and not job.bypass_cache:
            return current.kept
        is_anothers = current.owner != job.id and not job.bypass_cache
        if is_anothers and self._is_called_for(current):
            return None
        others = tuple(waiting for waiting in _listed(current) if waiting != job.id)
        return replace(current, owner=job.id, waiting=others, expires_at=None)

    def wait(self, job: Job, current: DedupRecord) -> None:
        """List a job among those that wait; if there is no room, it waits for its due time.

        Raises:
            DedupRecordMovedError: the record has changed since it was read.
        """
        listed = _listed(current)
        if job.id not in listed and len(listed) < _MOST_WAITING:
            # The owner may have ended before, and process its photo again.
            waits = replace(current, waiting=(*listed, job.id), expires_at=None)
            self.records.save_dedup_record(waits)

    def cache(self, job: Job, kept: Kept) -> None:
        """Record a cached result, and enqueue the jobs that wait for it.

        Another job may own the record. Its own result replaces this one when it comes: its call may
        fail, or never be made, and the photo would be paid for again.
        """
        expires_at = self.clock.now() + self.last
        picture = self._picture(job, _stored_model(job))

        def rule(current: DedupRecord) -> DedupRecord | None:
            if current.owner != job.id and serves(current.kept) and current.kept != kept:
                return None
            return replace(current, kept=kept, expires_at=expires_at)

        try:
            before = self.records.cache_result(picture, job.id, kept, expires_at)
        except DedupRecordMovedError:
            self._change(picture, rule, DedupRecord(picture=picture, owner=job.id))
        else:
            self.submissions.enqueue(before.waiting)

    def decided(self, job: Job, task_id: str, *, is_accepted: bool) -> bool:
        """Record a person's decision on the task's result; False if that is not the cached one."""

        def rule(current: DedupRecord) -> DedupRecord | None:
            if current.kept is None or current.kept.task_id != task_id:
                return None
            kept = replace(current.kept, is_doubted=not is_accepted, is_accepted=is_accepted)
            expires_at = self.clock.now() + self.last if is_accepted else current.expires_at
            return replace(current, kept=kept, expires_at=expires_at)

        return self._change(self._picture(job, _stored_model(job)), rule)

    def kept_result_of(self, job: Job) -> Kept | None:
        """The cached result that this job made; None if there is none, or another job's."""
        current = self._find(self._picture(job, _stored_model(job)))
        kept = current.kept if current else None
        return kept if kept is not None and kept.job_id == job.id else None

    def job_settled(self, job: Job) -> None:
        """Wake the jobs that wait for a job that made calls and ended without a result.

        A cached result is not used if finishing it showed that it needs review.
        """
        if job.state is State.REVIEW or (job.attempts and job.state is not State.COMPLETED):
            expires_at = self.clock.now() + self.last
            # Each of its calls made it the owner of a record, one for each model.
            models = [attempt.model for attempt in job.attempts] or [None]
            for picture in dict.fromkeys(self._picture(job, model) for model in models):
                self._change(picture, lambda current: _without_result(current, job, expires_at))

    def forget_lost(self, job: Job) -> None:
        """Remove the cached result that the job found missing or damaged from its record."""

        def rule(current: DedupRecord) -> DedupRecord | None:
            is_it = current.kept and job.reused and current.kept.sha256 == job.reused.sha256
            return replace(current, kept=None) if is_it else None

        self._change(self._picture(job), rule)

    def _change(
        self,
        picture: str,
        rule: Callable[[DedupRecord], DedupRecord | None],
        new: DedupRecord | None = None,
    ) -> bool:
        """Write what a rule makes of a record, or of `new` if there is none; False if nothing.

        The waiting jobs are enqueued. The rule returns None to leave the record as is.
        """
        # Each further turn means that another worker's write succeeded, so some worker always
        # gets on.
        while (current := self._find(picture) or new) and (changed := rule(current)):
            with suppress(DedupRecordMovedError):
                self.records.save_dedup_record(changed)
                self.submissions.enqueue(current.waiting)
                return True
        return False

    def _is_called_for(self, current: DedupRecord) -> bool:
        """Whether the owner has made a call, or may have, and has not ended."""
        try:
            owner = self.jobs.find(current.owner)
        except NewerRowError:
            # A version that has been rolled back may have made the call.
            return True
        return owner is not None and owner.state not in {State.QUEUED, *SETTLED}

    def _find(self, picture: str) -> DedupRecord | None:
        # A photo that was never inspected has no digest, and no record.
        return None if picture.startswith("#") else self.records.find_dedup_record(picture)

    def _picture(self, job: Job, model: str | None = None) -> str:
        return f"{job.photo.sha256 if job.photo else ''}#{model or self.model}"


def _stored_model(job: Job) -> str | None:
    """The model of the attempt whose result is stored; None for a cached result."""
    attempt = job.attempt_numbered(job.storing_attempt)
    return attempt.model if attempt else None


def _listed(current: DedupRecord) -> tuple[str, ...]:
    """The jobs that wait; those of a record that expires were enqueued when its owner ended."""
    return current.waiting if current.expires_at is None else ()


def serves(kept: Kept | None) -> TypeGuard[Kept]:
    """Whether other jobs may use the cached result."""
    return kept is not None and not kept.is_doubted


def _without_result(current: DedupRecord, job: Job, expires_at: datetime) -> DedupRecord | None:
    """The record after the end of a job; None if another job owns it or its result is usable."""
    kept = current.kept
    if kept is not None and kept.job_id == job.id and job.state is State.REVIEW:
        kept = replace(kept, is_doubted=True)
    elif current.owner != job.id or serves(kept):
        return None
    return replace(current, kept=kept, expires_at=expires_at)
