"""A callback came to a call's own URL: the call was taken, so it is never made again.

Whether or not its body names the task, and whatever else is said about the call.
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
from tests.support.hooks import WorkerDiedError

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
    """A photo whose call was taken, and nobody has its answer; a repeat would be paid for."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    return world, world.arrives()


def calls_back(world: World, job: Job, body: str = "") -> Job:
    """The provider calls the URL that it was given."""
    world.receive.receive(token_for(job), body)
    world.settles()
    return world.job(job)


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_call_whose_callback_names_no_task_is_never_made_again(body: str) -> None:
    """It is kept, says so, and ends at the deadline; it was paid for once."""
    world, job = unanswered()
    kept = calls_back(world, job, body)
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
def test_a_later_callback_that_names_the_task_completes_it(after: timedelta) -> None:
    """Callbacks are repeated, and a late one counts even after the end."""
    world, job = unanswered()
    calls_back(world, job)
    world.passes(after)
    world.evolink.complete(TASK)
    done = calls_back(world, job, json.dumps({"id": TASK}))
    assert (done.state, len(world.evolink.posts)) == (State.COMPLETED, 1)


@pytest.mark.parametrize("named", [json.dumps({"id": "task-of-somebody-else"}), "{}"])
def test_a_name_that_the_api_never_knows_does_not_make_it_again_either(named: str) -> None:
    """The body was wrong; that the call was taken was not."""
    world, job = unanswered()
    calls_back(world, job, named)
    world.passes(3 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_callback_whose_task_cannot_be_read_at_first_is_no_reason_either() -> None:
    """Not known, then lost, then there."""
    world, job = unanswered()
    world.evolink.read_faults += [TaskUnknownError("404"), ResponseLostError("ReadTimeout")]
    world.evolink.complete(TASK)
    calls_back(world, job, json.dumps({"id": TASK}))
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
def test_a_callback_that_comes_before_the_answer_outweighs_it(answer: CreateOutcome) -> None:
    """Only a call that was taken can be called back, whatever a proxy says in its place."""
    world = World()

    def taken(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.take(body, key)
        (job,) = world.jobs.jobs.values()
        calls_back(world, job)
        return answer

    world.evolink.create_faults.append(taken)
    job = world.arrives()
    assert job.state is State.UNCONFIRMED
    world.passes(3 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_call_whose_worker_died_is_not_made_again_after_its_callback() -> None:
    """The lease runs out, the grace time ends, and the callback still stands on the row."""
    world = World()

    def dies(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        evolink.take(body, key)
        (job,) = world.jobs.jobs.values()
        calls_back(world, job)
        raise WorkerDiedError

    world.evolink.create_faults.append(dies)
    with pytest.raises(WorkerDiedError):
        world.arrives()
    world.passes(3 * GRACE)
    (job,) = world.jobs.jobs.values()
    assert (job.state, len(world.evolink.posts)) == (State.UNCONFIRMED, 1)


def test_a_call_that_was_repeated_is_kept_like_any_other() -> None:
    """The callback came while the repeat was under way: nothing is known to have failed."""
    world, job = unanswered()
    world.evolink.create_faults.append(taken_but_unanswered)
    world.passes(GRACE + MINUTE)
    calls_back(world, job)
    world.passes(2 * GRACE)
    assert (world.job(job).state, len(world.evolink.posts)) == (State.UNCONFIRMED, 2)


def test_a_row_of_an_earlier_version_says_nothing_of_callbacks() -> None:
    """Nor do messages that were queued before: the call goes once more, as it did."""
    world, job = unanswered()
    world.wake(job)
    world.passes(GRACE + MINUTE)
    assert len(world.evolink.posts) == 2


def test_a_photo_that_was_replaced_meanwhile_is_superseded() -> None:
    """Nobody waits for it."""
    world, job = unanswered()
    calls_back(world, job)
    world.arrives()
    world.passes(GRACE + MINUTE)
    assert world.job(job).state is State.SUPERSEDED


def test_the_note_of_a_callback_is_written_once() -> None:
    """The provider repeats callbacks; the row is not written for each."""
    world, job = unanswered()
    once = calls_back(world, job)
    assert once == replace(calls_back(world, job), version=once.version)
