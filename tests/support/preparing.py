"""A photo that is prepared, for the tests about that."""

from __future__ import annotations

from cutout.domain.job.job import Job
from tests.support.fakes.world import World


def prepared(world: World, data: bytes, key: str = "a.tif") -> Job:
    """A photo that came, was prepared and sent on."""
    job = world.arrives(key, data)
    world.settles()
    return world.job(job)
