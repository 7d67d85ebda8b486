"""Callbacks: authenticated by their URL, and not believed beyond that."""

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
from tests.support.hooks import Hook, WorkerDiedError

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
def test_an_authentic_callback_has_the_task_looked_at_whatever_its_body(
    body: str,
    task_id: str | None,
) -> None:
    """The URL alone counts; a task id is passed on as a hint if it has the form of one."""
    world = World()
    job = world.arrives()
    world.receive.receive(token_for(job, 7), body)
    wake = TaskCheck(job_id=job.id, attempt=7, task_id=task_id, is_taken=True)
    assert world.callbacks.wakes == [wake]


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
    """It is counted; and nothing of it is logged that could be replayed."""
    world = World()
    with pytest.raises(CallbackRefusedError) as refused:
        world.receive.receive(token, json.dumps({"id": TASK}))
    assert refused.value.is_malformed == is_malformed
    assert world.callbacks.wakes == []
    assert world.telemetry.counts == {Metric.CALLBACK_REFUSED: 1}
    line = ("callback refused", {"is_malformed": is_malformed, "not_logged_before": 0})
    assert world.telemetry.facts == [line]


def test_refused_callbacks_are_counted_each_and_logged_once_a_minute() -> None:
    """A thousand forged ones fill no log; the next line says how many it stands for."""
    world = World()

    def forged() -> None:
        with pytest.raises(CallbackRefusedError):
            world.receive.receive(f"{JOB_ID}.1.{FORGED}", "")

    for _ in range(1000):
        forged()
    world.clock.advance(timedelta(seconds=59))
    forged()
    assert len(world.telemetry.facts) == 1
    world.clock.advance(timedelta(seconds=1))
    forged()
    assert [fields["not_logged_before"] for _, fields in world.telemetry.facts] == [0, 1000]
    assert world.telemetry.counts == {Metric.CALLBACK_REFUSED: 1002}


def test_the_token_of_one_attempt_does_not_speak_for_another() -> None:
    """The signature covers job and attempt."""
    world = World()
    job = world.arrives()
    token = token_for(job, 1).replace(".1.", ".2.")
    with pytest.raises(CallbackRefusedError):
        world.receive.receive(token, "{}")


def completed(world: World) -> Job:
    """A photo whose callback came and whose result is stored."""
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    return world.wake(job, task_id=world.task_of(job))


def test_a_callback_completes_its_job() -> None:
    """The way things usually go: one result, one charge, one announcement."""
    world = World()
    job = completed(world)
    assert job.state is State.COMPLETED
    assert list(world.results.objects) == ["a.png"]
    assert [told.id for told in world.announcements.jobs] == [job.id]
    assert Metric.RECOVERED_BY_POLL not in world.telemetry.counts


def test_a_callback_that_comes_again_has_no_effect() -> None:
    """Twice, or late after the end: the job stays as it is, and the API is not even asked.

    No earlier upload of its key is known, so there is no error note to remove.
    """
    hook = Hook()
    world = World(step=hook)
    job = completed(world)
    hook.seen.clear()
    assert world.wake(job, task_id=TASK) == job
    assert hook.seen == ["jobs.find"]


def test_a_callback_that_comes_again_removes_an_earlier_uploads_error_note() -> None:
    """The worker before may have died over it."""
    hook = Hook()
    world = World(step=hook)
    world.arrives("a.jpg", b"not a photo")
    job = completed(world)
    hook.seen.clear()
    assert world.wake(job, task_id=world.task_of(job)) == job
    assert hook.seen == ["jobs.find", "notes.current"]


def test_a_callback_while_another_worker_fetches_the_result_has_no_effect() -> None:
    """Two deliveries at once: the lease on the result is one worker's."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    hook.once_at("downloads.fetch", lambda: world.wake(job))
    assert world.wake(job).state is State.COMPLETED
    assert len(world.results.puts) == 1


def test_two_workers_that_read_the_task_at_once_store_one_result() -> None:
    """The conditional write into `storing` decides; the loser ends quietly."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    hook.once_at("evolink.read", lambda: world.wake(job))
    assert world.wake(job).state is State.COMPLETED
    assert (len(world.results.puts), len(world.announcements.jobs)) == (1, 1)


def test_a_callback_before_the_posts_answer_is_taken_and_the_answer_changes_nothing() -> None:
    """The token names the attempt, so it does not matter that the task id is not on record."""
    world = World()

    def called_back_at_once(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.complete(TASK)
        token = json.loads(body)["callback_url"].rpartition("/")[2]
        world.receive.receive(token, json.dumps({"id": TASK}))
        world.settles()
        return outcome

    world.evolink.create_faults.append(called_back_at_once)
    job = world.arrives()
    assert job == world.job(job)
    assert (job.state, [a.task_id for a in job.attempts]) == (State.COMPLETED, [TASK])
    gate = world.jobs.read_gate()
    assert (gate.in_flight, len(world.evolink.charges)) == (0, 1)


def test_an_answer_that_finds_the_outcome_already_unknown_still_counts() -> None:
    """Sweep thought the worker dead; the answer it brings is taken all the same."""
    world = World()

    def slow(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        world.clock.advance(TIMING.lease)
        world.sweep.sweep()
        world.settles()
        return evolink.take(body, key)

    world.evolink.create_faults.append(slow)
    job = world.arrives()
    assert (job.state, job.attempts[0].task_id) == (State.PROCESSING, TASK)


def test_a_callback_of_a_running_task_adopts_it() -> None:
    """The API knows the task and says it runs: the outcome is no longer unknown."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    job = world.wake(job, task_id=TASK)
    assert (job.state, job.due_at) == (
        State.PROCESSING,
        world.clock.now() + TIMING.poll_interval,
    )
    attempt = job.attempts[0]
    assert (attempt.task_id, attempt.outcome) == (TASK, AttemptOutcome.ACCEPTED)


def test_a_task_id_that_the_api_does_not_know_is_not_believed() -> None:
    """The body is not believed: the job waits on for its own callback."""
    world = World()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    job = world.arrives()
    after = world.wake(job, task_id="task-of-somebody-else")
    assert (after.state, [a.task_id for a in after.attempts]) == (State.UNCONFIRMED, [None])


def test_a_known_task_is_not_exchanged_for_the_one_that_a_body_names() -> None:
    """Another photo's finished task does not finish this one."""
    world = World()
    job, other = world.arrives("a.jpg"), world.arrives("b.jpg")
    world.evolink.complete(world.task_of(other))
    after = world.wake(job, task_id=world.task_of(other))
    assert (after.state, after.attempts[0].task_id) == (State.PROCESSING, world.task_of(job))


def test_an_unconfirmed_job_is_not_told_apart_from_others_by_a_body_without_a_task() -> None:
    """Nothing can be asked, so nothing happens until the grace time is over."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    assert world.wake(job, task_id=None) == job


def test_a_callback_for_a_job_that_is_not_known_has_no_effect() -> None:
    """Its row may have expired."""
    world = World()
    world.follow.check(TaskCheck(job_id=JOB_ID, attempt=1, task_id=TASK))
    assert (world.jobs.jobs, world.evolink.tasks) == ({}, {})


def test_a_callback_for_an_attempt_that_was_never_made_has_no_effect() -> None:
    """A signing key that leaked into another stack, say."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    assert world.wake(job, attempt=2) == job


def test_a_late_callback_of_an_attempt_that_failed_has_no_effect() -> None:
    """Out of order: the second attempt runs already when the first one's callback repeats."""
    world = World()
    job = world.arrives()
    world.evolink.fail(world.task_of(job), "service_error")
    world.wake(job)
    world.passes(3 * TIMING.lease)
    job = world.job(job)
    assert (job.state, len(job.attempts)) == (State.PROCESSING, 2)
    assert world.wake(job, attempt=1) == job


@pytest.mark.parametrize(
    "answer",
    [OutcomeUnknown(message="ReadTimeout"), Accepted(task_id=TASK, credits_reserved=PRICE)],
)
def test_a_callback_that_loses_a_race_looks_again(answer: CreateOutcome) -> None:
    """The POST's answer is recorded while the task is read: the callback still finishes the job."""
    hook = Hook()
    world = World(step=hook)
    hook.die_at("evolink.create done")
    with pytest.raises(WorkerDiedError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    world.evolink.complete(TASK)
    hook.once_at("evolink.read", lambda: world.submit.call_outcomes.record(job, 1, answer))
    assert world.wake(job, task_id=TASK).state is State.COMPLETED
    assert len(world.evolink.posts) == 1


def test_a_callbacks_body_may_have_sixty_four_kilobytes() -> None:
    """Sixty times what one has; the handler answers 413 to more."""
    assert MAX_BODY_BYTES == 65_536
