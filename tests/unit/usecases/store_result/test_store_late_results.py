"""Work that was paid for is kept, also when it comes after we gave up."""

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
from tests.support.hooks import Hook, WorkerDiedError

MINUTE = timedelta(minutes=1)
TASK = "task-unified-000001"


def given_up_unconfirmed(world: World) -> Job:
    """Both POSTs' answers were lost; the first had been taken."""
    world.evolink.create_faults += (
        taken_but_unanswered,
        answering(OutcomeUnknown(message="ReadTimeout")),
    )
    job = world.arrives()
    world.passes(2 * TIMING.unconfirmed_grace + 3 * MINUTE)
    return world.job(job)


def given_up_at_the_deadline(world: World) -> Job:
    """Its task ran for longer than we wait."""
    job = world.arrives()
    world.passes(TIMING.job_deadline + 10 * MINUTE)
    return world.job(job)


GIVEN_UP = [
    (given_up_unconfirmed, Reason.OUTCOME_UNKNOWN),
    (given_up_at_the_deadline, Reason.DEADLINE_PASSED),
]


@pytest.mark.parametrize(("give_up", "reason"), GIVEN_UP)
def test_a_late_result_of_a_photo_that_was_given_up_is_kept(
    give_up: object,
    reason: Reason,
) -> None:
    """Failed first, completed after all; both ends are told."""
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    assert (job.state, job.reason) == (State.FAILED, reason)
    world.evolink.complete(TASK)
    done = world.wake(job, task_id=TASK)
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
def test_a_late_result_of_a_photo_that_is_no_longer_the_newest_is_not_stored(
    give_up: object,
    _reason: Reason,
) -> None:
    """It is superseded, and its charge stays on record."""
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    world.registered(world.uploads.add("a.jpg", png(salt=2)))
    world.evolink.complete(TASK)
    late = world.wake(job, task_id=TASK)
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
def test_a_late_failure_of_a_photo_that_was_given_up_only_settles_what_it_cost(
    give_up: object,
    reason: Reason,
    credits_: Decimal,
) -> None:
    """No further attempt, no second announcement.

    The reservation is known to be returned if the call itself named the task.
    """
    world = World()
    job: Job = give_up(world)  # type: ignore[operator]
    world.evolink.fail(TASK, "service_error")
    late = world.wake(job, task_id=TASK)
    assert (late.state, late.reason, late.credits) == (State.FAILED, reason, credits_)
    assert len(world.announcements.jobs) == 1


def test_a_late_callback_that_finds_the_task_running_still_changes_nothing() -> None:
    """A job that was given up is not followed again until there is a result."""
    world = World()
    job = given_up_at_the_deadline(world)
    assert world.wake(job, task_id=TASK) == job


def test_a_late_result_is_not_lost_while_the_api_is_busy() -> None:
    """Nobody polls for a job that was given up: the queue must deliver the callback again."""
    world = World()
    job = given_up_at_the_deadline(world)
    world.evolink.complete(TASK)
    world.evolink.read_faults.append(ProviderBusyError("the API answers 503", status=503))
    with pytest.raises(ProviderBusyError):
        world.wake(job, task_id=TASK)
    assert world.wake(job, task_id=TASK).state is State.COMPLETED


def tried_again_by_a_person(world: World) -> Job:
    """Given up with its first task still running, and bought again: a second task runs too."""
    job = given_up_at_the_deadline(world)
    world.operate.retry(job, bypass_cache=True)
    world.settles()
    return world.job(job)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_attempts_that_both_succeed_are_one_result_and_two_charges(
    order: tuple[int, int],
) -> None:
    """Whichever ends first is stored; the other is noted with what it cost."""
    world = World()
    job = tried_again_by_a_person(world)
    assert (job.state, len(world.evolink.charges)) == (State.PROCESSING, 2)
    for number in order:
        world.evolink.complete(f"task-unified-{number:06d}")
        world.wake(job, attempt=number)
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
    """The newest attempt decides; the older one's end is noted."""
    world = World()
    job = tried_again_by_a_person(world)
    world.evolink.fail(TASK, "content_policy_violation")
    after = world.wake(job, attempt=1)
    assert (after.state, after.attempts[0].outcome) == (State.PROCESSING, AttemptOutcome.FAILED)
    world.evolink.complete(world.task_of(job))
    assert world.wake(job).state is State.COMPLETED


def test_an_older_attempt_whose_record_expired_does_not_fail_the_job() -> None:
    """Dead letters that are sent again days later ask for a task that nobody knows any more."""
    world = World()
    job = tried_again_by_a_person(world)
    del world.evolink.tasks[TASK]
    assert world.wake(job, attempt=1) == job
    world.evolink.complete(world.task_of(job))
    assert world.wake(job).state is State.COMPLETED


def test_a_result_for_a_job_that_waits_for_its_next_attempt_is_taken() -> None:
    """A person's retry is not needed any more: the first attempt came through."""
    world = World()
    job = given_up_at_the_deadline(world)
    again = world.operate.retry(job, bypass_cache=True)
    world.evolink.complete(TASK)
    assert world.wake(job, attempt=1).state is State.COMPLETED
    assert world.advance(again).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


def test_a_late_failure_does_not_undo_a_persons_retry() -> None:
    """The first attempt's end is noted; the photo waits on for the second."""
    world = World()
    job = given_up_at_the_deadline(world)
    world.operate.pause()
    world.operate.retry(job, bypass_cache=True)
    world.settles()
    world.evolink.fail(TASK, "content_policy_violation")
    after = world.wake(job, attempt=1)
    assert (after.state, after.attempts[0].outcome) == (State.QUEUED, AttemptOutcome.FAILED)
    world.operate.resume()
    world.settles()
    assert world.job(job).state is State.PROCESSING


@pytest.mark.parametrize("is_answered", [True, False])
def test_an_older_task_that_runs_is_not_mistaken_for_the_newest_calls(
    is_answered: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The second call is under way when the first one's callback comes, and its task still runs.

    Were the job to follow that task, nobody would ever ask for the second, which is paid for.
    """
    world = World()
    job = given_up_unconfirmed(world)

    def called_back_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        world.wake(job, attempt=1, task_id=TASK)
        answer = evolink.take(body, key)
        return answer if is_answered else OutcomeUnknown(message="ReadTimeout")

    world.evolink.create_faults.append(called_back_meanwhile)
    world.operate.retry(job)
    world.settles()
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
def test_a_slow_answer_to_a_call_that_has_failed_says_nothing_of_the_next_call(
    answer: CreateOutcome, first: AttemptOutcome
) -> None:
    """The first task failed at once; its call is answered while the one of a retry is made."""
    hook = Hook()
    world = World(step=hook)
    hook.die_at("evolink.create done")  # It only takes its time: what it brings comes below.
    with suppress(WorkerDiedError):
        world.arrives()
    [slow] = world.jobs.jobs.values()
    world.evolink.fail(TASK, "service_error")
    world.wake(slow, task_id=TASK)
    world.passes(timedelta(minutes=3))
    assert world.job(slow).reason is Reason.TASK_FAILED

    def answered_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        before = world.job(slow)
        after = world.submit.call_outcomes.record(slow, 1, answer)
        assert (after.state, after.attempts[1:]) == (before.state, before.attempts[1:])
        return evolink.take(body, key)

    world.evolink.create_faults.append(answered_meanwhile)
    world.operate.retry(world.job(slow))
    world.settles()
    job = world.job(slow)
    assert (job.state, [a.outcome for a in job.attempts], job.attempts[1].task_id) == (
        State.PROCESSING,
        [first, AttemptOutcome.ACCEPTED],
        "task-unified-000002",
    )


def test_a_late_result_is_polled_by_the_attempt_that_it_is_of() -> None:
    """The older call's result is on its way home while the newer one's task runs."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults += [taken_but_unanswered, taken_but_unanswered]
    job = world.arrives()
    world.passes(3 * TIMING.unconfirmed_grace)
    assert world.job(job).reason is Reason.OUTCOME_UNKNOWN
    world.operate.retry(world.job(job))
    world.settles()
    own = world.evolink.charges[0].task_id
    world.evolink.complete(own)
    world.downloads.faults.append(LOST)
    world.wake(job, attempt=1, task_id=own)
    assert world.job(job).storing_attempt == 1
    world.passes(timedelta(minutes=30))
    assert world.job(job).state is State.COMPLETED


def being_fetched_while_the_newer_task_runs(world: World) -> Job:
    """The older attempt's result is done after all, and cannot be fetched at first."""
    job = tried_again_by_a_person(world)
    world.evolink.complete(TASK)
    world.downloads.faults.append(LOST)
    storing = world.wake(job, attempt=1)
    assert (storing.state, storing.storing_attempt) == (State.STORING, 1)
    return storing


def test_an_older_task_that_fails_after_all_ends_the_job_that_follows_it() -> None:
    """It was completed once; then the provider says that it failed. Nobody would ask again."""
    world = World()
    job = being_fetched_while_the_newer_task_runs(world)
    world.evolink.fail(TASK, "service_error")
    world.passes(MINUTE)
    after = world.job(job)
    assert (after.state, after.reason, after.due_at) == (State.FAILED, Reason.TASK_FAILED, None)
    world.evolink.complete(world.task_of(job))
    assert world.wake(job).state is State.COMPLETED


def test_a_newer_task_that_fails_does_not_fail_a_job_that_fetches_an_older_result() -> None:
    """The newer attempt's end is noted; the older one's result comes home."""
    world = World()
    job = being_fetched_while_the_newer_task_runs(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.clock.advance_to(job.due_at or world.clock.now())
    after = world.wake(job, attempt=2)
    assert (after.state, after.attempts[1].outcome) == (State.STORING, AttemptOutcome.FAILED)
    world.passes(MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_late_result_of_a_photo_that_a_retry_got_rejected_is_kept() -> None:
    """The first call was taken; by the time of the second, S3 denies the photo."""
    world = World()
    job = given_up_unconfirmed(world)
    world.uploads.errors["a.jpg"] = SourceDeniedError("AccessDenied")
    world.operate.retry(job, transport=Transport.FILES)
    world.passes(TIMING.job_deadline + timedelta(hours=2))
    assert world.job(job).state is State.REJECTED
    world.evolink.complete(TASK)
    done = world.wake(job, attempt=1, task_id=TASK)
    assert (done.state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_an_answer_that_comes_after_the_job_moved_on_still_names_what_was_paid_for() -> None:
    """The older result arrives while the second call is made, and is lost in the end.

    The second call's callback is lost, too. A retry asks for its task, and pays no third.
    """
    world = World()
    job = given_up_at_the_deadline(world)

    def the_older_is_done_meanwhile(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.complete(TASK)
        world.wake(job, attempt=1)
        return evolink.take(body, key)

    world.evolink.create_faults.append(the_older_is_done_meanwhile)
    world.downloads.rule = lambda: LOST
    world.operate.retry(job, bypass_cache=True)
    world.settles()
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


def test_an_answer_that_comes_too_late_and_names_another_calls_task_is_not_noted() -> None:
    """One task makes one call's picture, whenever it is named."""
    world = World()
    other = world.arrives("b.jpg", png(salt=2))
    job = given_up_unconfirmed(world)
    late = Accepted(task_id=world.task_of(other), credits_reserved=PRICE)
    assert world.submit.call_outcomes.record(job, 1, late) == job
    assert world.telemetry.counts[Metric.TASK_TAKEN] == 1


def test_a_late_result_of_a_job_whose_cached_result_failed_is_its_own() -> None:
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
    late = world.wake(job, task_id=TASK)
    assert (late.state, late.reused) == (State.COMPLETED, None)
    assert world.results.objects["a.png"].labels.metadata["cutout-task"] == TASK
