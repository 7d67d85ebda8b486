"""A prepared photo, for the tests of Prepare."""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.job.job import Job
from tests.support.fakes.world import World


def prepared(world: World, data: bytes, key: str = "a.tif") -> Job:
    """Upload a photo, prepare it, and make its call."""
    job = world.arrives(key, data)
    world.deliver_all()
    return world.job(job)


def without_preparing(world: World) -> World:
    """Return a deployment in which Prepare is turned off."""
    submit = world.submit
    calls = replace(submit.admit_job.paid_calls, copies_are_made=False)
    world.submit = replace(
        submit,
        copy_requests=replace(submit.copy_requests, queue=None),
        copies_are_made=False,
        admit_job=replace(submit.admit_job, paid_calls=calls),
    )
    return world
