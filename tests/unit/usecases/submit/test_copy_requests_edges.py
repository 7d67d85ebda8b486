"""Which copies are requested, deployments without Prepare, and lost races."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import NeedsPreparingError
from cutout.domain.job.source import Prepared
from cutout.domain.messages.preparation import CopyKind, PrepareReport
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels, State
from cutout.ports.jobs_table import JobMovedError
from tests.support.builders import PHOTO, a_job
from tests.support.fakes.clock import START
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import World
from tests.support.hooks import Hook
from tests.support.preparing import without_preparing

COPY = Prepared(key="copy", format="jpeg", size=9, width=600, height=400, made_at=START)
TURNED = replace(PHOTO, orientation=6)


def test_without_prepare_photos_are_sent_as_they_are() -> None:
    """But a copy of an earlier deployment is not sent any more: it could not be made again."""
    submit = without_preparing(World(pixels=Pixels.SOURCE)).submit
    submit.require_copies(a_job(photo=TURNED))
    calls = submit.admit_job.paid_calls
    calls.require_recent_copy(a_job(photo=TURNED))
    with pytest.raises(NeedsPreparingError):
        calls.require_recent_copy(a_job(photo=TURNED, prepared=COPY))


@pytest.mark.parametrize(
    ("age", "is_refused"),
    [(timedelta(hours=20) - timedelta(seconds=1), False), (timedelta(hours=20), True)],
)
def test_a_copy_is_sent_for_twenty_hours(
    age: timedelta,
    is_refused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The work bucket deletes it after a day, and the provider reads it after the call."""
    calls = World().submit.admit_job.paid_calls
    job = a_job(photo=TURNED, prepared=replace(COPY, made_at=START - age))
    if is_refused:
        with pytest.raises(NeedsPreparingError):
            calls.require_recent_copy(job)
    else:
        calls.require_recent_copy(job)


@pytest.mark.parametrize(("told", "kept"), [("0f" * 32, "0f" * 32), (None, "a0" * 32)])
def test_a_request_keeps_the_hash_of_the_photo_that_submit_read(
    told: str | None, kept: str
) -> None:
    """A report about other bytes is refused."""
    world = World()
    job = replace(world.job(world.arrives("a.tif", tiff())), read_sha256="a0" * 32)
    world.jobs.jobs[job.id] = job
    why = NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, "text")
    why.sha256 = told
    assert world.submit.copy_requests.request(job, why).read_sha256 == kept


@pytest.mark.parametrize(
    ("photo", "copy", "wanted"),
    [
        (None, None, {CopyKind.FOR_MODEL}),
        (PHOTO, None, set()),
        (PHOTO, COPY, {CopyKind.FOR_MODEL}),
        (TURNED, None, {CopyKind.FOR_MODEL}),
        (replace(PHOTO, has_alpha=True), None, {CopyKind.FULL_SIZE}),
    ],
)
def test_copies_are_requested_of_photos_that_cannot_be_sent_as_they_are(
    photo: object, copy: Prepared | None, wanted: set[CopyKind]
) -> None:
    """And of photos with transparency, which the model's result does not keep."""
    world = World()
    job = world.job(world.arrives("a.tif", tiff()))
    job = replace(job, photo=photo, prepared=copy)  # type: ignore[arg-type]
    world.jobs.jobs[job.id] = job
    world.preparations.requests.clear()
    world.submit.copy_requests.request(job, NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, "text"))
    (request,) = world.preparations.requests
    assert set(request.wanted) == wanted


@pytest.mark.parametrize(("races", "is_taken"), [(2, True), (3, False)])
def test_a_report_is_recorded_after_up_to_two_lost_races(
    races: int,
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the third, the queue redelivers it."""
    hook = Hook()
    world = World(step=hook)
    job = world.job(world.arrives("a.tif", tiff()))
    world.prepare.prepare(world.preparations.requests.pop())
    report: PrepareReport = world.reports.reports.pop()
    left = [races]

    def race() -> None:
        left[0] -= 1
        standing = world.job(job)
        world.jobs.jobs[job.id] = replace(standing, version=standing.version + 1)
        if left[0] > 0:
            hook.once_at("jobs.save", race)

    hook.once_at("jobs.save", race)
    if is_taken:
        taken = world.submit.copy_requests.accept(report)
        assert taken is not None
        assert (taken.state, taken.prepared is None) == (State.QUEUED, False)
    else:
        with pytest.raises(JobMovedError):
            world.submit.copy_requests.accept(report)
