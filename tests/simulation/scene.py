"""What a seed decides before anything happens."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from cutout.gate import Limits
from cutout.states import Transport
from tests.fakes.clock import START, FakeClock
from tests.fakes.world import TIMING, World
from tests.simulation.actors import step
from tests.simulation.agenda import Agenda
from tests.simulation.faults import Faults, Mix
from tests.simulation.inputs import ExpiringCopies
from tests.simulation.queue import SimQueue

_EARLY = 0.1
_EARLIER = timedelta(hours=11, minutes=50)


class Scene:
    """A world, what can go wrong in it, and what is planned."""

    def __init__(self, seed: int, world: type[World]) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
        # One run in four is a fight over a single key, by workers that stall.
        self.is_contended = seed % 4 == 3
        # And one in four has uploads of mostly one picture, whose purchases fail now and then.
        self.is_alike = seed % 4 == 1
        self.faults = Faults(mix=_mix(seed, self.rng), rng=self.rng)
        self.world = _made(world, self.rng, self.faults, is_contended=self.is_contended)
        self.submissions: SimQueue = self.world.submissions  # type: ignore[assignment]
        self.callbacks: SimQueue = self.world.callbacks  # type: ignore[assignment]
        self.preparations: SimQueue = self.world.preparations  # type: ignore[assignment]
        self.agenda = Agenda(self.world.clock)


def _mix(seed: int, rng: random.Random) -> Mix:
    mix = Mix.draw(rng)
    # In every other fight nothing else goes wrong, so that the quick do overtake the slow.
    if seed % 8 == 7:
        mix = Mix.none()
    if seed % 4 == 3:
        mix.stall = 0.02
    if seed % 4 == 1:
        mix.same_picture = 0.9
        mix.task_failed = 0.3
        mix.create_refused = 0.2
        mix.result_odd = 0.2
        mix.stall = 0.02
    return mix


def _made(world: type[World], rng: random.Random, faults: Faults, *, is_contended: bool) -> World:
    # Who comes early and finds the day's credits spent waits for nearly a day: copies expire.
    clock = FakeClock(START - _EARLIER if rng.random() < _EARLY else START)
    visibility = timedelta(seconds=540)
    queues: Any = [
        SimQueue(clock=clock, step=step, rng=rng, visibility=visibility) for _ in range(3)
    ]
    made = world(
        step=step,
        timing=TIMING,
        limits=Limits(
            max_in_flight=8 if is_contended else rng.choice((1, 3, 3, 8)),
            daily_credit_cap=Decimal(5000)
            if is_contended
            else rng.choice((Decimal(40), Decimal(5000))),
        ),
        rng=rng,
        transport=rng.choice((Transport.PRESIGNED, Transport.PRESIGNED, Transport.FILES)),
        clock=clock,
        submissions=queues[0],
        callbacks=queues[1],
        preparations=queues[2],
        copies=ExpiringCopies(clock, step),
        reuse=rng.random() < 0.8,
    )
    made.evolink.create_rule = faults.on_create
    made.evolink.read_rule = faults.on_read
    made.downloads.rule = faults.on_fetch
    made.jobs.loses_answer = lambda: faults.strikes("answer_lost")
    made.jobs.lag = partial(_lag, faults)
    made.evolink.honours_keys = rng.random() < 0.7
    return made


def _lag(faults: Faults, views: int) -> int:
    """Indexes mostly show the present; sometimes a few writes ago."""
    if faults.is_quiet or faults.rng.random() < 0.8:
        return views - 1
    return faults.rng.randrange(views)
