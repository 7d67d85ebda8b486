"""A photo that is prepared, for the tests about that."""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.job.job import Job
from tests.support.fakes.world import World


def prepared(world: World, data: bytes, key: str = "a.tif") -> Job:
    """A photo that came, was prepared and sent on."""
    job = world.arrives(key, data)
    world.settles()
    return world.job(job)


def without_preparing(world: World) -> World:
    """A deployment in which Prepare is turned off."""
    requests = replace(world.submit.copy_requests, queue=None)
    admit_job = replace(world.submit.admit_job, copy_requests=requests)
    world.submit = replace(world.submit, copy_requests=requests, admit_job=admit_job)
    return world
