"""Responses that pause the gate: no credits, a refused API key, too many requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.shared.change_gate import change_gate
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import answering
from tests.support.fakes.world import KEY_SALT, TIMING, World

MINUTE = timedelta(minutes=1)
NO_CREDITS = refusal(status=402, code="insufficient_quota", message="top up")
BAD_KEY = refusal(status=401, code="unauthorized", message="expired")
NO_ACCESS = refusal(status=403, code="model_access_denied", message="no access")
TOO_MANY = refusal(status=429, code="rate_limit_exceeded", message="slow down")
PROBE_AFTER = timedelta(minutes=15)


def refusing_world(refused: Refused) -> World:
    """A world whose provider refuses every call like this."""
    world = World()
    world.evolink.create_rule = answering(refused)
    return world


def pause_of(world: World) -> Pause | None:
    """The current pause."""
    return world.jobs.read_gate().pause


def waits(job: Job) -> tuple[State, Reason | None, bool, object]:
    """How a job waits at the gate."""
    return job.state, job.reason, job.is_waiting, job.due_at


WAITING_FOR_PAUSE = (State.QUEUED, Reason.GATE_PAUSED, True, None)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (NO_CREDITS, PauseReason.OUT_OF_CREDITS),
        (BAD_KEY, PauseReason.KEY_REFUSED),
        (NO_ACCESS, PauseReason.KEY_REFUSED),
        (TOO_MANY, PauseReason.RATE_LIMITED),
    ],
)
def test_the_job_waits_at_the_gate_again(
    refused: Refused,
    reason: PauseReason,
) -> None:
    """Nothing is lost or charged: slot and credits are returned, and the gate is paused."""
    world = refusing_world(refused)
    job = world.arrives()
    assert waits(job) == WAITING_FOR_PAUSE
    assert (job.code, job.message) == (refused.code, refused.message)
    assert [(a.outcome, a.body_name, a.code) for a in job.attempts] == [
        (AttemptOutcome.REFUSED, None, refused.code),
    ]
    assert job.credits == Decimal(0)
    pause = pause_of(world)
    assert pause is not None
    assert (pause.reason, pause.since) == (reason, START)
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date())) == (0, Decimal(0))
    assert world.telemetry.happened == {Metric.ADMITTED: 1, Metric.GATE_PAUSED: 1}


@pytest.mark.parametrize("refused", [NO_CREDITS, BAD_KEY, TOO_MANY])
def test_while_the_gate_is_paused_no_other_call_is_made(refused: Refused) -> None:
    """New jobs wait as well; the provider is not called."""
    world = refusing_world(refused)
    world.arrives("a.jpg")
    assert waits(world.arrives("b.jpg"))[0::2] == (State.QUEUED, True)
    world.sweep.sweep()
    world.deliver_all()
    assert len(world.evolink.posts) == 1


@pytest.mark.parametrize("refused", [BAD_KEY, NO_ACCESS])
def test_a_refused_api_key_pauses_the_gate_until_an_operator_resumes_it(refused: Refused) -> None:
    """However long it takes: no further call, no job lost, and all jobs continue afterwards."""
    world = refusing_world(refused)
    jobs = [world.arrives(f"{number}.jpg") for number in range(3)]
    assert pause_of(world) == Pause(reason=PauseReason.KEY_REFUSED, since=START, until=None)
    world.passes(timedelta(days=2))
    assert [world.job(job).state for job in jobs] == [State.QUEUED] * 3
    assert len(world.evolink.posts) == 1
    world.evolink.create_rule = None
    change_gate(world.jobs, lambda gate: gate.resuming())
    world.passes(MINUTE)
    assert [world.job(job).state for job in jobs] == [State.PROCESSING] * 3


def test_out_of_credits_is_probed_with_one_photo_after_the_pause() -> None:
    """Of five waiting jobs one makes a call; its response decides for all."""
    world = refusing_world(NO_CREDITS)
    jobs = [world.arrives(f"{number}.jpg") for number in range(5)]
    pause = pause_of(world)
    assert pause is not None
    assert pause.until is not None
    assert PROBE_AFTER <= pause.until - START < PROBE_AFTER * 1.2
    world.passes(PROBE_AFTER * 1.2 + MINUTE)
    assert len(world.evolink.posts) == 2
    assert {waits(world.job(job))[2] for job in jobs} == {True}


def test_while_the_probe_runs_no_other_call_is_made() -> None:
    """The pause is extended until the probe's response, by a lease at most."""
    world = refusing_world(NO_CREDITS)
    for number in range(3):
        world.arrives(f"{number}.jpg")
    during: list[Pause | None] = []
    world.evolink.create_rule = None

    def probe(_evolink: object, body: str, key: str) -> object:
        during.append(pause_of(world))
        world.sweep.sweep()
        return world.evolink.take(body, key)

    world.evolink.create_faults.append(probe)  # type: ignore[arg-type]
    world.clock.advance(PROBE_AFTER * 1.2)
    world.sweep.sweep()
    first = world.submissions.job_ids.pop(0)
    world.submissions.job_ids.clear()
    world.submit.advance(world.jobs.jobs[first])
    now = world.clock.now()
    (pause,) = during
    assert pause == Pause(
        reason=PauseReason.OUT_OF_CREDITS,
        since=START,
        until=now + TIMING.lease,
    )
    assert world.evolink.posts[-1][0] == f"cutout-{first}-2-{KEY_SALT}"


def test_an_accepted_probe_ends_the_pause() -> None:
    """Credits are back: waiting jobs are admitted within a sweep."""
    world = refusing_world(NO_CREDITS)
    jobs = [world.arrives(f"{number}.jpg") for number in range(3)]
    world.evolink.create_rule = None
    world.passes(PROBE_AFTER * 1.2 + 2 * MINUTE)
    assert [world.job(job).state for job in jobs] == [State.PROCESSING] * 3
    assert pause_of(world) is None
    assert world.job(jobs[0]).code is None


def test_an_empty_account_uses_up_no_retries() -> None:
    """After days of probes the job can still make all its attempts, and its item is still small."""
    world = refusing_world(NO_CREDITS)
    job = world.arrives()
    world.passes(timedelta(days=1))
    probed = world.job(job)
    assert waits(probed) == WAITING_FOR_PAUSE
    assert 60 < len(world.evolink.posts) <= 96
    assert len(probed.attempts) == 10
    world.evolink.create_rule = None
    world.passes(PROBE_AFTER * 1.2 + MINUTE)
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED
    assert len(world.evolink.charges) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, 60.0), (7.0, 7.0), (0.0, 1.0), (90.0, 90.0), (1e300, 3600.0)],
)
def test_too_many_requests_pause_the_gate_for_the_requested_time(
    asked: float | None,
    seconds: float,
) -> None:
    """`Retry-After` is honoured up to an hour, with jitter of up to a fifth on top."""
    world = refusing_world(replace(TOO_MANY, retry_after_seconds=asked))
    world.arrives()
    pause = pause_of(world)
    assert pause is not None
    assert pause.until is not None
    paused = pause.until - START
    assert timedelta(seconds=seconds) < paused < timedelta(seconds=seconds * 1.2)


def test_an_accepted_call_made_before_the_pause_does_not_end_it() -> None:
    """Its acceptance says nothing about calls made since."""
    world = World()

    def meanwhile(_evolink: object, body: str, key: str) -> object:
        world.clock.advance(timedelta(seconds=5))
        world.evolink.create_faults.append(answering(NO_CREDITS))
        world.arrives("b.jpg")
        return world.evolink.take(body, key)

    world.evolink.create_faults.append(meanwhile)  # type: ignore[arg-type]
    job = world.arrives("a.jpg")
    assert job.state is State.PROCESSING
    pause = pause_of(world)
    assert pause is not None
    assert pause.since == START + timedelta(seconds=5)


def test_a_pause_without_end_is_not_shortened_by_another_pause() -> None:
    """A 429 after a 401 leaves the pause without an end."""
    world = World()

    def meanwhile(_evolink: object, _body: str, _key: str) -> object:
        world.evolink.create_faults.append(answering(BAD_KEY))
        world.arrives("b.jpg")
        return TOO_MANY

    world.evolink.create_faults.append(meanwhile)  # type: ignore[arg-type]
    world.arrives("a.jpg")
    assert pause_of(world) == Pause(reason=PauseReason.KEY_REFUSED, since=START, until=None)
