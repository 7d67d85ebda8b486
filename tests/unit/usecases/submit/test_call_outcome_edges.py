"""Responses around the deadline, for an expired job, and after lost races."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.ports.jobs_table import JobMovedError
from tests.support.builders import an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook

NOT_SENT = NotSent(message="ConnectError")
UNKNOWN = OutcomeUnknown(message="ReadTimeout")
SECOND = timedelta(seconds=1)
REPEATED = an_attempt(1, started_at=START, posts=2, outcome=AttemptOutcome.UNKNOWN)


def calling(world: World, state: State = State.SUBMITTING, **facts: object) -> Job:
    """A job whose call is being made."""
    job = world.arrives()
    known = {"state": state, "attempts": (an_attempt(1, started_at=START),), "entered_at": START}
    job = replace(world.job(job), **(known | facts))  # type: ignore[arg-type]
    world.jobs.jobs[job.id] = job
    return job


@pytest.mark.parametrize(
    ("since", "end"),
    [
        (TIMING.job_deadline - SECOND, (State.QUEUED, Reason.BACKING_OFF)),
        (TIMING.job_deadline, (State.FAILED, Reason.PROVIDER_UNREACHABLE)),
    ],
)
def test_a_provider_unreachable_until_the_deadline_fails_the_job(
    since: timedelta, end: tuple[State, Reason]
) -> None:
    """Nothing was paid."""
    world = World()
    job = calling(world, trying_since=START - since)
    saved = world.submit.call_outcomes.record(job, 1, NOT_SENT)
    assert (saved.state, saved.reason) == end


@pytest.mark.parametrize(
    ("state", "due_in", "then"),
    [
        (State.SUBMITTING, timedelta(seconds=120), TIMING.poll_interval),
        (State.UNCONFIRMED, timedelta(seconds=90), timedelta(seconds=90)),
        (State.UNCONFIRMED, timedelta(hours=2), TIMING.poll_interval),
    ],
)
def test_a_repeat_that_was_not_sent_is_due_soon_while_its_link_is_valid(
    state: State, due_in: timedelta, then: timedelta
) -> None:
    """Not later than it was due before."""
    world = World()
    job = calling(world, state, attempts=(REPEATED,), due_at=START + due_in)
    saved = world.submit.call_outcomes.record(job, 1, NOT_SENT)
    assert (saved.state, saved.due_at) == (State.UNCONFIRMED, START + then)
    if state is State.SUBMITTING:
        assert [one.posts for one in saved.attempts] == [1]


def test_a_response_for_an_unknown_attempt_changes_nothing() -> None:
    """Nor does an expired lease without an attempt."""
    world = World()
    job = calling(world)
    assert world.submit.call_outcomes.record(job, 9, UNKNOWN) == job
    without = replace(job, attempts=(), due_at=START)
    world.jobs.jobs[job.id] = without
    assert world.advance(without) == without


def test_a_response_for_a_job_that_has_expired_is_an_error() -> None:
    """There is no job to record it in."""
    hook = Hook()
    world = World(step=hook)
    job = calling(world)
    hook.once_at("jobs.save", world.jobs.jobs.clear)
    with pytest.raises(JobMovedError):
        world.submit.call_outcomes.record(job, 1, UNKNOWN)


@pytest.mark.parametrize(("races", "is_recorded"), [(11, True), (12, False)])
def test_a_response_is_recorded_after_up_to_eleven_lost_races(
    races: int,
    is_recorded: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the twelfth, the message that names the task is left to record it."""
    world = World()
    job = calling(world)
    world.job_writer = replace(world.job_writer, jobs=Racing(world.jobs, races))
    answers = replace(world.submit.call_outcomes, job_writer=world.job_writer)
    if is_recorded:
        assert answers.record(job, 1, UNKNOWN).state is State.UNCONFIRMED
    else:
        with pytest.raises(StoreBusyError):
            answers.record(job, 1, UNKNOWN)


class Racing(MemoryJobs):
    """A jobs table whose writes of a job fail a given number of times."""

    def __init__(self, jobs: MemoryJobs, races: int) -> None:
        vars(self).update(vars(jobs))
        self.races = races

    def save(self, job: Job, **also: object) -> Job:
        """Write the job, or lose the race."""
        self.races -= 1
        if self.races >= 0:
            raise JobMovedError(self.jobs[job.id])
        return super().save(job, **also)  # type: ignore[arg-type]
