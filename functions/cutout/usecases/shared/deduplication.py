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
from cutout.domain.job.conflicts import JobMovedError, PurchaseMovedError
from cutout.domain.job.job import Job
from cutout.domain.job.purchase import Kept, Purchase
from cutout.domain.states import SETTLED, Lane, State
from cutout.ports.jobs_table import Jobs, Purchased
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

    ledger: Purchased
    jobs: Jobs
    submissions: SubmissionQueue
    clock: Clock
    model: str
    last: timedelta

    def turn(self, job: Job) -> Kept | DedupDecision:
        """What a job that wants to be submitted may do: use what is kept, buy, or wait.

        Who buys has written the item, so that nobody takes it over who read it before. That it was
        the job's once says nothing: while it waited at the gate, another may have bought anew.
        """
        if job.photo is None:
            return DedupDecision.CACHE_MISS
        begun = self._begun(job)
        known = self.ledger.find_purchase(begun.picture) if job.is_buyer else None
        standing = known or self.ledger.claim_purchase(begun)
        if standing is begun:
            return DedupDecision.CACHE_MISS
        for _ in range(_TRIES):
            kept = standing.kept
            if _serves(kept) and not job.is_fresh:
                return kept
            wished = self._wished(standing, job)
            if wished is standing:
                return DedupDecision.CACHE_MISS if standing.buyer == job.id else DedupDecision.WAIT
            try:
                saved = self._save(wished)
            except PurchaseMovedError as lost:
                standing = lost.winner or self.ledger.claim_purchase(begun)
            else:
                return DedupDecision.CACHE_MISS if saved.buyer == job.id else DedupDecision.WAIT
        return DedupDecision.WAIT

    def held_by(self, job: Job) -> Purchase | None:
        """The picture's item if the job may keep its result there; None if another's counts.

        It is the job's own, or that of a buyer who has called nobody yet: it may be deleted before
        it does, and what was paid for would be bought once more.
        """
        standing = self.ledger.claim_purchase(self._begun(job))
        is_anothers = standing.buyer != job.id
        if is_anothers and (standing.kept is not None or self._is_called_for(standing)):
            return None
        return standing

    def kept_of(self, job: Job) -> Kept | None:
        """What is kept of the job's own purchase; None if that is another job's by now."""
        if job.photo is None:
            return None
        standing = self.ledger.find_purchase(self._picture(job.photo.sha256))
        kept = standing.kept if standing else None
        return kept if kept is not None and kept.job_id == job.id else None

    def keep(self, held: Purchase, kept: Kept) -> None:
        """Take note of a kept result, and wake who waits for it."""
        standing: Purchase | None = held
        while standing is not None and standing.buyer == held.buyer:
            try:
                self._save(replace(standing, kept=kept, waiting=()))
            except PurchaseMovedError as lost:
                standing = lost.winner
            else:
                self._wake(standing)
                return

    def settled(self, job: Job) -> None:
        """A job is over. If its picture has no result then, the first that waits for it takes over.

        A result whose doubt showed only when it was finished is none: a person is to look at it.
        """
        while job.photo is not None and (job.is_buyer or job.state is State.REVIEW):
            standing = self.ledger.find_purchase(self._picture(job.photo.sha256))
            ended = _without_result(standing, job) if standing else None
            if standing is None or ended is None:
                return
            try:
                self._save(ended, is_over=ended.buyer == job.id)
            except PurchaseMovedError:
                continue
            self._wake(standing)
            return

    def take_over_lost(self, job: Job) -> bool:
        """What was kept is gone or damaged: whether this job is the one to buy anew.

        Not while somebody buys anew already, whose result may just be written over the old one.
        """
        if job.photo is None or job.reused is None:
            return False
        standing = self.ledger.find_purchase(self._picture(job.photo.sha256))
        if standing is None or standing.kept is None:
            return False
        if standing.kept.sha256 != job.reused.sha256:
            return False
        if standing.buyer != job.id and self._is_being_bought(standing):
            return False
        try:
            self._save(replace(standing, kept=None, buyer=job.id))
        except PurchaseMovedError:
            return False
        return True

    def _is_called_for(self, standing: Purchase) -> bool:
        """Its buyer's call is out, or may be."""
        try:
            holder = self.jobs.find(standing.buyer)
        except NewerRowError:
            return True
        idle = {State.QUEUED, *SETTLED}
        return holder is not None and holder.state not in idle

    def _is_being_bought(self, standing: Purchase) -> bool:
        try:
            holder = self.jobs.find(standing.buyer)
        except NewerRowError:
            return True
        return holder is not None and not holder.state.is_settled

    def _wished(self, standing: Purchase, job: Job) -> Purchase:
        """The item as the job would have it; the very same if there is nothing to write."""
        if job.is_buyer and standing.buyer == job.id:
            return standing
        if job.is_fresh or standing.buyer == job.id:
            return replace(standing, buyer=job.id)
        try:
            holder = self.jobs.find(standing.buyer)
        except NewerRowError:
            # Nobody can say whether it is over: it may have paid.
            return standing
        if holder is None or holder.state.is_settled:
            others = tuple(waiting for waiting in standing.waiting if waiting != job.id)
            return replace(standing, buyer=job.id, waiting=others)
        if holder.state is State.QUEUED and holder.source.ref == job.source.ref:
            # An older upload of the same key: once it is looked at, it is superseded.
            self.submissions.wake([holder.id])
        self._lift(holder, job)
        if job.id in standing.waiting or len(standing.waiting) >= _MOST_WOKEN:
            return standing
        return replace(standing, waiting=(*standing.waiting, job.id))

    def _lift(self, holder: Job, job: Job) -> None:
        """Who has not been let in yet stands where the one that waits for it would stand."""
        if holder.state is not State.QUEUED or holder.lane is job.lane or job.lane is not Lane.LIVE:
            return
        with suppress(JobMovedError):
            self.jobs.save(replace(holder, lane=Lane.LIVE))

    def _begun(self, job: Job) -> Purchase:
        return Purchase(
            picture=self._picture(job.photo.sha256 if job.photo else ""),
            buyer=job.id,
        )

    def _picture(self, sha256: str) -> str:
        return f"{sha256}#{self.model}"

    def _save(self, purchase: Purchase, *, is_over: bool = False) -> Purchase:
        """Write it. Like the row of its buyer, it expires only once nobody is under way to buy."""
        is_over = is_over or _serves(purchase.kept)
        expires_at = self.clock.now() + self.last if is_over else None
        return self.ledger.save_purchase(replace(purchase, expires_at=expires_at))

    def _wake(self, purchase: Purchase) -> None:
        if purchase.waiting:
            self.submissions.wake(purchase.waiting)


def _without_result(standing: Purchase, job: Job) -> Purchase | None:
    """The item after the end of a job; None if it is another's, or has a result that serves."""
    kept = standing.kept
    if kept is not None and kept.job_id == job.id and job.state is State.REVIEW:
        return replace(standing, kept=replace(kept, is_doubted=True), waiting=())
    if standing.buyer != job.id or _serves(kept):
        return None
    return replace(standing, waiting=())


def _serves(kept: Kept | None) -> TypeGuard[Kept]:
    """Others may be completed from it."""
    return kept is not None and not kept.is_doubted
