"""A call's body lets its reader read the photo and call back: it goes when the call is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutout.adapters.evolink.failures import refusal
from cutout.domain.job.job import Job
from cutout.domain.provider import NotSent
from cutout.domain.states import State
from cutout.ports.jobs_table import CallBody
from tests.support.fakes.evolink import FakeEvolink, Fault, answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World

REFUSED = refusal(status=400, code="invalid_request", message="no")
RATE_LIMITED = refusal(status=429, code="rate_limit", message="later")


def test_the_body_of_an_unanswered_call_is_kept_for_its_repeat() -> None:
    """The very same text, for as long as a repeat may be due, and not on the row."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    body = world.evolink.posts[0][1]
    expires_at = world.clock.now() + 2 * TIMING.job_deadline
    assert world.jobs.bodies == {
        (job.id, 1): CallBody(attempt=1, text=body, expires_at=expires_at),
    }
    assert [attempt.body for attempt in job.attempts] == [None]
    world.clock.advance(TIMING.unconfirmed_grace)
    assert world.advance(job).state is State.PROCESSING
    assert [text for _key, text in world.evolink.posts] == [body, body]


@pytest.mark.parametrize(
    "fault",
    [
        FakeEvolink.take,
        answering(REFUSED),
        answering(RATE_LIMITED),
        answering(NotSent(message="ConnectError")),
    ],
    ids=["accepted", "refused", "paused", "not sent"],
)
def test_an_answered_call_leaves_no_body(fault: Fault) -> None:
    """It goes in the write that records the answer."""
    world = World()
    world.evolink.create_faults.append(fault)
    world.arrives()
    assert world.jobs.bodies == {}


def called_back(world: World, job: Job) -> None:
    """Its callback names the task, which is completed."""
    world.evolink.complete(world.task_of(job))
    world.wake(job, task_id=world.task_of(job))


def still_running(world: World, job: Job) -> None:
    """Its callback names the task, which runs."""
    world.wake(job, task_id=world.task_of(job))


def overwritten(world: World, job: Job) -> None:
    """There is a newer upload when the grace time ends."""
    world.arrives(job.source.key)
    world.clock.advance(TIMING.unconfirmed_grace)
    world.submit.advance(job)


def given_up(world: World, _job: Job) -> None:
    """It is repeated, and nobody answers that either."""
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    world.passes(2 * TIMING.unconfirmed_grace + TIMING.lease)


@pytest.mark.parametrize("end", [called_back, still_running, overwritten, given_up])
def test_a_call_whose_outcome_becomes_known_leaves_no_body(
    end: Callable[[World, Job], None],
) -> None:
    """Whoever finds out, and whatever it is."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    end(world, job)
    assert (job.id, 1) not in world.jobs.bodies


def test_a_row_of_an_earlier_version_is_repeated_with_the_body_that_is_on_it() -> None:
    """Calls in flight at a deployment: the answer takes the body off the row."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    body = world.jobs.bodies.pop((job.id, 1)).text
    written = job.with_attempt(replace(job.attempts[0], body=body))
    job = world.jobs.save(written)
    world.clock.advance(TIMING.unconfirmed_grace)
    done = world.advance(job)
    assert [text for _key, text in world.evolink.posts] == [body, body]
    assert (done.state, done.attempts[0].body) == (State.PROCESSING, None)


def test_a_call_whose_body_is_gone_is_not_repeated() -> None:
    """It would be another call, paid for a second time."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.jobs.bodies.clear()
    world.clock.advance(TIMING.unconfirmed_grace)
    assert world.advance(job).state is State.FAILED
    assert len(world.evolink.posts) == 1
