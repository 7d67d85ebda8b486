"""Who owns a photo's record, who waits for its result, and whose result is cached."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept, Reuse
from cutout.domain.states import SETTLED, State
from cutout.ports.jobs_table import DedupRecordMovedError
from cutout.usecases.shared.deduplication import Deduplication
from tests.support.builders import PHOTO, a_job, a_source, an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook

JOB = a_job(photo=PHOTO)
OTHER = a_job(id="other", source=a_source(key="b.jpg"), photo=PHOTO)
CALLED = replace(OTHER, state=State.PROCESSING)
PICTURE = f"{PHOTO.sha256}#mj-v7-remove-bg"
KEPT = Kept(key="kept", sha256="ab" * 32, job_id="other", task_id="task-1", credits=PRICE)
DOUBTED = replace(KEPT, is_doubted=True)
OWN = replace(KEPT, sha256="cd" * 32, job_id=JOB.id)
PAID = (an_attempt(),)
LASTS = START + TIMING.retention


def item(**facts: object) -> DedupRecord:
    """The photo's record, with another job as its owner."""
    known = {"picture": PICTURE, "owner": "other", "version": 4}
    return DedupRecord(**(known | facts))  # type: ignore[arg-type]


def rules(
    record: DedupRecord | None, *jobs: Job, hook: Hook | None = None
) -> tuple[Deduplication, World]:
    """The rules on this record and these jobs."""
    world = World(reuse=True, step=hook or Hook())
    world.jobs.jobs |= {job.id: job for job in jobs}
    if record is not None:
        world.dedup_records.items[PICTURE] = record
    deduplication = world.job_writer.deduplication
    assert deduplication is not None
    return deduplication, world


def stored(world: World) -> DedupRecord | None:
    """The photo's record."""
    return world.dedup_records.items.get(PICTURE)


@pytest.mark.parametrize(
    ("current", "bypass_cache", "decision"),
    [
        (None, False, DedupRecord(picture=PICTURE, owner=JOB.id)),
        (item(kept=KEPT), False, KEPT),
        (item(kept=KEPT, owner=JOB.id), False, KEPT),
        (item(kept=KEPT), True, item(kept=KEPT, owner=JOB.id)),
        (item(kept=DOUBTED, owner="gone"), False, item(kept=DOUBTED, owner=JOB.id)),
        (item(kept=DOUBTED), False, None),
        (item(), False, None),
        (item(), True, item(owner=JOB.id)),
        (item(owner="gone"), False, item(owner=JOB.id)),
        (item(owner=JOB.id), False, item(owner=JOB.id)),
        (item(owner="gone", expires_at=LASTS), False, item(owner=JOB.id)),
        (
            item(owner="gone", waiting=("a", JOB.id, "b")),
            False,
            item(owner=JOB.id, waiting=("a", "b")),
        ),
        # They were enqueued when the owner ended.
        (
            item(owner="gone", waiting=("a", "b"), kept=DOUBTED, expires_at=LASTS),
            False,
            item(owner=JOB.id, kept=DOUBTED),
        ),
    ],
)
def test_a_job_uses_the_cached_result_or_waits_for_the_owners_call_or_becomes_the_owner(
    current: DedupRecord | None,
    bypass_cache: bool,  # noqa: FBT001 - a column of the table
    decision: DedupRecord | Kept | None,
) -> None:
    """Nothing is written yet: the record is written in the transaction that admits the job."""
    deduplication, world = rules(current, JOB, CALLED)
    job = replace(JOB, bypass_cache=bypass_cache)
    assert deduplication.decide(job, deduplication.find(job)) == decision
    assert stored(world) == current


@pytest.mark.parametrize("state", State)
def test_a_job_waits_for_an_owner_that_has_made_a_call_and_has_not_ended(state: State) -> None:
    """A queued owner has paid for nothing that runs, and may wait for days."""
    deduplication, _ = rules(item(), replace(OTHER, state=state))
    is_free = state is State.QUEUED or state in SETTLED
    assert deduplication.decide(JOB, item()) == (item(owner=JOB.id) if is_free else None)


def test_a_job_waits_for_an_owner_written_by_a_newer_version() -> None:
    """The owner may have made a call."""
    deduplication, world = rules(item(), OTHER)
    world.jobs.newer[OTHER.id] = START
    assert deduplication.decide(JOB, item()) is None


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
def test_a_record_lists_up_to_fifty_waiting_jobs(
    waiting: tuple[str, ...], then: tuple[str, ...]
) -> None:
    """Each once; the record stays small."""
    current = item(waiting=waiting)
    deduplication, world = rules(current)
    deduplication.wait(JOB, current)
    written = 0 if waiting == then else 1
    assert stored(world) == item(waiting=then, version=current.version + written)


def test_a_job_that_read_an_outdated_record_decides_again() -> None:
    """The owner may have ended meanwhile; then no worker would enqueue the waiting job."""
    deduplication, world = rules(item(version=5))
    with pytest.raises(DedupRecordMovedError) as lost:
        deduplication.wait(JOB, item())
    assert lost.value.winner == stored(world) == item(version=5)


CACHING = [
    (None, True),
    (item(owner=JOB.id), True),
    (item(owner=JOB.id, kept=KEPT), True),
    (item(owner="gone"), True),
    (item(owner="gone", kept=KEPT), False),
    (item(owner="gone", kept=DOUBTED), True),
    (item(), True),
    (item(kept=DOUBTED), True),
    (item(kept=KEPT), False),
]
"""Records, with a call of the job `other` running, and whether the job's result is cached."""


@pytest.mark.parametrize(("current", "is_cached"), CACHING)
def test_a_result_is_cached_unless_another_jobs_result_takes_precedence(
    current: DedupRecord | None,
    is_cached: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A cached result that can be reused takes precedence; a running call may fail.

    The waiting jobs are enqueued. They stay in the record, whose write may be repeated.
    """
    if current is not None:
        current = replace(current, waiting=("a", "b"))
    deduplication, world = rules(current, JOB, CALLED)
    deduplication.cache(JOB, OWN)
    if is_cached:
        before = current or DedupRecord(picture=PICTURE, owner=JOB.id)
        assert stored(world) == replace(
            before, kept=OWN, expires_at=LASTS, version=before.version + 1
        )
    else:
        assert stored(world) == current
    assert world.submissions.job_ids == (["a", "b"] if is_cached and current else [])


@pytest.mark.parametrize(
    ("current", "is_cached"),
    [
        (item(owner="gone", kept=DOUBTED), True),
        (item(owner="gone", kept=KEPT), False),
        (item(kept=DOUBTED), True),
        (item(kept=KEPT), False),
    ],
)
def test_an_accepted_result_is_cached_unless_another_can_be_reused(
    current: DedupRecord,
    is_cached: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Also while another call runs, as that call may fail."""
    deduplication, world = rules(current, JOB, CALLED)
    accepted = replace(OWN, is_accepted=True)
    deduplication.cache(JOB, accepted)
    found = stored(world)
    assert found is not None
    assert (found.kept == accepted) is is_cached


@pytest.mark.parametrize(("is_accepted", "expires_at"), [(True, LASTS), (False, None)])
def test_a_result_that_a_person_accepts_expires(
    is_accepted: bool,  # noqa: FBT001 - a column of the table
    expires_at: datetime | None,
) -> None:
    """A job that waits for the decision has kept the record from expiring."""
    deduplication, world = rules(item(kept=DOUBTED), JOB, OTHER)
    assert deduplication.decided(OTHER, "task-1", is_accepted=is_accepted)
    found = stored(world)
    assert found is not None
    assert found.expires_at == expires_at


def test_a_result_is_cached_without_a_read_by_the_owner() -> None:
    """One conditional write, which returns the jobs that wait."""
    hook = Hook()
    deduplication, _ = rules(item(owner=JOB.id), JOB, hook=hook)
    deduplication.cache(JOB, OWN)
    assert hook.seen == ["purchases.cache", "purchases.cache done"]


@pytest.mark.parametrize("kept", [KEPT, None])
def test_a_record_that_moved_meanwhile_is_read_again(kept: Kept | None) -> None:
    """Another job became the owner after the record was read: its result counts."""
    hook = Hook()
    deduplication, world = rules(item(owner="gone", waiting=("a",)), CALLED, hook=hook)
    moved = item(version=5, kept=kept, waiting=("a",))

    def owned() -> None:
        world.dedup_records.items[PICTURE] = moved

    hook.once_at("purchases.save", owned)
    deduplication.cache(JOB, OWN)
    cached = replace(moved, kept=OWN, expires_at=LASTS, version=6)
    expected = (moved, []) if kept else (cached, ["a"])
    assert (stored(world), world.submissions.job_ids) == expected


@pytest.mark.parametrize(
    "write",
    [
        lambda rules: rules.cache(JOB, OWN),
        lambda rules: rules.job_settled(replace(CALLED, state=State.FAILED, attempts=PAID)),
    ],
)
def test_a_write_whose_answer_is_lost_enqueues_the_waiting_jobs(write: object) -> None:
    """It is repeated, and meets its own record."""
    hook = Hook()
    deduplication, world = rules(item(waiting=("a",)), JOB, hook=hook)

    def moved() -> None:
        raise DedupRecordMovedError(stored(world))

    hook.once_at("purchases.save done", moved)
    assert callable(write)
    write(deduplication)
    assert world.submissions.job_ids == ["a"]


@pytest.mark.parametrize(
    ("current", "kept"),
    [(None, None), (item(), None), (item(kept=KEPT), None), (item(kept=OWN), OWN)],
)
def test_the_cached_result_of_a_job_is_its_own(
    current: DedupRecord | None, kept: Kept | None
) -> None:
    """Another job's result may have other bytes."""
    deduplication, _ = rules(current)
    assert deduplication.kept_result_of(JOB) == kept


def test_no_record_is_read_for_a_job_whose_photo_was_never_inspected() -> None:
    """It has no hash, so there is none."""
    hook = Hook()
    deduplication, _ = rules(None, hook=hook)
    job = replace(JOB, photo=None, state=State.FAILED, attempts=PAID)
    assert deduplication.kept_result_of(job) is None
    deduplication.job_settled(job)
    assert hook.seen == []


def test_an_owner_that_is_advanced_again_does_not_read_its_own_job() -> None:
    """Only a queued job asks, so its state is known."""
    hook = Hook()
    deduplication, _ = rules(item(owner=JOB.id), JOB, hook=hook)
    assert deduplication.decide(JOB, item(owner=JOB.id)) == item(owner=JOB.id)
    assert hook.seen == []


@pytest.mark.parametrize(
    ("state", "attempts", "kept", "ended"),
    [
        (State.FAILED, PAID, None, item(owner=JOB.id)),
        (State.SUPERSEDED, PAID, None, item(owner=JOB.id)),
        (State.FAILED, PAID, DOUBTED, item(owner=JOB.id, kept=DOUBTED)),
        (State.FAILED, (), None, None),
        (State.COMPLETED, PAID, None, None),
        (State.FAILED, PAID, KEPT, None),
        (State.FAILED, PAID, OWN, None),
        (State.REVIEW, PAID, KEPT, None),
        (State.REVIEW, (), None, item(owner=JOB.id)),
        (State.REVIEW, (), OWN, item(owner=JOB.id, kept=replace(OWN, is_doubted=True))),
    ],
)
def test_the_waiting_jobs_are_enqueued_when_the_owner_ends_without_a_usable_result(
    state: State, attempts: tuple[Attempt, ...], kept: Kept | None, ended: DedupRecord | None
) -> None:
    """One of them makes the next call. A result that needs review is not reused."""
    before = item(owner=JOB.id, kept=kept, waiting=("a", "b"))
    deduplication, world = rules(before)
    deduplication.job_settled(replace(JOB, state=state, attempts=attempts))
    then = replace(ended or before, waiting=before.waiting)
    assert stored(world) == (then if ended is None else replace(then, expires_at=LASTS, version=5))
    assert world.submissions.job_ids == ([] if ended is None else ["a", "b"])


@pytest.mark.parametrize("current", [None, item(waiting=("a",))])
def test_the_end_of_a_job_that_owns_no_record_changes_none(current: DedupRecord | None) -> None:
    """The record has expired, or another job owns it."""
    deduplication, world = rules(current)
    deduplication.job_settled(replace(JOB, state=State.FAILED, attempts=PAID))
    assert (stored(world), world.submissions.job_ids) == (current, [])


def test_a_job_that_starts_to_wait_while_the_owner_ends_is_enqueued_too() -> None:
    """The owner reads the record again."""
    hook = Hook()
    deduplication, world = rules(item(owner=JOB.id, waiting=("a",)), hook=hook)

    def waits() -> None:
        world.dedup_records.items[PICTURE] = item(owner=JOB.id, waiting=("a", "b"), version=5)

    hook.once_at("purchases.save", waits)
    deduplication.job_settled(replace(JOB, state=State.FAILED, attempts=PAID))
    waiting = ("a", "b")
    assert stored(world) == item(owner=JOB.id, expires_at=LASTS, waiting=waiting, version=6)
    assert world.submissions.job_ids == [*waiting]


REUSED = Reuse(
    job_id="other", key="kept", sha256=KEPT.sha256, task_id="task-1", credits_saved=PRICE
)


@pytest.mark.parametrize(
    ("current", "then"),
    [
        (None, None),
        (item(), item()),
        (item(kept=OWN), item(kept=OWN)),
        (item(kept=KEPT), item(version=5)),
    ],
)
def test_a_cached_result_that_is_gone_is_removed_from_the_record(
    current: DedupRecord | None, then: DedupRecord | None
) -> None:
    """Unless the record names other bytes by now: a new result was cached meanwhile."""
    deduplication, world = rules(current)
    deduplication.forget_lost(JOB)
    assert stored(world) == current
    deduplication.forget_lost(replace(JOB, reused=REUSED))
    assert stored(world) == then


def test_of_two_jobs_that_find_a_cached_result_gone_one_changes_the_record() -> None:
    """Losing the race is no error: both jobs decide again by the record."""
    hook = Hook()
    deduplication, world = rules(item(kept=KEPT), hook=hook)
    job = replace(JOB, reused=REUSED)
    hook.once_at("purchases.save", lambda: deduplication.forget_lost(job))
    deduplication.forget_lost(job)
    assert stored(world) == item(version=5)
