"""A task belongs to one call, whatever the body of a callback says."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Accepted, CreateOutcome
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.ports.jobs_table import TaskClaim
from tests.support.fakes.evolink import PRICE, FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png


def unconfirmed(world: World, key: str = "a.jpg") -> Job:
    """A job whose call was accepted without a response."""
    world.evolink.create_faults.append(taken_but_unanswered)
    return world.arrives(key)


def named(world: World) -> float:
    """How often a callback named the task of another call."""
    return world.telemetry.counts.get(Metric.TASK_TAKEN, 0)


def the_task(world: World, number: int) -> str:
    """The task of the provider's n-th charge."""
    return world.evolink.charges[number - 1].task_id


def is_as_before(after: Job, before: Job) -> bool:
    """Whether the job still waits as if no callback had named a task."""
    return (after.state, after.attempts, after.due_at) == (
        before.state,
        before.attempts,
        before.due_at,
    )


@pytest.mark.parametrize("end", ["running", "completed", "failed"])
def test_an_unconfirmed_call_does_not_adopt_another_photos_task(end: str) -> None:
    """The callback's token is valid and the API knows the task, but it is of another photo."""
    world = World()
    other, job = world.arrives("b.jpg"), unconfirmed(world)
    task_id = world.task_of(other)
    if end == "completed":
        world.evolink.complete(task_id)
    if end == "failed":
        world.evolink.fail(task_id, "service_error")
    assert is_as_before(world.check_task(job, task_id=task_id), job)
    assert (named(world), world.results.puts) == (1, [])
    own = world.task_of(job)
    world.evolink.complete(own)
    assert world.check_task(job, task_id=own).state is State.COMPLETED


def test_an_adopted_task_is_claimed() -> None:
    """The callback of another job cannot name it any more."""
    world = World()
    first, second = unconfirmed(world, "a.jpg"), unconfirmed(world, "b.jpg")
    task_id = the_task(world, 1)
    adopted = world.check_task(first, task_id=task_id)
    then = world.clock.now() + TIMING.poll_interval
    assert (adopted.state, adopted.due_at) == (State.PROCESSING, then)
    assert is_as_before(world.check_task(second, task_id=task_id), second)


def test_a_task_of_an_earlier_attempt_is_not_adopted_by_a_later_one() -> None:
    """The first attempt failed; its callback's body comes to the URL of the second."""
    world = World()
    job = world.arrives()
    first = world.task_of(job)
    world.evolink.fail(first, "service_error")
    world.check_task(job)
    world.evolink.create_faults.append(taken_but_unanswered)
    world.passes(3 * TIMING.lease)
    job = world.job(job)
    assert (job.state, len(job.attempts)) == (State.UNCONFIRMED, 2)
    assert is_as_before(world.check_task(job, task_id=first), job)


def test_claims_of_tasks_outlive_the_jobs_that_can_name_them() -> None:
    """Processing and storing end within a deadline each; then the job is retained."""
    world = World()
    job = world.arrives()
    assert world.jobs.tasks == {
        world.task_of(job): TaskClaim(
            task_id=world.task_of(job),
            job_id=job.id,
            attempt=1,
            is_certain=True,
            expires_at=world.clock.now() + TIMING.retention + 2 * TIMING.job_deadline,
        ),
    }


def answered_late(world: World, *, while_open: Job) -> Job:
    """A job whose task is named by another job's callback before its call gets a response."""

    def slow(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        adopted = world.check_task(while_open, task_id=the_task(world, len(evolink.charges)))
        assert adopted.state is State.PROCESSING
        return outcome

    world.evolink.create_faults.append(slow)
    return world.arrives("late.jpg")


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_response_takes_a_task_back_from_the_job_that_adopted_it(end: str) -> None:
    """The response outweighs the callback; the job that had adopted the task drops it."""
    world = World()
    wrong = unconfirmed(world)
    job = answered_late(world, while_open=wrong)
    task_id = world.task_of(job)
    assert (job.state, job.attempts[0].task_id) == (State.PROCESSING, task_id)
    if end == "completed":
        world.evolink.complete(task_id)
    else:
        world.evolink.fail(task_id, "service_error")
    lost = world.check_task(wrong)
    assert (lost.state, lost.reason, lost.credits) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        PRICE,
    )
    assert [(a.task_id, a.outcome) for a in lost.attempts] == [(None, AttemptOutcome.UNKNOWN)]
    assert named(world) == 1
    own = the_task(world, 1)
    world.evolink.complete(own)
    assert world.check_task(wrong, task_id=own).state is State.COMPLETED
    assert world.results.objects["a.png"].data.endswith(own.encode())


def test_the_failure_of_another_calls_task_does_not_supersede_a_replaced_photo() -> None:
    """Its own call may have a result, which may serve another upload of the same photo."""
    world = World()
    wrong = unconfirmed(world)
    job = answered_late(world, while_open=wrong)
    world.arrives("a.jpg", png(salt=1))
    world.evolink.fail(world.task_of(job), "service_error")
    lost = world.check_task(wrong)
    assert (lost.state, lost.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    own = the_task(world, 1)
    world.evolink.complete(own)
    assert world.check_task(wrong, task_id=own).state is State.SUPERSEDED
    assert world.results.puts == []


def test_of_two_calls_with_the_same_task_the_second_stays_unconfirmed() -> None:
    """The provider mixed calls up: the second waits for its callback."""
    world = World()
    first = world.arrives("a.jpg")
    accepted = Accepted(task_id=world.task_of(first), credits_reserved=PRICE)
    world.evolink.create_faults.append(answering(accepted))
    job = world.arrives("b.jpg")
    assert (job.state, job.attempts[0].task_id) == (State.UNCONFIRMED, None)
    assert named(world) == 1


def test_a_response_that_contradicts_its_callback_is_counted() -> None:
    """The callback came first and named another task: an operator should know."""
    world = World()
    stray = the_task_of_nobody(world)

    def called_back(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        (job,) = (j for j in world.jobs.jobs.values() if j.source.key == "a.jpg")
        world.check_task(job, task_id=stray)
        return outcome

    world.evolink.create_faults.append(called_back)
    job = world.arrives("a.jpg")
    assert job.attempts[0].task_id == stray
    assert named(world) == 1


def the_task_of_nobody(world: World) -> str:
    """A task that the API knows and no job has."""
    body = '{"image_urls": ["x"], "callback_url": "y"}'
    outcome = world.evolink.take(body, "stray-0-1")
    assert isinstance(outcome, Accepted)
    return outcome.task_id


def named_by_a_callback(world: World, code: str) -> Job:
    """A job whose call got no response; its callback names the failed task."""
    job = unconfirmed(world)
    world.evolink.fail(the_task(world, 1), code, "text")
    return world.check_task(job, task_id=the_task(world, 1))


@pytest.mark.parametrize("code", ["service_error", "image_processing_error", "content_policy"])
def test_a_failure_named_only_by_a_callback_is_not_paid_for_again(code: str) -> None:
    """The task may be another call's, and the job's own call may be charged."""
    world = World()
    job = named_by_a_callback(world, code)
    assert (job.state, job.reason, job.code, job.message) == (
        State.FAILED,
        Reason.TASK_FAILED,
        code,
        "text",
    )
    assert [(a.task_id, a.outcome) for a in job.attempts] == [(None, AttemptOutcome.UNKNOWN)]
    assert (job.credits, world.jobs.read_gate().in_flight) == (PRICE, 0)
    world.passes(TIMING.job_deadline + 2 * TIMING.unconfirmed_grace)
    assert (world.job(job), len(world.evolink.posts)) == (job, 1)


def test_a_failure_named_only_by_a_callback_is_paid_for_again_by_an_operators_retry() -> None:
    """The failed task is not read again."""
    world = World()
    job = named_by_a_callback(world, "service_error")
    world.evolink.reads.clear()
    world.operate.retry(job)
    world.deliver_all()
    again = world.job(job)
    assert (again.state, [a.task_id for a in again.attempts]) == (
        State.PROCESSING,
        [None, the_task(world, 2)],
    )
    assert world.evolink.reads == []


def test_a_failure_after_the_task_was_adopted_is_not_paid_for_again_either() -> None:
    """It ran when its callback came, and fails when it is polled."""
    world = World()
    job = unconfirmed(world)
    assert world.check_task(job, task_id=the_task(world, 1)).state is State.PROCESSING
    world.evolink.fail(the_task(world, 1), "service_error")
    world.passes(TIMING.job_deadline)
    lost = world.job(job)
    assert (lost.state, lost.reason, len(world.evolink.posts)) == (
        State.FAILED,
        Reason.TASK_FAILED,
        1,
    )


def test_a_failure_is_retried_once_the_response_has_named_the_task() -> None:
    """The response proves that the task belongs to the call."""
    world = World()

    def called_back(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.fail(the_task(world, 1), "service_error")
        (job,) = world.jobs.jobs.values()
        assert world.check_task(job, task_id=the_task(world, 1)).state is State.SUBMITTING
        return outcome

    world.evolink.create_faults.append(called_back)
    job = world.arrives()
    assert (job.state, job.attempts[0].is_adopted) == (State.PROCESSING, False)
    world.passes(2 * TIMING.first_poll)
    again = world.job(job)
    assert (again.state, [a.outcome for a in again.attempts]) == (
        State.PROCESSING,
        [AttemptOutcome.FAILED, AttemptOutcome.ACCEPTED],
    )
    assert named(world) == 0


def swapped(world: World) -> Job:
    """A job whose callback names the failed task of another call without a response."""
    wrong = unconfirmed(world, "wrong.jpg")
    unconfirmed(world, "late.jpg")
    world.evolink.fail(the_task(world, 2), "service_error")
    return world.check_task(wrong, task_id=the_task(world, 2))


def test_the_failure_of_another_calls_task_does_not_exclude_the_own_result() -> None:
    """The job ends without another call; its own callback still brings the paid result."""
    world = World()
    wrong = swapped(world)
    assert (wrong.state, wrong.reason, wrong.credits) == (
        State.FAILED,
        Reason.TASK_FAILED,
        PRICE,
    )
    own = the_task(world, 1)
    world.evolink.complete(own)
    done = world.check_task(wrong, task_id=own)
    assert (done.state, done.credits) == (State.COMPLETED, PRICE)
    assert world.results.objects["wrong.png"].data.endswith(own.encode())
    assert [c.key for c in world.evolink.charges if wrong.id in c.key] == [
        wrong.attempts[0].idempotency_key
    ]


def test_a_late_response_names_the_task_that_a_retry_reads() -> None:
    """The job ended by the failure of another call's task; its own result is not paid for again."""
    world = World()
    wrong = swapped(world)
    late = Accepted(task_id=the_task(world, 1), credits_reserved=PRICE)
    known = world.submit.call_outcomes.record(wrong, 1, late)
    assert (known.state, known.attempts[0].task_id) == (State.FAILED, the_task(world, 1))
    world.evolink.complete(the_task(world, 1))
    world.operate.retry(known)
    world.deliver_all()
    world.passes(TIMING.lease)
    assert (world.job(wrong).state, len(world.evolink.posts)) == (State.COMPLETED, 2)
