"""What Submit does besides moving a job: which job is next, what is stored and passed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import SourceDeniedError, StoreBusyError
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.object_keys import BYPASS_CACHE_MARK, LANE_MARK
from cutout.domain.provider_outcomes import Accepted, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, State, Transport
from cutout.ports.buckets import Labels
from tests.support.builders import an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook

SECOND = timedelta(seconds=1)


def waits(world: World, key: str, **facts: Any) -> Job:
    """A waiting job, while the gate has free slots."""
    source = world.uploads.add(key, png(salt=len(world.jobs.jobs)))
    job = world.registered(source)
    assert job is not None
    known: dict[str, Any] = {"is_waiting": True, "reason": Reason.GATE_FULL, "due_at": None}
    waiting = replace(job, **(known | facts))
    world.clock.advance(SECOND)
    world.jobs._write(waiting)  # noqa: SLF001 - as an index shows it
    return waiting


@pytest.mark.parametrize("trouble", ["gone", "denied"])
def test_a_waiting_job_that_takes_no_slot_advances_the_next_in_the_same_invocation(
    trouble: str,
) -> None:
    """One job for one message: each freed slot has its own message."""
    world = World()
    first = waits(world, "a.jpg")
    others = [waits(world, f"{number}.jpg") for number in range(3)]
    if trouble == "gone":
        world.uploads.destroy(first.source)
    else:
        world.uploads.errors["a.jpg"] = SourceDeniedError("AccessDenied")
    world.submit.advance(first)
    assert world.submissions.job_ids == []
    assert [world.job(one).state for one in others] == [
        State.PROCESSING,
        State.QUEUED,
        State.QUEUED,
    ]


def test_a_denied_photo_that_did_not_wait_advances_no_other_job() -> None:
    """It did not reach the gate, so it does not know of a free slot."""
    world = World()
    other = waits(world, "b.jpg")
    world.uploads.errors["a.jpg"] = SourceDeniedError("AccessDenied")
    job = world.registered(world.uploads.add("a.jpg", png(salt=9)))
    assert job is not None
    world.submit.advance(job)
    assert world.submissions.job_ids == []
    assert world.job(other) == other


@pytest.mark.parametrize(
    ("metadata", "lane", "is_fresh"),
    [
        ({}, Lane.LIVE, False),
        ({LANE_MARK: "backfill"}, Lane.BACKFILL, False),
        ({LANE_MARK: "other", BYPASS_CACHE_MARK: "true"}, Lane.LIVE, True),
    ],
)
@pytest.mark.parametrize("was_fresh", [True, False])
def test_marks_in_the_metadata_set_lane_and_cache_bypass(
    metadata: dict[str, str],
    lane: Lane,
    is_fresh: bool,  # noqa: FBT001 - a column of the table
    was_fresh: bool,  # noqa: FBT001
) -> None:
    """An operator's choice in the job is kept."""
    world = World()
    source = world.uploads.add("a.jpg", png(), Labels(metadata=metadata, tags={}))
    job = world.registered(source)
    assert job is not None
    job = replace(job, bypass_cache=was_fresh)
    world.jobs.jobs[job.id] = job
    after = world.advance(job)
    assert (after.lane, after.bypass_cache) == (lane, is_fresh or was_fresh)


@pytest.mark.parametrize("message", ["text", None])
def test_a_problem_found_by_prepare_ends_the_job_with_prepares_message(message: str | None) -> None:
    """Or without a message."""
    world = World()
    source = world.uploads.add("a.jpg", png())
    job = world.registered(source)
    assert job is not None
    found = replace(job, reason=Reason.DAMAGED_PHOTO, message=message)
    world.jobs.jobs[job.id] = found
    after = world.advance(found)
    assert (after.state, after.message) == (State.REJECTED, message or "")


def test_a_job_is_completed_from_a_cached_result() -> None:
    """StoreResult gets the message without an attempt: no call is made."""
    world = World(reuse=True)
    first = world.arrives()
    photo = world.job(first).photo
    assert photo is not None
    picture = f"{photo.sha256}#mj-v7-remove-bg"
    kept = Kept(
        key="kept", sha256="ab" * 32, job_id="b", task_id="t", credits=PRICE, is_of_copy=True
    )
    world.dedup_records.items[picture] = DedupRecord(
        picture=picture, owner="b", kept=kept, version=0
    )
    job = world.registered(world.uploads.add("c.jpg", png()))
    assert job is not None
    retried = replace(job, storing_attempt=1)
    world.jobs.jobs[job.id] = retried
    after = world.advance(retried)
    assert after.reused is not None
    assert (after.state, after.storing_attempt) == (State.STORING, None)
    assert (after.reused.is_of_copy, after.reused.credits_saved) == (True, PRICE)
    assert world.callbacks.checks == [TaskCheck(job_id=job.id, attempt=0)]


def test_the_body_of_a_call_is_stored_for_two_deadlines() -> None:
    """One for the response to the call, and one for the task."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    (body,) = world.jobs.bodies.values()
    assert (job.state, body.expires_at) == (State.UNCONFIRMED, START + 2 * TIMING.job_deadline)


def test_a_photo_is_transferred_once_however_often_the_gate_changes() -> None:
    """A copy at the provider costs time, and has to be deleted."""
    hook = Hook()
    world = World(step=hook, transport=Transport.FILES)

    def race() -> None:
        world.jobs.gate = replace(world.jobs.read_gate(), version=9)

    hook.once_at("jobs.save", race)
    job = world.arrives()
    assert job.state is State.PROCESSING
    assert hook.seen.count("files.upload") == 1


def test_an_accepted_call_that_cannot_be_recorded_is_passed_on_with_its_task() -> None:
    """The message is its only record: the call would be repeated, and might be paid twice."""
    hook = Hook()
    world = World(step=hook)

    def fail() -> None:
        raise StoreBusyError("throttled")

    hook.once_at("evolink.create done", lambda: hook.once_at("jobs.save", fail))
    source = world.uploads.add("a.jpg", png())
    job = world.registered(source)
    assert job is not None
    with pytest.raises(StoreBusyError):
        world.submit.advance(job)
    assert world.callbacks.checks == [
        TaskCheck(job_id=job.id, attempt=1, task_id="task-unified-000001", is_taken=True)
    ]


def test_a_result_returned_with_the_call_is_fetched_without_a_callback() -> None:
    """Some providers answer with the result."""
    world = World()
    done = Accepted(task_id="task-1", credits_reserved=PRICE, is_completed=True)
    world.evolink.create_faults.append(answering(done))
    job = world.arrives()
    check = TaskCheck(job_id=job.id, attempt=1, task_id="task-1", is_taken=True)
    assert world.callbacks.checks == [check]


UNCONFIRMED = an_attempt(1, started_at=START, outcome=AttemptOutcome.UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "ago", "state"),
    [
        ({}, timedelta(minutes=45) - SECOND, State.SUBMITTING),
        ({}, timedelta(minutes=45), State.FAILED),
        ({"file_id": "file"}, TIMING.job_deadline - SECOND, State.SUBMITTING),
        ({"file_id": "file"}, TIMING.job_deadline, State.FAILED),
        ({"is_taken": True}, TIMING.job_deadline - SECOND, State.UNCONFIRMED),
        ({"is_taken": True}, TIMING.job_deadline, State.FAILED),
        ({"posts": 2}, SECOND, State.FAILED),
    ],
)
def test_a_call_is_repeated_only_while_its_link_is_valid(
    facts: dict[str, Any], ago: timedelta, state: State
) -> None:
    """A call known to be accepted is not repeated: the job waits until the deadline."""
    world = World()
    job = world.arrives()
    attempt = replace(UNCONFIRMED, started_at=START - ago, **facts)
    row = replace(
        world.job(job), state=State.UNCONFIRMED, attempts=(attempt,), reason=Reason.OUTCOME_UNKNOWN
    )
    world.jobs.jobs[job.id] = row
    after = world.submit.repeat_calls.decide(row, "{}")
    assert after.state is state
    if state is State.UNCONFIRMED:
        assert (after.reason, after.due_at) == (row.reason, START + SECOND)


def test_a_job_that_has_expired_is_left_alone() -> None:
    """It expired or was deleted: nothing is written or called."""
    hook = Hook()
    world = World(step=hook)
    job = world.registered(world.uploads.add("a.jpg", b"no photo"))
    assert job is not None
    hook.once_at("jobs.save", world.jobs.jobs.clear)
    world.submit.advance(job)
    assert (world.jobs.jobs, world.evolink.posts, world.submissions.job_ids) == ({}, [], [])


def test_a_job_that_keeps_waiting_enqueues_no_other() -> None:
    """The gate is full: the job that frees its slot enqueues the next one."""
    world = World()
    for number in range(3):
        world.arrives(f"inside-{number}.jpg", png(salt=90 + number))
    first = waits(world, "a.jpg", reason=Reason.DAILY_CAP)
    waits(world, "b.jpg")
    world.submissions.job_ids.clear()
    world.submit.advance(first)
    assert (world.job(first).is_waiting, world.submissions.job_ids) == (True, [])


def test_the_newest_upload_of_a_key_is_not_read_again_after_registration() -> None:
    """Registering returns it; other jobs of the same invocation have other keys."""
    hook = Hook()
    world = World(step=hook)
    other = waits(world, "b.jpg")
    world.note_waiting()
    world.arrives()
    assert world.job(other).state is State.PROCESSING
    assert hook.seen.count("heads.newest") == 1


def test_an_unknown_outcome_that_cannot_be_recorded_sends_no_task_check() -> None:
    """The lease expires, and the outcome is recorded as unknown then."""
    hook = Hook()
    world = World(step=hook)
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))

    def fail() -> None:
        raise StoreBusyError("throttled")

    hook.once_at("evolink.create", lambda: hook.once_at("jobs.save", fail))
    with pytest.raises(StoreBusyError, match="throttled"):
        world.arrives()
    assert world.callbacks.checks == []


@pytest.mark.parametrize(
    ("before_due", "named_task"), [(SECOND, None), (timedelta(0), "task-1"), (SECOND, "task-1")]
)
def test_an_unconfirmed_call_is_not_repeated_early_or_while_its_task_is_checked(
    before_due: timedelta, named_task: str | None
) -> None:
    """Whatever message comes: the callback may still come, and a named task is read first."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    attempt = replace(job.attempts[0], named_task=named_task)
    world.jobs.jobs[job.id] = job.with_attempt(attempt)
    world.clock.advance(TIMING.unconfirmed_grace - before_due)
    assert world.advance(world.job(job)) == job.with_attempt(attempt)
    assert len(world.evolink.posts) == 1


def test_a_repeat_that_the_provider_would_refuse_waits_for_an_operator() -> None:
    """An API key that cannot be sent pauses the gate; the call stays unconfirmed, posted once."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    world.clock.advance(TIMING.unconfirmed_grace)
    world.evolink.unready = refusal(status=401, code="invalid_key", message="not printable")
    after = world.advance(job)
    assert (after.state, after.reason) == (State.UNCONFIRMED, Reason.GATE_PAUSED)
    pause = world.jobs.read_gate().pause
    assert (pause.reason if pause else None) is PauseReason.KEY_REFUSED
    assert len(world.evolink.posts) == 1


def test_a_message_for_a_settled_job_applies_its_effects_again() -> None:
    """A slower worker may have removed the note of its end."""
    world = World()
    job = world.arrives("a.jpg", b"no photo")
    (note,) = world.notes.stored
    world.notes.stored.clear()
    world.submit.advance(job)
    assert list(world.notes.stored) == [note]
