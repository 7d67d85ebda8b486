"""A call with unknown outcome while the gate is paused: its repeat waits for a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.fakes.evolink import answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World

MINUTE = timedelta(minutes=1)
GRACE = TIMING.unconfirmed_grace
NEVER_TAKEN = answering(OutcomeUnknown(message="ReadTimeout"))


def job_with_outcomes(*answers: object) -> tuple[World, Job]:
    """A job whose first calls end like this; later calls are accepted."""
    world = World()
    world.evolink.create_faults.extend(answers)  # type: ignore[arg-type]
    return world, world.arrives()


def paused_by_an_operator(world: World) -> None:
    """Without an end."""
    world.operate.pause()


def paused_for_a_refused_key(world: World) -> None:
    """Another job's call got a 401."""
    refused = refusal(status=401, code="unauthorized", message="no")
    world.evolink.create_faults.append(answering(refused))
    world.arrives("b.jpg")


@pytest.mark.parametrize("pause", [paused_by_an_operator, paused_for_a_refused_key])
def test_a_pause_delays_the_repeat_too(pause: Callable[[World], None]) -> None:
    """It is made once the gate is open again, while the link to the photo is valid."""
    world, job = job_with_outcomes(NEVER_TAKEN)
    pause(world)
    posts = len(world.evolink.posts)
    world.passes(GRACE + 8 * MINUTE)
    held = world.job(job)
    assert (held.state, held.reason, len(world.evolink.posts)) == (
        State.UNCONFIRMED,
        Reason.GATE_PAUSED,
        posts,
    )
    assert (held.message, world.jobs.read_gate().in_flight) == ("ReadTimeout", 1)
    world.operate.resume()
    world.passes(3 * MINUTE)
    assert world.job(job).state is State.PROCESSING
    assert world.evolink.posts.count(world.evolink.posts[0]) == 2


def test_a_callback_resolves_a_call_whose_repeat_is_delayed() -> None:
    """No repeat is sent."""
    world, job = job_with_outcomes(taken_but_unanswered)
    world.operate.pause()
    world.passes(GRACE + 2 * MINUTE)
    task_id = world.task_of(job)
    world.evolink.complete(task_id)
    assert world.check_task(job, task_id=task_id).state is State.COMPLETED
    assert len(world.evolink.posts) == 1


def test_a_pause_longer_than_the_link_ends_the_job_with_unknown_outcome() -> None:
    """After 45 of the link's 50 minutes, the provider might not be able to read it in time."""
    world, job = job_with_outcomes(NEVER_TAKEN)
    world.operate.pause()
    world.passes(timedelta(minutes=44))
    assert world.job(job).state is State.UNCONFIRMED
    world.passes(2 * MINUTE)
    failed = world.job(job)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    assert failed.message == (
        "the request could not be repeated while its link to the photo was valid"
    )
    assert (len(world.evolink.posts), world.jobs.read_gate().in_flight) == (1, 0)


def test_with_a_copy_at_the_files_api_a_longer_pause_is_survived() -> None:
    """The copy is kept for days, so that only the deadline bounds the wait."""
    world = World(transport=Transport.FILES)
    world.evolink.create_faults.append(NEVER_TAKEN)
    job = world.arrives()
    world.operate.pause()
    world.passes(TIMING.job_deadline - 10 * MINUTE)
    assert world.job(job).state is State.UNCONFIRMED
    world.operate.resume()
    world.passes(6 * MINUTE)
    assert world.job(job).state is State.PROCESSING


def test_a_pause_with_an_end_postpones_the_repeat_to_its_end() -> None:
    """After a 429 all calls wait, repeats as well."""
    world, job = job_with_outcomes(NEVER_TAKEN)
    world.passes(GRACE - MINUTE)
    refused = refusal(status=429, code="x", message="no", retry_after_seconds=150)
    world.evolink.create_faults.append(answering(refused))
    world.arrives("b.jpg")
    pause = world.jobs.read_gate().pause
    assert pause is not None
    world.passes(2 * MINUTE)
    assert (world.job(job).state, world.job(job).due_at) == (State.UNCONFIRMED, pause.until)
