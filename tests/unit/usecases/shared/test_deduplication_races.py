"""A picture's item that others write meanwhile, or that the table forgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from cutout.domain.job.conflicts import DedupRecordMovedError
from cutout.domain.job.dedup_record import DedupRecord, Kept
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.states import Lane, State
from cutout.usecases.shared.deduplication import DedupDecision, Deduplication
from tests.support.builders import PHOTO, a_job, a_source
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import World

JOB = a_job(photo=PHOTO)
PICTURE = f"{PHOTO.sha256}#mj-v7-remove-bg"
KEPT = Kept(key="kept", sha256="ab" * 32, job_id="other", task_id="task-1", credits=PRICE)


@dataclass
class Ledger:
    """One item; before each of so many writes, somebody else changes it."""

    item: DedupRecord | None
    races: int = 0
    change: Callable[[DedupRecord], DedupRecord | None] = lambda item: item
    saved: list[DedupRecord] = field(default_factory=list)

    def claim_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        """The item, made if there is none."""
        if self.item is None:
            self.item = purchase
        return self.item

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The item."""
        assert picture == PICTURE
        return self.item

    def save_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        """Write it, or lose."""
        self.races -= 1
        if self.races >= 0:
            assert self.item is not None
            self.item = self.change(self.item)
            raise DedupRecordMovedError(self.item)
        self.item = purchase
        self.saved.append(purchase)
        return purchase


def rules(ledger: Ledger, *jobs: Job) -> tuple[Deduplication, World]:
    """The rules on this item, and what else there is."""
    world = World(reuse=True)
    world.jobs.jobs |= {job.id: job for job in jobs}
    purchases = world.job_writer.deduplication
    assert purchases is not None
    return replace(purchases, records=ledger), world


def item(**facts: object) -> DedupRecord:
    """The picture's item, of a buyer that is gone."""
    known = {"picture": PICTURE, "owner": "other"}
    return DedupRecord(**(known | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("races", "decision"), [(7, DedupDecision.CACHE_MISS), (8, DedupDecision.WAIT)]
)
def test_a_job_takes_a_picture_over_after_up_to_seven_races(
    races: int, decision: DedupDecision
) -> None:
    """Then it waits, and looks again."""
    purchases, _ = rules(Ledger(item(), races))
    assert purchases.decide(JOB) is decision


@pytest.mark.parametrize(
    ("change", "decision"),
    [
        (lambda one: replace(one, kept=KEPT), KEPT),
        (lambda one: replace(one, kept=replace(KEPT, is_doubted=True)), DedupDecision.CACHE_MISS),
        (lambda _one: None, DedupDecision.CACHE_MISS),
        (lambda one: replace(one, owner=JOB.id), DedupDecision.CACHE_MISS),
    ],
)
def test_a_job_that_loses_a_race_decides_by_the_winner(
    change: Callable[[DedupRecord], DedupRecord | None], decision: object
) -> None:
    """Also if the table has forgotten the item meanwhile."""
    purchases, _ = rules(Ledger(item(), 1, change))
    assert purchases.decide(JOB) == decision


def test_a_job_that_takes_over_no_longer_waits_itself() -> None:
    """The others go on to wait, for it."""
    ledger = Ledger(item(waiting=("a", JOB.id, "b")))
    purchases, _ = rules(ledger)
    assert purchases.decide(JOB) is DedupDecision.CACHE_MISS
    assert ledger.item == item(owner=JOB.id, waiting=("a", "b"))


OTHER = a_job(id="other", source=a_source(key="b.jpg"), photo=PHOTO)


@pytest.mark.parametrize(
    ("waiting", "then"),
    [
        ((), (JOB.id,)),
        (("a",), ("a", JOB.id)),
        ((JOB.id, "a"), (JOB.id, "a")),
        (tuple(map(str, range(49))), (*map(str, range(49)), JOB.id)),
        (tuple(map(str, range(50))), tuple(map(str, range(50)))),
    ],
)
def test_up_to_fifty_wait_for_a_picture_by_name(
    waiting: tuple[str, ...], then: tuple[str, ...]
) -> None:
    """Each once; the item stays small."""
    ledger = Ledger(item(waiting=waiting))
    purchases, _ = rules(ledger, OTHER)
    assert purchases.decide(JOB) is DedupDecision.WAIT
    assert ledger.item == item(waiting=then)
    assert len(ledger.saved) == (waiting != then)


@pytest.mark.parametrize(
    ("holder", "woken"),
    [
        (replace(OTHER, source=replace(JOB.source, version_id="v0")), ["other"]),
        (OTHER, []),
        (replace(OTHER, source=JOB.source, state=State.PROCESSING), []),
    ],
)
def test_an_older_upload_of_the_same_key_is_looked_at_before_it_buys(
    holder: Job, woken: list[str]
) -> None:
    """It is superseded then, and makes room."""
    purchases, world = rules(Ledger(item()), holder)
    assert purchases.decide(JOB) is DedupDecision.WAIT
    assert world.submissions.job_ids == woken


@pytest.mark.parametrize(
    ("holder", "waiter", "lane"),
    [
        (State.QUEUED, Lane.LIVE, Lane.LIVE),
        (State.QUEUED, Lane.BACKFILL, Lane.BACKFILL),
        (State.SUBMITTING, Lane.LIVE, Lane.BACKFILL),
    ],
)
def test_a_live_photo_takes_the_buyer_that_it_waits_for_along(
    holder: State, waiter: Lane, lane: Lane
) -> None:
    """Unless that has been let in already."""
    slow = replace(OTHER, state=holder, lane=Lane.BACKFILL)
    purchases, world = rules(Ledger(item()), slow)
    purchases.decide(replace(JOB, lane=waiter))
    assert world.jobs.jobs["other"].lane is lane


@pytest.mark.parametrize(
    ("state", "is_owner", "kept", "ended"),
    [
        (State.FAILED, True, None, item(owner=JOB.id)),
        (State.FAILED, False, None, None),
        (State.FAILED, True, KEPT, None),
        (
            State.REVIEW,
            False,
            replace(KEPT, job_id=JOB.id),
            item(owner=JOB.id, kept=replace(KEPT, job_id=JOB.id, is_doubted=True)),
        ),
        (State.REVIEW, True, KEPT, None),
        (State.REVIEW, False, None, item(owner=JOB.id)),
        (State.FAILED, True, replace(KEPT, job_id=JOB.id), None),
    ],
)
def test_who_waits_for_a_picture_is_woken_when_its_buyer_ends_without_a_result(
    state: State,
    is_owner: bool,  # noqa: FBT001 - a column of the table
    kept: Kept | None,
    ended: DedupRecord | None,
) -> None:
    """A result that a person has to look at serves nobody."""
    ledger = Ledger(item(owner=JOB.id, kept=kept, waiting=("a", "b")))
    purchases, world = rules(ledger)
    purchases.job_settled(replace(JOB, state=state, is_owner=is_owner))
    saved = [replace(one, expires_at=None) for one in ledger.saved]
    assert saved == ([] if ended is None else [ended])
    assert world.submissions.job_ids == ([] if ended is None else ["a", "b"])


def test_the_end_of_a_job_without_a_picture_concerns_nobody() -> None:
    """It was never looked at; nor is it anybody's whose item is gone."""
    ledger = Ledger(None)
    purchases, _ = rules(ledger)
    purchases.job_settled(a_job(State.FAILED, is_owner=True))
    purchases.job_settled(replace(JOB, state=State.FAILED, is_owner=True))
    assert (ledger.item, ledger.saved) == (None, [])


REUSED = Reuse(
    job_id="other", key="kept", sha256=KEPT.sha256, task_id="task-1", credits_saved=PRICE
)


@pytest.mark.parametrize(
    ("record", "races", "holders", "is_taken"),
    [
        (item(kept=KEPT), 0, (), True),
        (item(kept=KEPT), 1, (), False),
        (None, 0, (), False),
        (item(), 0, (), False),
        (item(kept=replace(KEPT, sha256="0f" * 32)), 0, (), False),
        (item(kept=KEPT), 0, (OTHER,), False),
        (item(kept=KEPT), 0, (replace(OTHER, state=State.COMPLETED),), True),
        (item(kept=KEPT, owner=JOB.id), 0, (JOB,), True),
    ],
)
def test_who_finds_a_kept_result_gone_takes_the_picture_over_unless_somebody_has(
    record: DedupRecord | None,
    races: int,
    holders: tuple[Job, ...],
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Whoever loses waits, and looks again."""
    ledger = Ledger(record, races)
    rules_, _ = rules(ledger, *holders)
    assert rules_.take_over_lost(replace(JOB, reused=REUSED)) is is_taken
    assert bool(ledger.saved) == is_taken
    assert not rules_.take_over_lost(JOB)
