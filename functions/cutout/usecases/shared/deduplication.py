"""The same picture is bought once: whose turn it is, who waits, and what is there already.

Each picture has one item, written only over what was read. A job that wants it takes the item
before it passes the gate; whoever comes later waits for it, and takes it over should the buyer end
without a result.
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
"""Who loses as often waits, and looks again."""
_MOST_WOKEN = 50
"""More than these wait for their due time: the item stays small."""


class DedupDecision(Enum):
    """What a job has to do about its picture."""

    CACHE_MISS = "buy"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True)
class Deduplication:
    """The pictures' items, and the rules of taking them.

    Attributes:
        last: for as long a kept result, or a buyer that ended without one, is remembered.
    """

    records: DedupRecords
    jobs: Jobs
    submissions: SubmissionQueue
    clock: Clock
    model: str
    last: timedelta

    def decide(self, job: Job) -> Kept | DedupDecision:
        """What a job that wants to be submitted may do: use what is kept, buy, or wait.

        Who buys has written the item, so that nobody takes it over who read it before. That it was
        the job's once says nothing: while it waited at the gate, another may have bought anew.
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
            wished = self._wished(current, job)
            if wished is current:
                return DedupDecision.CACHE_MISS if current.owner == job.id else DedupDecision.WAIT
            try:
                saved = self._save(wished)
            except DedupRecordMovedError as lost:
                current = lost.winner or self.records.claim_dedup_record(begun)
            else:
                return DedupDecision.CACHE_MISS if saved.owner == job.id else DedupDecision.WAIT
        return DedupDecision.WAIT

    def record_for_result(self, job: Job) -> DedupRecord | None:
        """The picture's item if the job may keep its result there; None if another's counts.

        It is the job's own, or that of a buyer who has called nobody yet: it may be deleted before
        it does, and what was paid for would be bought once more.
        """
        current = self.records.claim_dedup_record(self._begun(job))
        is_anothers = current.owner != job.id
        if is_anothers and (current.kept is not None or self._is_called_for(current)):
            return None
        return current

    def kept_result_of(self, job: Job) -> Kept | None:
        """What is kept of the job's own purchase; None if that is another job's by now."""
        if job.photo is None:
            return None
        current = self.records.find_dedup_record(self._picture(job.photo.sha256))
        kept = current.kept if current else None
        return kept if kept is not None and kept.job_id == job.id else None

    def keep(self, held: DedupRecord, kept: Kept) -> None:
        """Take note of a kept result, and wake who waits for it."""
        current: DedupRecord | None = held
        while current is not None and current.owner == held.owner:
            try:
                self._save(replace(current, kept=kept, waiting=()))
            except DedupRecordMovedError as lost:
                current = lost.winner
            else:
                self._wake(current)
                return

    def job_settled(self, job: Job) -> None:
        """A job is over. If its picture has no result then, the first that waits for it takes over.

        A result whose doubt showed only when it was finished is none: a person is to look at it.
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
            self._wake(current)
            return

    def take_over_lost(self, job: Job) -> bool:
        """What was kept is gone or damaged: whether this job is the one to buy anew.

        Not while somebody buys anew already, whose result may just be written over the old one.
        """
        if job.photo is None or job.reused is None:
            return False
        current = self.records.find_dedup_record(self._picture(job.photo.sha256))
        if current is None or current.kept is None:
            return False
        if current.kept.sha256 != job.reused.sha256:
            return False
        if current.owner != job.id and self._is_being_bought(current):
            return False
        try:
            self._save(replace(current, kept=None, owner=job.id))
        except DedupRecordMovedError:
            return False
        return True

    def _is_called_for(self, current: DedupRecord) -> bool:
        """Its buyer's call is out, or may be."""
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            return True
        idle = {State.QUEUED, *SETTLED}
        return holder is not None and holder.state not in idle

    def _is_being_bought(self, current: DedupRecord) -> bool:
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            return True
        return holder is not None and not holder.state.is_settled

    def _wished(self, current: DedupRecord, job: Job) -> DedupRecord:
        """The item as the job would have it; the very same if there is nothing to write."""
        if job.is_owner and current.owner == job.id:
            return current
        if job.bypass_cache or current.owner == job.id:
            return replace(current, owner=job.id)
        try:
            holder = self.jobs.find(current.owner)
        except NewerRowError:
            # Nobody can say whether it is over: it may have paid.
            return current
        if holder is None or holder.state.is_settled:
            others = tuple(waiting for waiting in current.waiting if waiting != job.id)
            return replace(current, owner=job.id, waiting=others)
        if holder.state is State.QUEUED and holder.source.ref == job.source.ref:
            # An older upload of the same key: once it is looked at, it is superseded.
            self.submissions.enqueue([holder.id])
        self._lift(holder, job)
        if job.id in current.waiting or len(current.waiting) >= _MOST_WOKEN:
            return current
        return replace(current, waiting=(*current.waiting, job.id))

    def _lift(self, holder: Job, job: Job) -> None:
        """Who has not been let in yet stands where the one that waits for it would stand."""
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

    def _save(self, purchase: DedupRecord, *, is_over: bool = False) -> DedupRecord:
        """Write it. Like the row of its buyer, it expires only once nobody is under way to buy."""
        is_over = is_over or _serves(purchase.kept)
        expires_at = self.clock.now() + self.last if is_over else None
        return self.records.save_dedup_record(replace(purchase, expires_at=expires_at))

    def _wake(self, purchase: DedupRecord) -> None:
        if purchase.waiting:
            self.submissions.enqueue(purchase.waiting)


def _without_result(current: DedupRecord, job: Job) -> DedupRecord | None:
    """The item after the end of a job; None if it is another's, or has a result that serves."""
    kept = current.kept
    if kept is not None and kept.job_id == job.id and job.state is State.REVIEW:
        return replace(current, kept=replace(kept, is_doubted=True), waiting=())
    if current.owner != job.id or _serves(kept):
        return None
    return replace(current, waiting=())


def _serves(kept: Kept | None) -> TypeGuard[Kept]:
    """Others may be completed from it."""
    return kept is not None and not kept.is_doubted
