"""Callbacks: authenticated by the token in their URL; their body is only a hint."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cutout.domain.errors import CallbackRefusedError
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Accepted, CreateOutcome, OutcomeUnknown
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.callback.receive_callback import MAX_BODY_BYTES
from tests.support.fakes.evolink import PRICE, FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, token_for
from tests.support.hooks import Hook, WorkerCrashedError

TASK = "task-unified-000001"
JOB_ID = "a00fc0b0b75cd1e67b0d7024ca35e9a9"
FORGED = f"{'9' * 10}.{'A' * 43}"
"""An expiry, and a signature that is none."""


@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        (json.dumps({"id": TASK, "status": "completed"}), TASK),
        (json.dumps({"id": "abcd"}), "abcd"),
        (json.dumps({"id": "abc"}), "abc"),
        (json.dumps({"id": ".."}), None),
        (json.dumps({"id": "x" * 129}), None),
        (json.dumps({"id": "../../v1/credits"}), None),
        (json.dumps({"id": "task unified"}), None),
        (json.dumps({"id": 12345}), "12345"),
        ("\ufeff" + json.dumps({"id": TASK}), TASK),
        (json.dumps({"id": True}), None),
        (json.dumps({"id": 1.5}), None),
        (json.dumps({"id": [TASK]}), None),
        (json.dumps({"id": {"id": TASK}}), None),
        ('{"id": "\\ud800\\ud800"}', None),
        ('{"id": ' + "9" * 5000 + "}", None),
        (f"id={TASK}&status=completed", None),
        (json.dumps({"task_id": TASK}), TASK),
        (json.dumps({"data": {"id": TASK}}), TASK),
        (json.dumps({"id": TASK, "data": None}), TASK),
        (json.dumps({"data": [TASK]}), None),
        ("[" * 60_000, None),
        (json.dumps([TASK]), None),
        ("null", None),
        ("", None),
        ("<html>", None),
        ("\x00", None),
    ],
)
def test_an_authentic_callback_enqueues_a_task_check_whatever_its_body(
    body: str,
    task_id: str | None,
) -> None:
    """The token decides; a well-formed task id in the body is passed on as a hint."""
    world = World()
    job = world.arrives()
    world.receive_callback.receive(token_for(job, 7), body)
    check = TaskCheck(job_id=job.id, attempt=7, task_id=task_id, is_taken=True)
    assert world.callbacks.checks == [check]


@pytest.mark.parametrize(
    ("token", "is_malformed"),
    [
        ("", True),
        ("x", True),
        (JOB_ID, True),
        (f"{JOB_ID}.0.{FORGED}", True),
        (f"{JOB_ID}.1.{FORGED[:-1]}", True),
        (f"{JOB_ID}.1.{FORGED}\n", True),
        (f"{JOB_ID}.1.{FORGED}", False),
        (f"{JOB_ID}.10000.{FORGED}", False),
        (f"{JOB_ID}.1234567890.{FORGED}", True),
        (f"{JOB_ID}.1.{FORGED.partition('.')[2]}", True),
    ],
)
def test_a_forged_or_malformed_callback_is_refused_and_nothing_is_queued(
    token: str,
    is_malformed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """It is counted, and neither token nor body is logged."""
    world = World()
    with pytest.raises(CallbackRefusedError) as refused:
        world.receive_callback.receive(token, json.dumps({"id": TASK}))
    assert refused.value.is_malformed == is_malformed
    assert world.callbacks.checks == []
    assert world.telemetry.counts == {Metric.CALLBACK_REFUSED: 1}
    line = ("callback refused", {"is_malformed": is_malformed, "not_logged_before": 0})
    assert world.telemetry.facts == [line]


def test_refused_callbacks_are_all_counted_and_logged_once_a_minute() -> None:
    """A thousand forged ones do not fill the log; the next line has their number."""
    world = World()

    def forged() -> None:
        with pytest.raises(CallbackRefusedError):
            world.receive_callback.receive(f"{JOB_ID}.1.{FORGED}", "")

    for _ in range(1000):
        forged()
    world.clock.advance(timedelta(seconds=59))
    forged()
    assert len(world.telemetry.facts) == 1
    world.clock.advance(timedelta(seconds=1))
    forged()
    assert [fields["not_logged_before"] for _, fields in world.telemetry.facts] == [0, 1000]
    assert world.telemetry.counts == {Metric.CALLBACK_REFUSED: 1002}


def test_the_token_of_one_attempt_is_not_valid_for_another() -> None:
    """The signature covers job and attempt."""
    world = World()
    job = world.arrives()
    token = token_for(job, 1).replace(".1.", ".2.")
    with pytest.raises(CallbackRefusedError):
        world.receive_callback.receive(token, "{}")


def completed(world: World) -> Job:
    """A job whose callback came and whose result is stored."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    return world.check_task(job, task_id=world.task_of(job))


def test_a_callback_completes_its_job() -> None:
    """The usual flow: one result, one charge, one event."""
    world = World()
    job = completed(world)
    assert job.state is State.COMPLETED
    assert list(world.results.objects) == ["a.png"]
    assert [told.id for told in world.announcements.jobs] == [job.id]
    assert Metric.RECOVERED_BY_POLL not in world.telemetry.counts


def test_a_repeated_callback_has_no_effect() -> None:
    """The job stays as it is, and the API is not even called.

    The key has no earlier upload, so there is no error note to remove.
    """
    hook = Hook()
    world = World(step=hook)
    job = completed(world)
    hook.seen.clear()
    assert world.check_task(job, task_id=TASK) == job
    assert hook.seen == ["jobs.find"]


def test_a_repeated_callback_removes_the_error_note_of_an_earlier_upload() -> None:
    """The worker before may have crashed before it removed the note."""
    hook = Hook()
    world = World(step=hook)
    world.arrives("a.jpg", b"not a photo")
    job = completed(world)
    hook.seen.clear()
    assert world.check_task(job, task_id=world.task_of(job)) == job
    assert hook.seen == ["jobs.find", "uploads.version_shown", "notes.current"]


def test_a_callback_while_another_worker_fetches_the_result_has_no_effect() -> None:
    """Of two concurrent deliveries, one takes the lease on the result."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    hook.once_at("downloads.fetch", lambda: world.check_task(job))
    assert world.check_task(job).state is State.COMPLETED
    assert len(world.results.puts) == 1


def test_two_workers_that_read_the_task_concurrently_store_one_result() -> None:
    """The conditional write of `storing` decides; the loser stops without an error."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    hook.once_at("evolink.read", lambda: world.check_task(job))
    assert world.check_task(job).state is State.COMPLETED
    assert (len(world.results.puts), len(world.announcements.jobs)) == (1, 1)


def test_a_callback_before_the_response_to_the_call_completes_the_job() -> None:
    """The token names the attempt, so the task id need not be recorded yet."""
    world = World()

    def called_back_at_once(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.complete(TASK)
        token = json.loads(body)["callback_url"].rpartition("/")[2]
        world.receive_callback.receive(token, json.dumps({"id": TASK}))
        world.deliver_all()
        return outcome

    world.evolink.create_faults.append(called_back_at_once)
    job = world.arrives()
    assert job == world.job(job)
    assert (job.state, [a.task_id for a in job.attempts]) == (State.COMPLETED, [TASK])
    gate = world.jobs.read_gate()
    assert (gate.in_flight, len(world.evolink.charges)) == (0, 1)


def test_a_response_that_comes_after_its_lease_expired_still_counts() -> None:
    """Sweep has already recorded the outcome as unknown."""
    world = World()

    def slow(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        world.clock.advance(TIMING.lease)
        world.sweep.sweep()
        world.deliver_all()
        return evolink.take(body, key)

    world.evolink.create_faults.append(slow)
    job = world.arrives()
    assert (job.state, job.attempts[0].task_id) == (State.PROCESSING, TASK)


def test_a_callback_of_a_running_task_confirms_the_call() -> None:
    """The API knows the task and reports it running: the outcome is no longer unknown."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    job = world.check_task(job, task_id=TASK)
    assert (job.state, job.due_at) == (
        State.PROCESSING,
        world.clock.now() + TIMING.poll_interval,
    )
    attempt = job.attempts[0]
    assert (attempt.task_id, attempt.outcome) == (TASK, AttemptOutcome.ACCEPTED)


def test_a_task_id_unknown_to_the_api_is_ignored() -> None:
    """The job keeps waiting for its own callback."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    after = world.check_task(job, task_id="task-of-somebody-else")
    assert (after.state, [a.task_id for a in after.attempts]) == (State.UNCONFIRMED, [None])


def test_a_known_task_is_not_replaced_by_the_one_named_in_a_callback() -> None:
    """The completed task of another photo does not complete this job."""
    world = World()
    job, other = world.arrives("a.jpg"), world.arrives("b.jpg")
    world.evolink.complete(world.task_of(other))
    after = world.check_task(job, task_id=world.task_of(other))
    assert (after.state, after.attempts[0].task_id) == (State.PROCESSING, world.task_of(job))


def test_a_callback_without_a_task_id_does_not_resolve_an_unconfirmed_call() -> None:
    """No task can be read, so the job waits until the grace time ends."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    assert world.check_task(job, task_id=None) == job


def test_a_callback_for_an_unknown_job_has_no_effect() -> None:
    """The job may have expired."""
    world = World()
    world.track_task.check(TaskCheck(job_id=JOB_ID, attempt=1, task_id=TASK))
    assert (world.jobs.jobs, world.evolink.tasks) == ({}, {})


def test_a_callback_for_an_attempt_that_was_never_made_has_no_effect() -> None:
    """For example with a signing key that another stack uses, too."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job, attempt=2) == job


def test_a_late_callback_of_a_failed_attempt_has_no_effect() -> None:
    """The second attempt is running when the callback of the first one is repeated."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), "service_error")
    world.check_task(job)
    world.passes(3 * TIMING.lease)
    job = world.job(job)
    assert (job.state, len(job.attempts)) == (State.PROCESSING, 2)
    assert world.check_task(job, attempt=1) == job


@pytest.mark.parametrize(
    "answer",
    [OutcomeUnknown(message="ReadTimeout"), Accepted(task_id=TASK, credits_reserved=PRICE)],
)
def test_a_callback_that_loses_a_race_checks_the_task_again(answer: CreateOutcome) -> None:
    """The response to the call is recorded meanwhile; the callback still completes the job."""
    hook = Hook()
    world = World(step=hook)
    hook.crash_at("evolink.create done")
    with pytest.raises(WorkerCrashedError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    world.evolink.complete(TASK)
    hook.once_at("evolink.read", lambda: world.submit.call_outcomes.record(job, 1, answer))
    assert world.check_task(job, task_id=TASK).state is State.COMPLETED
    assert len(world.evolink.posts) == 1


def test_the_body_of_a_callback_may_have_64_kilobytes() -> None:
    """Sixty times the usual size; the handler answers 413 to more."""
    assert MAX_BODY_BYTES == 65_536
