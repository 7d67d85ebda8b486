"""The rows of jobs: claimed once, written only over what was read, the winner told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.gate import Gate, Limits, Pause, PauseReason, Suspicion
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.conflicts import GateMovedError, JobMovedError
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.states import AttemptOutcome, Lane, Reason, State, Transport
from cutout.ports.jobs_table import TaskClaim
from tests.contract.dynamodb.table import Store
from tests.support.builders import LATER, NOW, PHOTO, RESULT, a_gate, a_job, a_source, an_attempt

FULL = Job(
    id="0123456789abcdef0123456789abcdef",
    source=a_source(key="Söhne/a b+ü%20 写真.jpg", version_id=None, sequencer="00AB"),
    state=State.FAILED,
    created_at=NOW,
    updated_at=LATER,
    result_key="Söhne/a b+ü%20 写真.png",
    due_at=LATER,
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
        an_attempt(1, outcome=AttemptOutcome.FAILED, body=None, code="x", credits_used=Decimal(0)),
        Attempt(
            number=2,
            idempotency_key="cutout-1-2",
            started_at=LATER,
            body='{"image_urls": ["https://…"]}',
            posts=2,
            file_id="f-1",
            outcome=AttemptOutcome.ACCEPTED,
            task_id="task-unified-1",
            credits_reserved=Decimal("5.40"),
            credits_used=Decimal("1.0E+1"),
            message="",
            is_replayed=True,
        ),
    ),
    result=RESULT,
    history=(HistoryEntry(state=State.QUEUED, at=NOW), HistoryEntry(state=State.FAILED, at=LATER)),
    expires_at=LATER,
)


@pytest.mark.parametrize("job", [a_job(), FULL], ids=["as begun", "with everything"])
def test_what_is_claimed_is_found_as_it_was(store: Store, job: Job) -> None:
    """Every field comes back: times with their zone, credits to the last digit, any letter."""
    assert store.find(job.id) is None
    assert store.claim(job) == job
    assert store.find(job.id) == job


def test_the_second_to_claim_gets_the_job_that_stands(store: Store) -> None:
    """As it stands by then, and it is not written over."""
    store.claim(a_job())
    moved = store.save(a_job(State.PROCESSING))
    assert store.claim(a_job()) == moved
    assert store.find(moved.id) == moved


def test_each_write_counts_up(store: Store) -> None:
    """The saved job is what the next write must name."""
    job = store.claim(a_job())
    for version in (1, 2, 3):
        job = store.save(job)
        assert job == a_job(version=version)
    assert store.find(job.id) == job


def test_a_write_over_a_row_that_moved_loses_and_is_told_the_winner(store: Store) -> None:
    """Nothing of it is written."""
    job = store.claim(a_job())
    winner = store.save(replace(job, state=State.PROCESSING))
    with pytest.raises(JobMovedError) as lost:
        store.save(replace(job, state=State.REJECTED))
    assert lost.value.winner == winner
    assert store.find(job.id) == winner


def test_a_write_without_a_row_loses_to_nobody(store: Store) -> None:
    """A row that expired does not come back half."""
    with pytest.raises(JobMovedError) as lost:
        store.save(a_job())
    assert lost.value.winner is None
    assert store.find(a_job().id) is None


def test_a_row_and_the_gate_are_written_together(store: Store) -> None:
    """The slot is taken when the attempt is recorded: both or neither."""
    job = store.claim(a_job())
    saved = store.save(replace(job, state=State.SUBMITTING), gate=Gate(in_flight=1))
    assert saved == a_job(State.SUBMITTING, version=1)
    assert store.find(job.id) == saved
    assert store.read_gate() == Gate(version=1, in_flight=1)


def test_if_the_row_moved_the_gate_is_not_written_either(store: Store) -> None:
    """The loser takes no slot."""
    job = store.claim(a_job())
    winner = store.save(job)
    with pytest.raises(JobMovedError) as lost:
        store.save(job, gate=Gate(in_flight=1))
    assert lost.value.winner == winner
    assert store.read_gate() == Gate()


def test_if_the_gate_moved_the_row_is_not_written_either(store: Store) -> None:
    """The job stays as it was until the gate lets it in."""
    job = store.claim(a_job())
    winner = store.write_gate(Gate(in_flight=3))
    with pytest.raises(GateMovedError) as lost:
        store.save(replace(job, state=State.SUBMITTING), gate=Gate(in_flight=1))
    assert lost.value.winner == winner
    assert store.find(job.id) == job
    assert store.read_gate() == winner


def test_if_both_moved_the_job_is_what_counts(store: Store) -> None:
    """Who lost the job has no business at the gate."""
    job = store.claim(a_job())
    winner = store.save(job)
    store.write_gate(Gate())
    with pytest.raises(JobMovedError) as lost:
        store.save(job, gate=Gate(in_flight=1))
    assert lost.value.winner == winner


WHOLE_GATE = a_gate(
    version=0,
    in_flight=2,
    spent=Decimal("12.34"),
    price=Decimal("5.40"),
    limits=Limits(max_in_flight=20, daily_credit_cap=Decimal("1E+3")),
    pause=Pause(reason=PauseReason.OUT_OF_CREDITS, since=NOW, until=LATER),
    suspicion=Suspicion(version=6, counted=1),
)
ENDLESS = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)


@pytest.mark.parametrize("gate", [Gate(), WHOLE_GATE, a_gate(version=0, pause=ENDLESS)])
def test_the_gate_is_read_as_it_was_written(store: Store, gate: Gate) -> None:
    """A fresh one if there is none; each write counts up."""
    assert store.read_gate() == Gate()
    written = store.write_gate(gate)
    assert written == replace(gate, version=1)
    assert store.read_gate() == written
    assert store.write_gate(written) == replace(gate, version=2)


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_gate_that_moved_is_not_written(store: Store, version: int) -> None:
    """A writer with an older version, or with none, gets the gate as it is."""
    winner = store.write_gate(store.write_gate(Gate(in_flight=1)))
    with pytest.raises(GateMovedError) as lost:
        store.write_gate(Gate(version=version, in_flight=9))
    assert lost.value.winner == winner
    assert store.read_gate() == winner


def test_many_jobs_are_found_at_once_in_the_order_asked_for(store: Store) -> None:
    """More than one batch of DynamoDB's takes, with gaps and repeats."""
    jobs = [store.claim(a_job(id=f"{number:032x}")) for number in range(120)]
    wanted = [job.id for job in reversed(jobs)]
    assert store.find_all([*wanted, "f" * 32, wanted[0]]) == [*reversed(jobs), jobs[-1]]
    assert store.find_all([]) == []


def test_what_strangers_and_the_provider_wrote_is_stored_within_its_limits(store: Store) -> None:
    """A row that is too large, or not text, would be refused: the job could not even end."""
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
