"""Running seeds."""

from __future__ import annotations

from tests.fakes.world import World
from tests.simulation.engine import Engine
from tests.simulation.promises import check_always, check_at_end


def run(seed: int, *, photos: int = 12, world: type[World] = World) -> Engine:
    """One run, checked throughout.

    Raises:
        PromiseBrokenError: with the seed, which shows the same again.
    """
    engine = Engine(seed, photos=photos, world=world)
    engine.run(check_always)
    check_at_end(engine)
    return engine
