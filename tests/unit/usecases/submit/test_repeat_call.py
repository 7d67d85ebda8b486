"""A call with unknown outcome is not repeated at once but resolved by its callback.

Without a callback within the grace time, the same body is sent once more with the same key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.polling_and_timing import PHOTO_LINK_LIFE
from cutout.domain.provider_outcomes import CreateOutcome, NotSent, OutcomeUnknown, Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, FakeEvolink, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook, WorkerCrashedError

MINUTE = timedelta(minutes=1)
GRACE = TIMING.unconfirmed_grace
NEVER_TAKEN = answering(OutcomeUnknown(message="ReadTimeout"))
CONFLICT = refusal(status=409, code="paid_outcome_unknown", message="not decided")


def job_with_outcomes(*answers: object) -> tuple[World, Job]:
    """A job whose first calls end like this; later calls are accepted."""
    world = World()
    world.evolink.create_faults.extend(answers)  # type: ignore[arg-type]
    return world, world.arrives()


def doubles(world: World) -> float:
    """The number of possible double charges counted."""
    return world.telemetry.counts.get(Metric.POSSIBLE_DOUBLE_CHARGE, 0)


@pytest.mark.parametrize(
    "answer",
    [taken_but_unanswered, NEVER_TAKEN, answering(CONFLICT)],
    ids=["taken", "not taken", "not decided"],
)
def test_a_call_with_unknown_outcome_waits_for_its_callback_and_is_not_repeated(
    answer: object,
) -> None:
    """Time-out, reset, 5xx, unreadable or 409: one POST until the grace time is over."""
    world, job = job_with_outcomes(answer)
    assert (job.state, job.reason) == (State.UNCONFIRMED, Reason.OUTCOME_UNKNOWN)
    assert job.due_at == START + GRACE
    attempt = job.attempt
    assert attempt is not None
    assert (attempt.outcome, attempt.posts) == (AttemptOutcome.UNKNOWN, 1)
    body = world.jobs.find_body(job.id, attempt.body_name or "")
    assert body == world.evolink.posts[0][1]
    world.passes(GRACE - MINUTE)
    assert (world.job(job), len(world.evolink.posts)) == (job, 1)
    assert world.telemetry.counts[Metric.OUTCOME_UNKNOWN] == 1


def test_a_call_with_unknown_outcome_keeps_its_slot_and_its_credits() -> None:
    """Its task may be running and may have been charged."""
    world, job = job_with_outcomes(NEVER_TAKEN)
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), job.credits) == (1, PRICE, PRICE)


def test_the_callback_resolves_the_call_with_one_post_and_one_charge() -> None:
    """The token names the attempt; the task id is accepted because the API knows it."""
    world, job = job_with_outcomes(taken_but_unanswered)
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    done = world.check_task(job, task_id=task_id)
    assert (done.state, done.credits) == (State.COMPLETED, PRICE)
    assert [(a.task_id, a.outcome) for a in done.attempts] == [(task_id, AttemptOutcome.SUCCEEDED)]
    world.passes(GRACE)
    assert (len(world.evolink.posts), len(world.evolink.charges), doubles(world)) == (1, 1, 0)


def test_after_the_grace_time_the_same_body_is_sent_once_with_the_same_key() -> None:
    """Every byte is the same, so that the provider can recognise the repeat."""
    world, job = job_with_outcomes(NEVER_TAKEN)
    world.passes(GRACE + MINUTE)
    first, again = world.evolink.posts
    assert first == again
    assert world.job(job).state is State.PROCESSING
    assert [(a.number, a.posts) for a in world.job(job).attempts] == [(1, 2)]
    world.passes(GRACE)
    assert len(world.evolink.posts) == 2


def test_a_replay_is_no_double_charge() -> None:
    """`idempotency-replayed`: the provider returned the task of the first call."""
    world, job = job_with_outcomes(taken_but_unanswered)
    world.passes(GRACE + MINUTE)
    attempt = world.job(job).attempt
    assert attempt is not None
    assert (attempt.posts, attempt.is_replayed) == (2, True)
    assert (len(world.evolink.charges), doubles(world)) == (1, 0)
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def test_a_repeat_that_is_no_replay_is_counted_as_a_possible_double_charge() -> None:
    """In the job, as a metric, and in the day's credits."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(GRACE + MINUTE)
    attempt = world.job(job).attempt
    assert attempt is not None
    assert (attempt.is_possible_double_charge, doubles(world)) == (True, 1)
    assert (len(world.evolink.charges), world.jobs.read_gate().spent_on(START.date())) == (
        2,
        2 * PRICE,
    )


@pytest.mark.parametrize("second", [NEVER_TAKEN, taken_but_unanswered], ids=["not taken", "taken"])
def test_after_a_second_unknown_outcome_the_job_fails(second: object) -> None:
    """No third POST: the link to the photo would expire before another grace time ends."""
    world, job = job_with_outcomes(NEVER_TAKEN, second)
    world.passes(2 * GRACE + 3 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    assert (failed.credits, doubles(world)) == (PRICE, 1)
    assert [told.state for told in world.announcements.jobs] == [State.FAILED]
    assert world.jobs.read_gate().in_flight == 0
    world.passes(TIMING.job_deadline)
    assert len(world.evolink.posts) == 2


def test_a_crash_during_the_call_leaves_an_unknown_outcome() -> None:
    """Whether it was made is unknown; the lease expires, and no call is made at once."""
    hook = Hook()
    world = World(step=hook)
    hook.crash_at("evolink.create")
    with pytest.raises(WorkerCrashedError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    world.clock.advance(TIMING.lease - timedelta(seconds=1))
    assert world.advance(job) == job
    world.clock.advance(timedelta(seconds=1))
    lost = world.advance(job)
    assert (lost.state, lost.reason) == (State.UNCONFIRMED, Reason.OUTCOME_UNKNOWN)
    assert world.evolink.posts == []


def test_a_repeat_that_was_not_sent_does_not_count() -> None:
    """It is made again one poll interval later, and is not counted as a double charge."""
    world, job = job_with_outcomes(taken_but_unanswered, answering(NotSent(message="ConnectError")))
    world.passes(GRACE + MINUTE)
    attempt = world.job(job).attempt
    assert attempt is not None
    assert (world.job(job).state, attempt.posts) == (State.UNCONFIRMED, 1)
    world.passes(TIMING.poll_interval)
    assert world.job(job).state is State.PROCESSING
    assert (len(world.evolink.charges), doubles(world)) == (1, 0)


def network_is_away(world: World) -> None:
    """Repeats cannot be sent."""
    world.evolink.create_rule = answering(NotSent(message="ConnectError"))
    world.passes(PHOTO_LINK_LIFE + MINUTE)
    world.evolink.create_rule = None
    world.passes(2 * GRACE)


def not_decided(world: World) -> None:
    """The provider keeps answering that it is processing the first call with this key."""
    world.evolink.create_rule = answering(CONFLICT)
    world.passes(PHOTO_LINK_LIFE + MINUTE)
    world.evolink.create_rule = None
    world.passes(2 * GRACE)


def queue_is_long(world: World) -> None:
    """The message for the repeat waits an hour behind those of a bulk upload."""
    world.clock.advance(GRACE)
    world.sweep.sweep()
    world.clock.advance(timedelta(hours=1))
    world.deliver_all()


@pytest.mark.parametrize("delayed", [network_is_away, not_decided, queue_is_long])
def test_no_call_is_made_with_an_expired_link(delayed: Callable[[World], None]) -> None:
    """The provider could not read the photo but may charge: the job ends, its callback may come."""
    world, job = job_with_outcomes(taken_but_unanswered)
    world.evolink.honours_keys = False
    delayed(world)
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    assert [charge.at for charge in world.evolink.charges] == [START]
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    assert world.check_task(job, attempt=1, task_id=task_id).state is State.COMPLETED


def test_calls_that_name_a_copy_are_repeated_until_the_deadline() -> None:
    """A copy at the Files API is kept longer than that; the job ends all the same."""
    world = World(transport=Transport.FILES)
    world.evolink.create_faults.append(NEVER_TAKEN)
    job = world.arrives()
    world.evolink.create_rule = answering(NotSent(message="ConnectError"))
    world.passes(TIMING.job_deadline - MINUTE)
    assert world.job(job).state is State.UNCONFIRMED
    world.passes(2 * TIMING.poll_interval)
    assert (world.job(job).state, world.job(job).reason) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
    )


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (refusal(status=402, code="insufficient_quota", message="no"), PauseReason.OUT_OF_CREDITS),
        (refusal(status=401, code="unauthorized", message="no"), PauseReason.KEY_REFUSED),
        (refusal(status=429, code="rate_limit_exceeded", message="no"), PauseReason.RATE_LIMITED),
    ],
)
def test_a_repeat_refused_for_the_account_pauses_the_gate_and_is_made_again(
    refused: Refused,
    reason: PauseReason,
) -> None:
    """It was certainly not accepted, so it does not count; the first call may have been."""
    world, job = job_with_outcomes(taken_but_unanswered, answering(refused))
    world.passes(GRACE + MINUTE)
    attempt = world.job(job).attempt
    assert attempt is not None
    assert (world.job(job).state, attempt.posts) == (State.UNCONFIRMED, 1)
    pause = world.jobs.read_gate().pause
    assert isinstance(pause, Pause)
    assert pause.reason is reason
    assert world.telemetry.counts[Metric.GATE_PAUSED] == 1
    if pause.until is None:
        world.operate.resume()
    world.passes(GRACE + MINUTE)
    assert world.job(job).state is State.PROCESSING
    assert (len(world.evolink.charges), doubles(world)) == (1, 0)


@pytest.mark.parametrize("code", ["invalid_request", "invalid_media_url"])
def test_a_refused_repeat_says_nothing_about_the_first_call(code: str) -> None:
    """The job fails with the API's message and without a new attempt; the first may yet succeed."""
    refused = refusal(status=400, code=code, message="the link is dead")
    world, job = job_with_outcomes(taken_but_unanswered, answering(refused))
    world.passes(GRACE + MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason, failed.code, failed.message) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        code,
        "the link is dead",
    )
    assert (failed.credits, doubles(world)) == (PRICE, 0)
    (attempt,) = failed.attempts
    assert (attempt.posts, attempt.outcome) == (1, AttemptOutcome.UNKNOWN)
    assert (attempt.code, attempt.message) == (code, "the link is dead")
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    done = world.check_task(job, task_id=task_id)
    assert (done.state, len(world.evolink.posts)) == (State.COMPLETED, 2)


def test_a_repeat_that_is_not_decided_yet_is_repeated() -> None:
    """409: the provider is still processing the first call; nothing new was accepted."""
    world, job = job_with_outcomes(taken_but_unanswered, answering(CONFLICT))
    world.passes(2 * GRACE + 3 * MINUTE)
    attempt = world.job(job).attempt
    assert attempt is not None
    assert (world.job(job).state, attempt.is_replayed) == (State.PROCESSING, True)
    assert (len(world.evolink.charges), doubles(world)) == (1, 0)


def test_a_callback_during_the_repeat_settles_the_job() -> None:
    """The response to the repeat finds the job completed and changes nothing."""
    world, job = job_with_outcomes(taken_but_unanswered)
    task_id = world.task_of(job)

    def called_back(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.complete(task_id)
        world.check_task(job, task_id=task_id)
        return evolink.take(body, key)

    world.evolink.create_faults.append(called_back)
    world.passes(GRACE + MINUTE)
    assert world.job(job).state is State.COMPLETED
    assert world.job(job).credits == Decimal("5.4")
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize(("honours_keys", "counted"), [(False, 1), (True, 0)])
def test_a_repeat_overtaken_by_a_callback_is_still_counted(
    *,
    honours_keys: bool,
    counted: int,
) -> None:
    """The first call's callback settles the job while its repeat is being made."""
    world, job = job_with_outcomes(taken_but_unanswered)
    world.evolink.honours_keys = honours_keys
    first = world.task_of(job)

    def overtaken(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        outcome = evolink.take(body, key)
        evolink.complete(first)
        assert world.check_task(job, task_id=first).state is State.COMPLETED
        return outcome

    world.evolink.create_faults.append(overtaken)
    world.passes(GRACE + MINUTE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 2)
    assert doubles(world) == counted
