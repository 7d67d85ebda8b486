"""A photo that is prepared, for the tests about that."""

from __future__ import annotations

from cutout.job import Job
from tests.fakes.world import World


def prepared(world: World, data: bytes, key: str = "a.tif") -> Job:
    """A photo that came, was prepared and sent on."""
    job = world.arrives(key, data)
    world.settles()
    return world.job(job)
