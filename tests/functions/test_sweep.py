"""Sweep: runs once a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.states import State
from tests.functions.conftest import Start
from tests.functions.deployed import Stack
from tests.support.builders import a_source, an_attempt
from tests.support.samples import sample


def standing(stack: Stack, number: int, state: State, minutes: int) -> Job:
    """Claim a job that is due in so many minutes."""
    now = datetime.now(UTC)
    job = Job.begin(
        a_source(key=f"{number}.jpg"),
        now=now - timedelta(hours=1),
        due_at=now + timedelta(minutes=minutes),
    )
    attempts = () if state is State.QUEUED else (an_attempt(task_id="task-1"),)
    return stack.jobs.claim(replace(job, state=state, attempts=attempts))


def test_sweep_enqueues_due_jobs(stack: Stack, start: Start) -> None:
    """Each in the queue that processes it; jobs that are not due stay where they are."""
    new = standing(stack, 1, State.QUEUED, -1)
    task = standing(stack, 2, State.PROCESSING, -10)
    standing(stack, 3, State.PROCESSING, 10)
    sweep = start("sweep")
    assert sweep(sample("scheduler-sweep")) == {"due": 2}
    assert stack.received(stack.submissions_url) == [{"job": new.id}]
    assert stack.received(stack.callbacks_url) == [
        {"job": task.id, "attempt": 1, "task_id": "task-1", "is_poll": True, "is_taken": False},
    ]


def test_second_sweep_does_not_enqueue_the_same_jobs_again(stack: Stack, start: Start) -> None:
    """Not before a lease is over."""
    standing(stack, 1, State.QUEUED, -1)
    sweep = start("sweep")
    sweep(sample("scheduler-sweep"))
    assert sweep(sample("scheduler-sweep")) == {"due": 0}
    assert len(stack.received(stack.submissions_url)) == 1


def test_gauges_are_published_every_time(start: Start) -> None:
    """Also when nothing is due: an alarm must distinguish zero from missing data."""
    sweep = start("sweep")
    assert sweep(sample("scheduler-sweep")) == {"due": 0}
    printed = sweep.printed()
    assert printed.metrics == {
        "JobsDue": [0.0],
        "OldestDueSeconds": [0.0],
        "TasksInFlight": [0.0],
        "OldestInFlightSeconds": [0.0],
        "JobsWaiting": [0.0],
        "OldestWaitingSeconds": [0.0],
        "CreditsSpentToday": [0.0],
        "DailyCapUsedPercent": [0.0],
        "GateIsPaused": [0.0],
        "PausedOutOfCredits": [0.0],
        "PausedKeyRefused": [0.0],
        "PausedRateLimited": [0.0],
        "PausedByPerson": [0.0],
    }
    assert printed.dimensions == {"stack": "Cutout", "service": "cutout"}


def test_age_of_the_oldest_due_job_is_published(stack: Stack, start: Start) -> None:
    """Ten minutes and a little."""
    standing(stack, 1, State.QUEUED, -10)
    sweep = start("sweep")
    sweep(sample("scheduler-sweep"))
    printed = sweep.printed()
    assert printed.metrics["JobsDue"] == [1.0]
    (seconds,) = printed.metrics["OldestDueSeconds"]
    assert 600 <= seconds < 660


def test_gate_gets_the_deployed_limits(stack: Stack, start: Start) -> None:
    """The command line shows them without asking the functions."""
    start("sweep")(sample("scheduler-sweep"))
    deployed = stack.jobs.read_gate().deployed
    assert deployed == Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
