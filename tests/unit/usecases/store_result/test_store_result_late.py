"""Paid results are stored even if they come after the job was given up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.errors import ProviderBusyError, SourceDeniedError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Accepted, CreateOutcome, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from tests.support.fakes.evolink import LOST, PRICE, FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)
TASK = "task-unified-000001"


def given_up_unconfirmed(world: World) -> Job:
    """A job with two lost responses; the first call was accepted."""
    world.evolink.create_faults += (
        taken_but_unanswered,
        answering(OutcomeUnknown(message="ReadTimeout")),
    )
    job = world.arrives()
    world.passes(2 * TIMING.unconfirmed_grace + 3 * MINUTE)
    return world.job(job)


def given_up_at_the_deadline(world: World) -> Job:
    """A job whose task ran past the deadline."""
    job = world.arrives()
    world.passes(TIMING.job_deadline + 10 * MINUTE)
    return world.job(job)


GIVEN_UP = [
    (given_up_unconfirmed, Reason.OUTCOME_UNKNOWN),
    (given_up_at_the_deadline, Reason.DEADLINE_PASSED),
]


@pytest.mark.parametrize(("give_up", "reason"), GIVEN_UP)
def test_a_late_result_of_a_failed_job_is_stored(
    give_up: object,
    reason: Reason,
) -> None:
    """The job fails first and is completed afterwards; both events are sent."""
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    assert (job.state, job.reason) == (State.FAILED, reason)
    world.evolink.complete(TASK)
    done = world.check_task(job, task_id=TASK)
    assert (done.state, done.reason, list(world.results.objects)) == (
        State.COMPLETED,
        None,
        ["a.png"],
    )
    assert [told.state for told in world.announcements.jobs] == [State.FAILED, State.COMPLETED]
    assert (done.expires_at, done.is_announced) == (
        world.clock.now() + TIMING.retention,
        True,
    )
    assert (done.credits, world.jobs.read_gate().in_flight) == (PRICE, 0)


@pytest.mark.parametrize(("give_up", "_reason"), GIVEN_UP)
def test_a_late_result_of_a_replaced_photo_is_not_stored(
    give_up: object,
    _reason: Reason,
) -> None:
    """The job is superseded, and its charge stays recorded."""
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    world.registered(world.uploads.add("a.jpg", png(salt=2)))
    world.evolink.complete(TASK)
    late = world.check_task(job, task_id=TASK)
    assert (late.state, late.reason, late.credits) == (
        State.SUPERSEDED,
        Reason.NEWER_UPLOAD,
        PRICE,
    )
    assert world.results.objects == {}


@pytest.mark.parametrize(
    ("give_up", "reason", "credits_"),
    [
        (given_up_unconfirmed, Reason.OUTCOME_UNKNOWN, PRICE),
        (given_up_at_the_deadline, Reason.DEADLINE_PASSED, Decimal(0)),
    ],
)
def test_a_late_failure_of_a_failed_job_only_settles_its_cost(
    give_up: object,
    reason: Reason,
    credits_: Decimal,
) -> None:
    """No further attempt, no second event.

    The reserved credits are returned only if the call itself named the task.
    """
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    world.evolink.fail(TASK, "service_error")
    late = world.check_task(job, task_id=TASK)
    assert (late.state, late.reason, late.credits) == (State.FAILED, reason, credits_)
    assert len(world.announcements.jobs) == 1


def test_a_late_callback_of_a_task_still_running_changes_nothing() -> None:
    """A failed job is not tracked again until there is a result."""
    world = World()
    job = given_up_at_the_deadline(world)
    assert world.check_task(job, task_id=TASK) == job


def test_a_late_result_is_not_lost_while_the_api_is_busy() -> None:
    """Failed jobs are not polled: the queue must redeliver the callback."""
    world = World()
    job = given_up_at_the_deadline(world)
    world.evolink.complete(TASK)
    world.evolink.read_faults.append(ProviderBusyError("the API answers 503", status=503))
    with pytest.raises(ProviderBusyError):
        world.check_task(job, task_id=TASK)
    assert world.check_task(job, task_id=TASK).state is State.COMPLETED


def retried_by_an_operator(world: World) -> Job:
    """A failed job retried without the cache while its first task still runs: two tasks run."""
    job = given_up_at_the_deadline(world)
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    return world.job(job)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_attempts_that_both_succeed_give_one_result_and_two_charges(
    order: tuple[int, int],
) -> None:
    """The one that ends first is stored; the other is recorded with its cost."""
    world = World()
    job = retried_by_an_operator(world)
    assert (job.state, len(world.evolink.charges)) == (State.PROCESSING, 2)
    for number in order:
        world.evolink.complete(f"task-unified-{number:06d}")
        world.check_task(job, attempt=number)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.results.puts)) == (
        State.COMPLETED,
        order[0],
        1,
    )
    assert [(a.outcome, a.credits_used) for a in done.attempts] == [
        (AttemptOutcome.SUCCEEDED, PRICE),
        (AttemptOutcome.SUCCEEDED, PRICE),
    ]
    assert done.credits == 2 * PRICE
    stored = world.results.objects["a.png"].labels.metadata
    assert stored["cutout-task"] == f"task-unified-{order[0]:06d}"
    assert [told.state for told in world.announcements.jobs] == [State.FAILED, State.COMPLETED]


def test_an_older_attempt_that_fails_does_not_fail_the_job() -> None:
    """The newest attempt decides; the end of the older one is recorded."""
    world = World()
    job = retried_by_an_operator(world)
    world.evolink.fail(TASK, "content_policy_violation")
    after = world.check_task(job, attempt=1)
    assert (after.state, after.attempts[0].outcome) == (State.PROCESSING, AttemptOutcome.FAILED)
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED


def test_an_older_attempt_whose_task_expired_does_not_fail_the_job() -> None:
    """Dead letters redriven days later ask for a task that the provider has dropped."""
    world = World()
    job = retried_by_an_operator(world)
    del world.evolink.tasks[TASK]
    assert world.check_task(job, attempt=1) == job
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED


def test_a_result_for_a_job_that_waits_for_its_next_attempt_is_stored() -> None:
    """The operator's retry is not needed any more."""
    world = World()
    job = given_up_at_the_deadline(world)
    again = world.operate.retry(job, bypass_cache=True)
    world.evolink.complete(TASK)
    assert world.check_task(job, attempt=1).state is State.COMPLETED
    assert world.advance(again).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


def test_a_late_failure_does_not_undo_an_operators_retry() -> None:
    """The end of the first attempt is recorded; the job keeps waiting for the second."""
    world = World()
    job = given_up_at_the_deadline(world)
    world.operate.pause()
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    world.evolink.fail(TASK, "content_policy_violation")
    after = world.check_task(job, attempt=1)
    assert (after.state, after.attempts[0].outcome) == (State.QUEUED, AttemptOutcome.FAILED)
    world.operate.resume()
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize("is_answered", [True, False])
def test_an_older_running_task_is_not_taken_for_that_of_the_newest_call(
    is_answered: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The second call is being made when the first one's callback comes, whose task still runs.

    If the job tracked that task, the paid second task would never be read.
    """
    world = World()
    job = given_up_unconfirmed(world)

    def called_back_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        world.check_task(job, attempt=1, task_id=TASK)
        answer = evolink.take(body, key)
        return answer if is_answered else OutcomeUnknown(message="ReadTimeout")

    world.evolink.create_faults.append(called_back_meanwhile)
    world.operate.retry(job)
    world.deliver_all()
    assert world.job(job).state is (State.PROCESSING if is_answered else State.UNCONFIRMED)
    world.evolink.complete("task-unified-000002")
    world.passes(2 * TIMING.unconfirmed_grace)
    assert (world.job(job).state, world.jobs.read_gate().in_flight) == (State.COMPLETED, 0)


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (Accepted(task_id=TASK, credits_reserved=PRICE), AttemptOutcome.ACCEPTED),
        (OutcomeUnknown(message="ReadTimeout"), AttemptOutcome.UNKNOWN),
    ],
)
def test_a_slow_response_to_a_failed_call_does_not_affect_the_next_call(
    answer: CreateOutcome, first: AttemptOutcome
) -> None:
    """The first task failed at once; its response comes while the call of a retry is made."""
    hook = Hook()
    world = World(step=hook)
    hook.crash_at(
        "evolink.create done"
    )  # hook.crash_at("evolink.create done")  # the response comes below
    with suppress(WorkerCrashedError):
        world.arrives()
    [slow] = world.jobs.jobs.values()
    world.evolink.fail(TASK, "service_error")
    world.check_task(slow, task_id=TASK)
    world.passes(timedelta(minutes=3))
    assert world.job(slow).reason is Reason.TASK_FAILED

    def answered_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        before = world.job(slow)
        after = world.submit.call_outcomes.record(slow, 1, answer)
        assert (after.state, after.attempts[1:]) == (before.state, before.attempts[1:])
        return evolink.take(body, key)

    world.evolink.create_faults.append(answered_meanwhile)
    world.operate.retry(world.job(slow))
    world.deliver_all()
    job = world.job(slow)
    assert (job.state, [a.outcome for a in job.attempts], job.attempts[1].task_id) == (
        State.PROCESSING,
        [first, AttemptOutcome.ACCEPTED],
        "task-unified-000002",
    )


def test_the_late_result_of_an_older_attempt_is_polled() -> None:
    """The result of the older call is being fetched while the newer task runs."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults += [taken_but_unanswered, taken_but_unanswered]
    job = world.arrives()
    world.passes(3 * TIMING.unconfirmed_grace)
    assert world.job(job).reason is Reason.OUTCOME_UNKNOWN
    world.operate.retry(world.job(job))
    world.deliver_all()
    own = world.evolink.charges[0].task_id
    world.evolink.complete(own)
    world.downloads.faults.append(LOST)
    world.check_task(job, attempt=1, task_id=own)
    assert world.job(job).storing_attempt == 1
    world.passes(timedelta(minutes=30))
    assert world.job(job).state is State.COMPLETED


def being_fetched_while_the_newer_task_runs(world: World) -> Job:
    """A job that fetches the late result of an older attempt, which fails at first."""
    job = retried_by_an_operator(world)
    world.evolink.complete(TASK)
    world.downloads.faults.append(LOST)
    storing = world.check_task(job, attempt=1)
    assert (storing.state, storing.storing_attempt) == (State.STORING, 1)
    return storing


def test_an_older_task_that_fails_after_all_ends_the_job_that_tracks_it() -> None:
    """The provider reported it completed before. The job would not be checked again."""
    world = World()
    job = being_fetched_while_the_newer_task_runs(world)
    world.evolink.fail(TASK, "service_error")
    world.passes(MINUTE)
    after = world.job(job)
    assert (after.state, after.reason, after.due_at) == (State.FAILED, Reason.TASK_FAILED, None)
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED


def test_a_newer_task_that_fails_does_not_end_a_job_that_fetches_an_older_result() -> None:
    """The end of the newer attempt is recorded, and the older result is stored."""
    world = World()
    job = being_fetched_while_the_newer_task_runs(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.clock.advance_to(job.due_at or world.clock.now())
    after = world.check_task(job, attempt=2)
    assert (after.state, after.attempts[1].outcome) == (State.STORING, AttemptOutcome.FAILED)
    world.passes(MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_late_result_of_a_job_rejected_in_a_retry_is_stored() -> None:
    """The first call was accepted; at the second, S3 denies the photo."""
    world = World()
    job = given_up_unconfirmed(world)
    world.uploads.errors["a.jpg"] = SourceDeniedError("AccessDenied")
    world.operate.retry(job, transport=Transport.FILES)
    world.passes(TIMING.job_deadline + timedelta(hours=2))
    assert world.job(job).state is State.REJECTED
    world.evolink.complete(TASK)
    done = world.check_task(job, attempt=1, task_id=TASK)
    assert (done.state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_a_response_after_the_job_moved_on_still_records_the_paid_task() -> None:
    """The older result comes while the second call is made, and is lost in the end.

    The callback of the second call is lost, too. A retry reads its task, and makes no third call.
    """
    world = World()
    job = given_up_at_the_deadline(world)

    def the_older_is_done_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.complete(TASK)
        world.check_task(job, attempt=1)
        return evolink.take(body, key)

    world.evolink.create_faults.append(the_older_is_done_meanwhile)
    world.downloads.rule = lambda: LOST
    world.operate.retry(job, bypass_cache=True)
    world.deliver_all()
    second = world.job(job).attempts[1]
    assert (second.outcome, second.task_id) == (AttemptOutcome.ACCEPTED, "task-unified-000002")
    world.passes(TIMING.job_deadline + timedelta(hours=1))
    assert world.job(job).reason is Reason.RESULT_LOST
    world.downloads.rule = lambda: None
    world.evolink.complete("task-unified-000002")
    world.operate.retry(world.job(job))
    world.passes(MINUTE)
    done = world.job(job)
    assert (done.state, done.storing_attempt, len(world.evolink.charges)) == (State.COMPLETED, 2, 2)


def test_a_late_response_that_names_the_task_of_another_call_is_not_recorded() -> None:
    """A task belongs to one call."""
    world = World()
    other = world.arrives("b.jpg", png(salt=2))
    job = given_up_unconfirmed(world)
    late = Accepted(task_id=world.task_of(other), credits_reserved=PRICE)
    assert world.submit.call_outcomes.record(job, 1, late) == job
    assert world.telemetry.counts[Metric.TASK_TAKEN] == 1


def test_the_late_result_of_a_job_whose_cached_result_failed_is_its_own() -> None:
    """The cut-out names the task that made it, and the job counts as paid for, not as reused."""
    world = World(reuse=True)
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    reused = Reuse(
        job_id="other", key="kept/a.png", sha256="ab", task_id="other", credits_saved=PRICE
    )
    world.jobs.jobs[job.id] = replace(
        world.job(job), state=State.FAILED, reason=Reason.STEP_FAILED, reused=reused
    )
    world.evolink.complete(TASK)
    late = world.check_task(job, task_id=TASK)
    assert (late.state, late.reused) == (State.COMPLETED, None)
    assert world.results.objects["a.png"].labels.metadata["cutout-task"] == TASK
