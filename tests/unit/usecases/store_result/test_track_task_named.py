"""A task that a signed callback names is read before its photo is paid for again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import ProviderBusyError, StoreBusyError, TaskUnknownError
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider_outcomes import CreateOutcome, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.fakes.evolink import FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)
FIRST, SECOND, THIRD = (f"task-unified-00000{number}" for number in (1, 2, 3))
NOT_KNOWN = TaskUnknownError("the API knows no such task")
LOST = OutcomeUnknown(message="ReadTimeout")
GIVEN_UP_AFTER = 2 * TIMING.unconfirmed_grace + 3 * MINUTE


def called_back(world: World, job: Job, task_id: str, attempt: int = 1) -> Job:
    """The job after the callback of one of its attempts."""
    return world.check_task(job, task_id=task_id, attempt=attempt, is_taken=True)


def paid(world: World) -> list[str]:
    """The tasks that were charged and did not fail."""
    tasks = [charge.task_id for charge in world.evolink.charges]
    return [one for one in tasks if world.evolink.tasks[one].status != "failed"]


@pytest.mark.parametrize("error", [NOT_KNOWN, ProviderBusyError("the API answers 503", status=503)])
@pytest.mark.parametrize("is_repeated", [True, False])
def test_one_failed_read_of_a_task_that_ran_long_does_not_lose_its_result(
    error: Exception,
    is_repeated: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The ten minutes count from the first 404 of the task, not from the call."""
    world = World()
    faults = [answering(LOST)] * is_repeated + [taken_but_unanswered]
    world.evolink.create_faults.extend(faults)
    job = world.arrives()
    world.passes((TIMING.unconfirmed_grace + 2 * MINUTE) if is_repeated else 11 * MINUTE)
    world.evolink.complete(FIRST)
    world.evolink.read_faults.append(error)
    assert called_back(world, job, FIRST).state is State.UNCONFIRMED
    world.passes(2 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


def given_up(world: World) -> Job:
    """A job whose call was taken; neither its answer nor a callback came in time."""
    world.evolink.create_faults += (taken_but_unanswered, answering(LOST))
    job = world.arrives()
    world.passes(GIVEN_UP_AFTER)
    assert world.job(job).reason is Reason.OUTCOME_UNKNOWN
    return world.job(job)


def unknown_once(world: World) -> None:
    """Let the next read be answered with 404."""
    world.evolink.complete(FIRST)
    world.evolink.read_faults.append(NOT_KNOWN)


def runs(_world: World) -> None:
    """Leave the task running."""


@pytest.mark.parametrize("answer", [unknown_once, runs])
@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_retry_reads_the_task_of_a_late_callback_before_it_pays(
    answer: object,
    is_fresh: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The job had ended when its callback came, and the task could not be confirmed then."""
    world = World()
    job = given_up(world)
    assert callable(answer)
    answer(world)
    assert called_back(world, job, FIRST).state is State.FAILED
    world.evolink.complete(FIRST)
    world.operate.retry(world.job(job), bypass_cache=is_fresh)
    world.passes(2 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


@pytest.mark.parametrize("answer", [unknown_once, runs])
@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_queued_retry_reads_the_task_that_a_callback_names_meanwhile(
    answer: object,
    is_fresh: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The gate was paused; the second attempt is not made."""
    world = World()
    job = given_up(world)
    world.operate.pause()
    world.operate.retry(job, bypass_cache=is_fresh)
    world.passes(MINUTE)
    assert callable(answer)
    answer(world)
    assert called_back(world, job, FIRST).state is State.QUEUED
    world.evolink.complete(FIRST)
    world.operate.resume()
    world.passes(2 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


def test_a_named_task_that_stays_unknown_is_paid_for_again_by_the_retry() -> None:
    """Ten minutes after its first 404."""
    world = World()
    job = given_up(world)
    world.operate.pause()
    world.operate.retry(job)
    world.passes(MINUTE)
    assert called_back(world, job, "task-of-nobody").state is State.QUEUED
    world.operate.resume()
    world.passes(9 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.STORING, [FIRST])
    world.passes(4 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.PROCESSING, [FIRST, SECOND])


def test_a_new_call_that_is_refused_waits_for_the_first_ones_task() -> None:
    """The callback of the first attempt comes while the second is being made."""
    world = World()
    job = given_up(world)

    def meanwhile(_evolink: FakeEvolink, _body: str, _key: str) -> CreateOutcome:
        called_back(world, job, FIRST)
        return refusal(status=429, code="rate_limit", message="later")

    world.evolink.create_faults.append(meanwhile)
    world.operate.retry(job)
    world.deliver_all()
    assert (world.job(job).state, len(world.job(job).attempts)) == (State.STORING, 2)
    world.evolink.complete(FIRST)
    world.passes(10 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


def two_tasks(world: World) -> Job:
    """A job whose repeat made a second task: the provider did not know the key."""
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + 2 * MINUTE)
    assert world.job(job).attempts[0].task_id == SECOND
    return world.job(job)


CODES = ["service_error", "content_policy_violation"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("is_late", [True, False])
def test_the_first_of_two_tasks_brings_the_result_although_the_second_fails(
    code: str,
    is_late: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """No third task is paid for, whenever the first one's callback comes."""
    world = World()
    job = two_tasks(world)
    world.evolink.complete(FIRST)
    if not is_late:
        called_back(world, job, FIRST)
    world.evolink.fail(SECOND, code)
    world.check_task(job, task_id=None)
    if is_late:
        called_back(world, job, FIRST)
    world.passes(10 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("answer", [unknown_once, runs])
def test_the_second_of_two_tasks_fails_before_the_first_can_be_read(
    code: str, answer: object
) -> None:
    """The job then depends on the first one."""
    world = World()
    job = two_tasks(world)
    assert callable(answer)
    answer(world)
    assert called_back(world, job, FIRST).state is State.PROCESSING
    world.evolink.fail(SECOND, code)
    assert world.check_task(job, task_id=None).attempts[0].task_id == FIRST
    world.evolink.complete(FIRST)
    world.passes(2 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


@pytest.mark.parametrize("code", CODES)
def test_a_callback_after_the_second_task_failed_is_kept_although_its_task_runs(code: str) -> None:
    """A retry, of a person or by itself, reads the first task."""
    world = World()
    job = two_tasks(world)
    world.evolink.fail(SECOND, code)
    world.check_task(job, task_id=None)
    called_back(world, job, FIRST)
    world.evolink.complete(FIRST)
    world.passes(5 * MINUTE)
    if world.job(job).state is State.FAILED:
        world.operate.retry(world.job(job))
        world.passes(2 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [FIRST])


@pytest.mark.parametrize("named", ["a failed task", "nobody's task"])
def test_a_callback_that_comes_again_allows_no_further_retry(named: str) -> None:
    """Two tasks of one call failed: they count as one failure, whatever is named later."""
    world = World()
    job = two_tasks(world)
    for task_id in (FIRST, SECOND):
        world.evolink.fail(task_id, "service_error")
        called_back(world, job, task_id)
    called_back(world, job, FIRST if named == "a failed task" else "task-of-nobody")
    while (state := world.job(job).state) is not State.FAILED:
        world.passes(12 * MINUTE)
        if state is State.PROCESSING:
            world.evolink.fail(world.task_of(job), "service_error")
            world.check_task(job)
    assert [one.outcome for one in world.job(job).attempts] == [AttemptOutcome.FAILED] * 4


def test_the_second_task_is_lost_and_the_first_brings_the_result() -> None:
    """The provider does not know the second one any more."""
    world = World()
    job = two_tasks(world)
    called_back(world, job, FIRST)
    world.evolink.tasks["forgotten"] = world.evolink.tasks.pop(SECOND)
    world.evolink.complete(FIRST)
    world.passes(30 * MINUTE)
    assert (world.job(job).state, world.job(job).attempts[0].task_id) == (State.COMPLETED, FIRST)


@pytest.mark.parametrize("bypass_cache", [True, False])
def test_a_retry_reads_the_named_task_also_while_the_other_one_runs(*, bypass_cache: bool) -> None:
    """The second task never ends, and the first could not be read when its callback came."""
    world = World()
    job = two_tasks(world)
    world.evolink.complete(FIRST)
    world.evolink.read_faults.append(ProviderBusyError("the API answers 503", status=503))
    called_back(world, job, FIRST)
    world.passes(TIMING.job_deadline + TIMING.poll_interval, swept_every=5 * MINUTE)
    assert world.job(job).reason is Reason.DEADLINE_PASSED
    world.operate.retry(world.job(job), bypass_cache=bypass_cache)
    world.passes(30 * MINUTE)
    assert (world.job(job).state, world.job(job).attempts[0].task_id) == (State.COMPLETED, FIRST)
    assert paid(world) == [FIRST, SECOND]


def test_two_tasks_that_never_end_do_not_keep_a_further_retry_from_a_new_call() -> None:
    """Each was read once: the retry after that pays."""
    world = World()
    job = two_tasks(world)
    called_back(world, job, FIRST)
    retries = 0
    while len(paid(world)) == 2:
        world.passes(TIMING.job_deadline + 30 * MINUTE, swept_every=5 * MINUTE)
        assert world.job(job).reason is Reason.DEADLINE_PASSED
        world.operate.retry(world.job(job))
        world.passes(MINUTE)
        retries += 1
    assert retries == 2


@pytest.mark.parametrize("end", ["failed", "another's"])
def test_a_second_name_without_a_result_leaves_the_tracked_task_alone(end: str) -> None:
    """It is dropped once a read of it is final."""
    world = World()
    job = two_tasks(world)
    task_id = FIRST
    if end == "failed":
        world.evolink.fail(FIRST, "service_error")
    else:
        task_id = world.task_of(world.arrives("b.jpg"))
        world.evolink.complete(task_id)
    after = called_back(world, job, task_id)
    assert (after.state, after.attempts[0].task_id, after.attempts[0].named_task) == (
        State.PROCESSING,
        SECOND,
        None,
    )


def test_an_attempt_does_not_turn_to_a_task_that_another_call_has_claimed() -> None:
    """A callback named it while the API did not know it; its own task fails after the deadline."""
    world = World()
    job = two_tasks(world)
    anothers = world.task_of(world.arrives("b.jpg"))
    world.evolink.read_faults.append(NOT_KNOWN)
    assert called_back(world, job, anothers).attempts[0].named_task == anothers
    world.passes(TIMING.job_deadline + TIMING.poll_interval, swept_every=5 * MINUTE)
    assert world.job(job).reason is Reason.DEADLINE_PASSED
    world.evolink.fail(SECOND, "content_policy_violation")
    (without,) = called_back(world, job, SECOND).attempts
    (failed,) = called_back(world, job, SECOND).attempts
    assert (without.task_id, without.named_task) == (SECOND, None)
    assert failed.outcome is AttemptOutcome.FAILED


def test_the_answer_of_a_repeat_is_kept_beside_the_task_that_a_callback_has_named() -> None:
    """The first task's callback came while the repeat was made; the first one fails."""
    world = World()
    world.evolink.honours_keys = False

    def meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        (job,) = world.jobs.jobs.values()
        called_back(world, job, FIRST)
        return evolink.take(body, key)

    world.evolink.create_faults += (taken_but_unanswered, meanwhile)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + 2 * MINUTE)
    (attempt,) = world.job(job).attempts
    assert (attempt.task_id, attempt.named_task) == (FIRST, SECOND)
    world.evolink.fail(FIRST, "service_error")
    world.evolink.complete(SECOND)
    world.passes(10 * MINUTE)
    assert (world.job(job).state, paid(world)) == (State.COMPLETED, [SECOND])


def test_the_answer_of_a_repeat_does_not_lose_a_task_that_could_not_be_read() -> None:
    """A callback named the first task while the repeat was made, and the API did not know it."""
    world = World()
    world.evolink.honours_keys = False

    def meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        (job,) = world.jobs.jobs.values()
        world.evolink.read_faults.append(NOT_KNOWN)
        called_back(world, job, FIRST)
        return evolink.take(body, key)

    world.evolink.create_faults += (taken_but_unanswered, meanwhile)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + 2 * MINUTE)
    (attempt,) = world.job(job).attempts
    assert (attempt.task_id, attempt.named_task, attempt.not_found_since) == (SECOND, FIRST, None)


def test_a_replay_proves_that_there_is_no_other_task() -> None:
    """The callback of the first call named a task that is nobody's."""
    world = World()

    def meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        (job,) = world.jobs.jobs.values()
        called_back(world, job, "task-of-nobody")
        return evolink.take(body, key)

    world.evolink.create_faults += (taken_but_unanswered, meanwhile)
    job = world.arrives()
    world.passes(TIMING.unconfirmed_grace + 2 * MINUTE)
    (attempt,) = world.job(job).attempts
    assert (attempt.task_id, attempt.named_task, attempt.is_replayed) == (FIRST, None, True)
    after = called_back(world, job, "task-of-nobody")
    assert after.attempts[0].named_task is None


def test_another_name_waits_in_the_queue_while_a_result_is_stored() -> None:
    """The worker that stores it has the lease, and must not lose its race."""
    hook = Hook()
    world = World(step=hook)
    job = two_tasks(world)
    world.evolink.complete(SECOND)
    request = TaskCheck(job_id=job.id, attempt=1, task_id=FIRST, is_taken=True)
    raised: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(StoreBusyError) as error:
            world.track_task.check(request)
        raised.append(str(error.value))

    hook.once_at("results.put", meanwhile)
    assert world.check_task(job, task_id=None).state is State.COMPLETED
    assert raised


def test_a_failed_attempt_that_was_called_once_takes_no_other_task() -> None:
    """Its own answer proved which task it had."""
    world = World()
    job = world.arrives()
    world.evolink.fail(FIRST, "content_policy_violation")
    failed = world.check_task(job, task_id=None)
    assert called_back(world, job, "task-of-nobody") == failed
    assert failed.attempts[0].outcome is AttemptOutcome.FAILED
