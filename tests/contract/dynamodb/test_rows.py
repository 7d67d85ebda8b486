"""The items of jobs: created once, written only over what was read; the loser gets the winner."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, State, Transport
from cutout.ports.jobs_table import JobMovedError, TaskClaim
from tests.contract.dynamodb.table import Store
from tests.support.builders import LATER, NOW, PHOTO, RESULT, a_job, a_source, an_attempt

FULL = Job(
    id="0123456789abcdef0123456789abcdef",
    source=a_source(key="Söhne/a b+ü%20 写真.jpg", version_id=None, sequencer="00AB"),
    state=State.FAILED,
    created_at=NOW,
    updated_at=LATER,
    entered_at=LATER,
    result_key=RESULT.key,
    due_at=LATER,
    look_at=NOW,
    tries=3,
    storing_attempt=2,
    transport=Transport.FILES,
    lane=Lane.BACKFILL,
    is_waiting=False,
    is_announced=True,
    reason=Reason.TASK_FAILED,
    code="service_error",
    message="two\nlines",
    photo=PHOTO,
    attempts=(
        an_attempt(1, outcome=AttemptOutcome.FAILED, code="x", credits_used=Decimal(0)),
        Attempt(
            number=2,
            idempotency_key="cutout-0123456789abcdef0123456789abcdef-2-0123456789ab",
            started_at=LATER,
            posts=2,
            file_id="f-1",
            outcome=AttemptOutcome.ACCEPTED,
            task_id="task-unified-1",
            credits_reserved=Decimal("5.40"),
            credits_used=Decimal("1.0E+1"),
            message="",
            is_replayed=True,
            body_name="0123456789abcdef",
            shard=0,
            is_probe=True,
        ),
    ),
    result=RESULT,
    history=(
        HistoryEntry(state=State.QUEUED, at=NOW),
        HistoryEntry(state=State.FAILED, at=LATER, reason=Reason.TASK_FAILED),
    ),
    expires_at=LATER,
)


BEGUN = a_job()
WAITING = a_job(is_waiting=True, due_at=None, look_at=None)
ODD = replace(
    FULL,
    source=a_source(key="a/b/", sequencer="00ab10", modified_at=NOW),
    result=replace(RESULT, key="claimed by another.png"),
    attempts=(an_attempt(idempotency_key="another-form"),),
    expires_at=None,
    history=(),
)
"""With none of the usual values that an item leaves out."""


@pytest.mark.parametrize(
    "job",
    [BEGUN, WAITING, FULL, ODD],
    ids=["as begun", "without a due time", "with everything", "unusual"],
)
def test_job_is_found_as_it_was_claimed(store: Store, job: Job) -> None:
    """Every field: times with their zone, credits to the last digit, any character."""
    assert store.find(job.id) is None
    assert store.claim(job) == job
    assert store.find(job.id) == job


def test_second_claim_of_a_job_gets_the_stored_job(store: Store) -> None:
    """As it is by then, and it is not overwritten."""
    store.claim(a_job())
    moved = store.save(a_job(State.PROCESSING))
    assert store.claim(a_job()) == moved
    assert store.find(moved.id) == moved


def test_each_write_increments_the_version(store: Store) -> None:
    """The next write must name the saved job's version."""
    job = store.claim(a_job())
    for version in (1, 2, 3):
        job = store.save(job)
        assert job == replace(BEGUN, version=version)
    assert store.find(job.id) == job


def test_write_over_a_job_that_has_changed_is_a_lost_race(store: Store) -> None:
    """Nothing is written, and the error carries the stored job."""
    job = store.claim(a_job())
    winner = store.save(replace(job, state=State.PROCESSING))
    with pytest.raises(JobMovedError) as lost:
        store.save(replace(job, state=State.REJECTED))
    assert lost.value.winner == winner
    assert store.find(job.id) == winner


def test_write_over_an_expired_job_has_no_winner(store: Store) -> None:
    """A deleted job is not created again with half of its fields."""
    with pytest.raises(JobMovedError) as lost:
        store.save(a_job())
    assert lost.value.winner is None
    assert store.find(a_job().id) is None


def test_many_jobs_are_found_at_once_in_the_order_asked_for(store: Store) -> None:
    """More than fit into one batch, with missing and repeated ids."""
    jobs = [store.claim(replace(BEGUN, id=f"{number:032x}")) for number in range(120)]
    wanted = [job.id for job in reversed(jobs)]
    assert store.find_all([*wanted, "f" * 32, wanted[0]]) == [*reversed(jobs), jobs[-1]]
    assert store.find_all([]) == []


def test_foreign_texts_of_a_job_are_shortened_to_what_can_be_stored(store: Store) -> None:
    """An item that is too large, or not text, would be refused: the job could not even end."""
    job = store.claim(a_job(photo=replace(PHOTO, profile="Display P3 " * 400_000)))
    attempt = replace(an_attempt(), code="\ud800", message="x" * 500_000, task_id="t" * 5000)
    claim = TaskClaim(
        task_id="t" * 5000, job_id=job.id, attempt=1, is_certain=True, expires_at=LATER
    )
    saved = store.save(replace(job, attempts=(attempt,), message="\udfff"), tasks=[claim])
    assert store.find(job.id) == saved
    assert saved.photo is not None
    assert saved.photo.profile is not None
    assert saved.photo.profile.startswith("Display P3 Display P3 ")
    assert (saved.message, saved.attempts[0].code) == ("?", "?")
