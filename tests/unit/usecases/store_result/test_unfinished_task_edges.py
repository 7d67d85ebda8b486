"""Task ids known only from a callback: how long they count, and when the job is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.attempt import TAKEN_UNNAMED
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.store_result.unfinished_task import UnfinishedTasks
from tests.support.builders import a_job, an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.world import TIMING, World

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DUE = START + 20 * MINUTE


def rules(world: World) -> UnfinishedTasks:
    """The rules without jitter."""
    return replace(world.track_task.unfinished_tasks, randomness=lambda: 0.0)


def calling(
    world: World,
    state: State,
    ago: timedelta,
    named: str | None = "task-1",
    *,
    unknown_for: timedelta | None = None,
    **facts: object,
) -> Job:
    """A job whose call has an unknown outcome; a callback has named a task."""
    attempt = an_attempt(
        1, started_at=START - ago, named_task=named, outcome=AttemptOutcome.UNKNOWN
    )
    if unknown_for is not None:
        attempt = replace(attempt, not_found_since=START - unknown_for)
    known = {
        "attempts": (attempt,), "due_at": DUE, "entered_at": START - ago,
        "reason": Reason.OUTCOME_UNKNOWN, "message": "text",
    }  # fmt: skip
    return world.jobs.claim(a_job(state, **(known | facts)))


def named_and_due(world: World, job: Job) -> tuple[str | None, object]:
    """The recorded task and the due time."""
    (attempt,) = world.job(job).attempts
    return attempt.named_task, world.job(job).due_at


@pytest.mark.parametrize(
    ("state", "ago", "unknown_for", "then"),
    [
        (State.UNCONFIRMED, HOUR, timedelta(0), ("task-1", START + MINUTE)),
        (State.UNCONFIRMED, HOUR, 10 * MINUTE - SECOND, ("task-1", START + MINUTE)),
        (State.UNCONFIRMED, 10 * MINUTE, 10 * MINUTE, (None, START + 10 * MINUTE)),
        (State.UNCONFIRMED, 30 * MINUTE, 10 * MINUTE, (None, START)),
        (State.SUBMITTING, HOUR, MINUTE, ("task-1", DUE)),
        (State.SUBMITTING, 10 * MINUTE, 10 * MINUTE, (None, DUE)),
    ],
)
def test_a_named_task_unknown_to_the_api_counts_for_ten_minutes(
    state: State, ago: timedelta, unknown_for: timedelta, then: tuple[str | None, object]
) -> None:
    """Since its first 404. After that, the grace time ends as if nothing had been named."""
    world = World()
    job = calling(world, state, ago, unknown_for=unknown_for)
    (attempt,) = job.attempts
    rules(world).unknown(job, attempt, "task-1")
    assert named_and_due(world, job) == then
    assert (world.job(job).reason, world.job(job).message) == (job.reason, "text")


@pytest.mark.parametrize(
    ("ago", "state"),
    [
        (TIMING.job_deadline - SECOND, State.UNCONFIRMED),
        (TIMING.job_deadline, State.FAILED),
    ],
)
def test_a_named_task_is_read_again_within_the_deadline(ago: timedelta, state: State) -> None:
    """At growing intervals."""
    world = World()
    job = calling(world, State.UNCONFIRMED, ago, tries=1)
    (attempt,) = job.attempts
    rules(world).unreadable(job, attempt, "ReadTimeout")
    after = world.job(job)
    assert (after.state, after.reason) == (state, Reason.OUTCOME_UNKNOWN)
    if state is State.UNCONFIRMED:
        assert after.due_at == START + 15 * SECOND
    else:
        assert after.message == "ReadTimeout"


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNCONFIRMED, State.PROCESSING])
@pytest.mark.parametrize("task_id", ["task-1", None])
@pytest.mark.parametrize("is_taken", [True, False])
def test_a_callback_proves_once_that_its_call_was_accepted(
    state: State,
    task_id: str | None,
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The job records that while the outcome is open; without a task id it is the only fact."""
    world = World()
    job = calling(world, state, MINUTE, None)
    job = replace(job, attempts=(replace(job.attempts[0], is_taken=is_taken),))
    world.jobs.jobs[job.id] = job
    check = TaskCheck(job_id=job.id, attempt=1, task_id=task_id, is_taken=True)
    after = rules(world).callback_received(job, job.attempts[0], check)
    is_noted = not is_taken and state is not State.PROCESSING
    assert after.attempts[0].is_taken == (is_taken or is_noted)
    assert after.attempts[0].named_task == task_id
    assert (after == job) == (not is_noted and task_id is None)
    is_unnamed = is_noted and task_id is None and state is State.UNCONFIRMED
    assert after.message == (TAKEN_UNNAMED if is_unnamed else "text")
