"""A callback to the URL of a call proves that the call was accepted, so it is never repeated.

Whether or not the callback's body names the task.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import ResponseLostError, TaskUnknownError
from cutout.domain.job.attempt import TAKEN_UNNAMED
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import CreateOutcome, NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.evolink import FakeEvolink, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, token_for
from tests.support.hooks import WorkerCrashedError

TASK = "task-unified-000001"
MINUTE = timedelta(minutes=1)
GRACE = TIMING.unconfirmed_grace
UNREADABLE = {
    "empty": "",
    "a list": json.dumps([TASK]),
    "nested": json.dumps({"id": {"id": TASK}}),
    "a list as id": json.dumps({"id": [TASK]}),
    "no id": json.dumps({"status": "completed"}),
    "a form": f"id={TASK}&status=completed",
    "too long": json.dumps({"id": "x" * 5000}),
    "half a letter": json.dumps({"id": "\ud800"}),
    "garbage": "\N{REPLACEMENT CHARACTER}<html>",
}


def unanswered() -> tuple[World, Job]:
    """A job whose accepted call got no response; a repeat would be paid for."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    return world, world.arrives()


def deliver_callback(world: World, job: Job, body: str = "") -> Job:
    """Deliver a callback to the call's URL."""
    world.receive_callback.receive(token_for(job), body)
    world.deliver_all()
    return world.job(job)


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_call_whose_callback_names_no_task_is_never_repeated(body: str) -> None:
    """The job says so, and ends at the deadline; the call was paid for once."""
    world, job = unanswered()
    kept = deliver_callback(world, job, body)
    assert (kept.state, kept.message) == (State.UNCONFIRMED, TAKEN_UNNAMED)
    world.passes(TIMING.job_deadline - 2 * MINUTE)
    assert (world.job(job).state, world.job(job).message) == (State.UNCONFIRMED, TAKEN_UNNAMED)
    world.passes(4 * MINUTE)
    lost = world.job(job)
    assert (lost.state, lost.reason, lost.message) == (
        State.FAILED,
        Reason.OUTCOME_UNKNOWN,
        TAKEN_UNNAMED,
    )
    assert (len(world.evolink.posts), len(world.evolink.charges)) == (1, 1)
    assert world.jobs.read_gate().in_flight == 0


@pytest.mark.parametrize("after", [MINUTE, GRACE + MINUTE, TIMING.job_deadline + MINUTE])
def test_a_later_callback_that_names_the_task_completes_the_job(after: timedelta) -> None:
    """Callbacks are repeated, and a late one counts even after the job has ended."""
    world, job = unanswered()
    deliver_callback(world, job)
    world.passes(after)
    world.evolink.complete(TASK)
    done = deliver_callback(world, job, json.dumps({"id": TASK}))
    assert (done.state, len(world.evolink.posts)) == (State.COMPLETED, 1)


@pytest.mark.parametrize("named", [json.dumps({"id": "task-of-somebody-else"}), "{}"])
def test_a_call_whose_callback_names_an_unknown_task_is_not_repeated(named: str) -> None:
    """The body is wrong, but the callback still proves that the call was accepted."""
    world, job = unanswered()
    deliver_callback(world, job, named)
    world.passes(3 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_call_whose_task_cannot_be_read_at_first_is_not_repeated() -> None:
    """The task is unknown, then the response is lost, then the task is found."""
    world, job = unanswered()
    world.evolink.read_faults += [TaskUnknownError("404"), ResponseLostError("ReadTimeout")]
    world.evolink.complete(TASK)
    deliver_callback(world, job, json.dumps({"id": TASK}))
    world.passes(10 * MINUTE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.COMPLETED, 1)


@pytest.mark.parametrize(
    "answer",
    [
        NotSent(message="ConnectError"),
        refusal(status=400, code="invalid_request", message="no"),
        refusal(status=429, code="rate_limit_exceeded", message="slower"),
        OutcomeUnknown(message="ReadTimeout"),
    ],
    ids=["not sent", "refused", "too many", "unknown"],
)
def test_a_callback_before_the_response_outweighs_it(answer: CreateOutcome) -> None:
    """Only an accepted call gets a callback, whatever a proxy answers."""
    world = World()

    def taken(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.take(body, key)
        (job,) = world.jobs.jobs.values()
        deliver_callback(world, job)
        return answer

    world.evolink.create_faults.append(taken)
    job = world.arrives()
    assert job.state is State.UNCONFIRMED
    world.passes(3 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_call_whose_worker_crashed_is_not_repeated_after_its_callback() -> None:
    """The lease expires and the grace time ends; the job still records the callback."""
    world = World()

    def crash(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.take(body, key)
        (job,) = world.jobs.jobs.values()
        deliver_callback(world, job)
        raise WorkerCrashedError

    world.evolink.create_faults.append(crash)
    with pytest.raises(WorkerCrashedError):
        world.arrives()
    world.passes(3 * GRACE)
    (job,) = world.jobs.jobs.values()
    assert (job.state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_repeated_call_with_a_callback_is_not_repeated_again() -> None:
    """The callback came during the repeat, so neither call is known to have failed."""
    world, job = unanswered()
    world.evolink.create_faults.append(taken_but_unanswered)
    world.passes(GRACE + MINUTE)
    deliver_callback(world, job)
    world.passes(2 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 2)


def test_a_job_of_an_earlier_version_records_no_callbacks() -> None:
    """Nor do its queued messages: the call is repeated as before."""
    world, job = unanswered()
    world.check_task(job)
    world.passes(GRACE + MINUTE)
    assert len(world.evolink.posts) == 2


def test_a_photo_replaced_while_its_call_is_unconfirmed_is_superseded() -> None:
    """At the end of the grace time."""
    world, job = unanswered()
    deliver_callback(world, job)
    world.arrives()
    world.passes(GRACE + MINUTE)
    assert world.job(job).state is State.SUPERSEDED


def test_a_callback_is_recorded_once() -> None:
    """The provider repeats callbacks; the job is not written for each."""
    world, job = unanswered()
    once = deliver_callback(world, job)
    assert once == replace(deliver_callback(world, job), version=once.version)
