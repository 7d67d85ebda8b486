"""Which jobs wait at the gate, and how often a failed transfer is repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.domain.errors import NewerRowError
from cutout.domain.provider_outcomes import Cause, NotSent, Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.builders import a_job, a_source
from tests.support.fakes.clock import START
from tests.support.fakes.world import LIMITS, World, png
from tests.support.hooks import Hook

NOT_SENT = NotSent(message="ConnectError")


def test_up_to_ten_waiting_jobs_are_read() -> None:
    """The index may still show jobs that were admitted."""
    world = World()
    for number in range(12):
        source = a_source(key=f"{number:02}.jpg")
        job = a_job(State.QUEUED, id=f"{number:02}", source=source, is_waiting=True, due_at=None)
        world.jobs.claim(job)
    world.jobs.jobs["01"] = replace(world.jobs.jobs["01"], is_waiting=False)
    world.jobs.lag = lambda _views: 12
    assert [job.id for job in world.submit.waiting()] == [
        f"{number:02}" for number in range(10) if number != 1
    ]


@pytest.mark.parametrize("step", ["jobs.find", "jobs.save"])
def test_a_waiting_job_that_a_newer_version_has_just_written_does_not_block_the_next(
    step: str,
) -> None:
    """It was listed before, and can neither be read nor saved: that version was rolled back."""
    hook = Hook()
    world = World(step=hook, limits=replace(LIMITS, max_in_flight=1))
    inside = world.arrives("inside.jpg")
    theirs = world.arrives("theirs.jpg", png(salt=1))
    ours = world.arrives("ours.jpg", png(salt=2))
    world.evolink.complete(world.task_of(inside))
    world.check_task(inside)

    def is_newer() -> None:
        raise NewerRowError(theirs.id)

    hook.once_at(step, is_newer)
    world.submit.advance(world.job(inside))
    assert (world.job(theirs), world.job(ours).state) == (theirs, State.PROCESSING)


@pytest.mark.parametrize("is_waiting", [True, False])
@pytest.mark.parametrize("reason", [Reason.GATE_FULL, Reason.DAILY_CAP])
def test_a_job_is_written_when_it_starts_to_wait_or_its_reason_changes(
    reason: Reason,
    is_waiting: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Not each time it is advanced."""
    world = World()
    job = world.jobs.claim(a_job(State.QUEUED, reason=Reason.GATE_FULL, is_waiting=is_waiting))
    held = world.submit.admit_job.hold(job, reason)
    assert (held.is_waiting, held.reason, held.state) == (True, reason, State.QUEUED)
    assert (held == job) == (is_waiting and reason is Reason.GATE_FULL)


@pytest.mark.parametrize(
    ("failed", "end"),
    [
        (39, (State.QUEUED, Reason.BACKING_OFF, 40)),
        (40, (State.FAILED, Reason.PROVIDER_UNREACHABLE, 40)),
    ],
)
def test_a_transfer_may_fail_forty_times(failed: int, end: tuple[State, Reason, int]) -> None:
    """No call was made and nothing paid; the job records the end."""
    world = World()
    job = world.jobs.claim(a_job(State.QUEUED, handovers_failed=failed, due_at=START))
    after = world.submit.admit_job.handover_failed(job, NOT_SENT)
    assert (after.state, after.reason, after.handovers_failed) == end
    assert after.message == "ConnectError"


@pytest.mark.parametrize(
    ("cause", "end"),
    [
        (Cause.OTHER, (State.FAILED, Reason.REFUSED_BY_PROVIDER)),
        (Cause.CALL_UNDECIDED, (State.FAILED, Reason.REFUSED_BY_PROVIDER)),
        (Cause.PHOTO_NOT_FETCHED, (State.FAILED, Reason.REFUSED_BY_PROVIDER)),
        (Cause.RATE_LIMITED, (State.QUEUED, Reason.GATE_PAUSED)),
        (Cause.OUT_OF_CREDITS, (State.QUEUED, Reason.GATE_PAUSED)),
        (Cause.KEY_REFUSED, (State.QUEUED, Reason.GATE_PAUSED)),
    ],
)
def test_a_refused_transfer_pauses_the_gate_or_fails_the_job(
    cause: Cause, end: tuple[State, Reason]
) -> None:
    """The same policy applies to calls and to transfers."""
    world = World()
    job = world.jobs.claim(a_job(State.QUEUED, due_at=START))
    refused = Refused(cause=cause, code="code", message="no")
    after = world.submit.admit_job.handover_failed(job, refused)
    assert (after.state, after.reason, after.handovers_failed) == (*end, 0)
    pause = world.jobs.read_gate().pause
    assert (pause is not None) == after.is_waiting == (end[0] is State.QUEUED)
    if after.state.is_settled:
        assert (after.code, after.message) == ("code", "no")
