"""Waiting for a copy, and waiting at the gate with one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.metrics import Metric
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.fakes.clock import START
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import KEY_SALT, World, png
from tests.support.preparing import prepared

MINUTE = timedelta(minutes=1)


def test_submit_requests_a_copy_less_and_less_often_while_prepare_is_busy() -> None:
    """Waiting jobs must not make a backlog of Prepare longer."""
    world = World()
    job = world.arrives("a.tif", tiff())
    asked = []
    for minute in range(181):
        world.clock.advance_to(START + minute * MINUTE)
        before = len(world.preparations.job_ids)
        world.sweep.sweep()
        while world.submissions.job_ids:
            world.submit.advance(world.job(job))
            world.submissions.job_ids.pop()
        if len(world.preparations.job_ids) > before:
            asked.append(minute)
    assert asked == [2, 6, 14, 30, 62, 126]
    assert world.job(job).reason is Reason.PREPARING


def test_a_photo_is_not_sent_before_its_copy_is_made() -> None:
    """A second event or a freed slot finds the job not yet due."""
    world = World()
    job = world.arrives("a.tif", tiff())
    assert world.advance(job) == job
    assert world.preparations.job_ids == [job.id]


def test_a_slot_offered_to_a_photo_being_prepared_goes_to_the_next_job() -> None:
    """Its copy is too old: while a new one is made, the next job uses the slot."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    behind = world.arrives("behind.png", png(salt=2))
    assert (job.is_waiting, behind.is_waiting) == (True, True)
    world.clock.advance(timedelta(hours=21))
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    world.submissions.job_ids.clear()
    world.submit.advance(world.job(job))
    assert world.job(job).reason is Reason.PREPARING
    assert world.job(behind).state is State.PROCESSING


@pytest.mark.parametrize(("hours", "copies"), [(19, 1), (20, 2), (50, 2)])
def test_a_copy_that_waited_too_long_at_the_gate_is_made_again(hours: int, copies: int) -> None:
    """The lifecycle rule might delete it before the provider has read it."""
    world = World(limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    made = job.prepared
    assert made is not None
    world.clock.advance(timedelta(hours=hours))
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    world.deliver_all()
    sent = world.job(job)
    assert (sent.state, world.telemetry.counts[Metric.PREPARED]) == (State.PROCESSING, copies)
    assert sent.prepared is not None
    assert sent.prepared.made_at == (START if copies == 1 else world.clock.now())


def test_a_missing_copy_is_made_again() -> None:
    """The work bucket was emptied, and the photo still exists."""
    world = World(transport=Transport.FILES, limits=replace(World().limits, max_in_flight=1))
    first = world.arrives("first.png", png())
    job = prepared(world, tiff())
    world.copies.objects.clear()
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    world.deliver_all()
    assert world.job(job).state is State.PROCESSING
    assert world.files.copies == {f"cutout-{job.id}-1-{KEY_SALT}.jpeg": b"jpeg 600 400 of 0"}
