"""What a seed decides before anything happens."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from cutout.adapters.sqs import SqsCallbacks, SqsPreparations, SqsSubmissions
from cutout.domain.gate.gate import Limits
from cutout.domain.recipes import Recipe
from cutout.domain.states import Transport
from tests.simulation.actors import step
from tests.simulation.agenda import Agenda
from tests.simulation.clocks import WorkersClock
from tests.simulation.evidence import Evidence
from tests.simulation.faults import Faults, Mix
from tests.simulation.inputs import ExpiringCopies
from tests.simulation.keys import RotatingKeys
from tests.simulation.queue import SimQueue
from tests.simulation.table import SimJobs
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.world import TIMING, World

KINDS_OF_SCENES = 8
"""The remainder of a seed decides whether workers compete, and uploads are of one picture."""
_EARLY = 0.1
_EARLIER = timedelta(hours=11, minutes=50)
_VISIBILITY = timedelta(seconds=540)
_RECIPES = (Recipe(name="web", format="webp"),)


class Scene:
    """A world, what can go wrong in it, and what is planned."""

    def __init__(self, label: str, rng: random.Random, mix: Mix, start: datetime) -> None:
        self.rng = rng
        self.faults = Faults(mix=mix, rng=rng)
        self.clock = WorkersClock(start)
        self.keys = RotatingKeys(self.clock.true)
        self.jobs = SimJobs(self.clock.true, step, self.faults)
        self.submissions = self._queue("submissions")
        self.preparations = self._queue("preparations")
        self.callbacks = self._queue("callbacks")
        self.agenda = Agenda(self.clock)
        self.label = label
        self.is_contended = False
        self.is_alike = False

    def furnish(self, *, is_versioned: bool, **choices: Any) -> None:
        """Make the world of a deployment."""
        made = World(
            step=step,
            rng=self.rng,
            clock=self.clock,
            copies=ExpiringCopies(self.clock.true, step),
            jobs=self.jobs,
            uploads=MemoryUploads(step, is_versioned=is_versioned),
            keys=self.keys,
            **_adapters(self.submissions, self.preparations, self.callbacks),
            **choices,
        )
        made.evolink.clock = self.clock.true
        made.evolink.create_rule = self.faults.on_create
        made.evolink.read_rule = partial(self.faults.on_read, made.evolink)
        made.evolink.price_rule = self.faults.price
        made.downloads.rule = self.faults.on_fetch
        self.world = made
        self.evidence = Evidence(
            label=self.label,
            world=made,
            has_odd_prices=self.faults.mix.price_odd > 0,
        )

    def _queue(self, name: str) -> SimQueue:
        return SimQueue(
            name=name,
            clock=self.clock.true,
            step=step,
            faults=self.faults,
            visibility=_VISIBILITY,
        )


def drawn(seed: int, likelier: Mapping[str, float]) -> Scene:
    """What a seed decides before anything happens."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    # If the day's credits are spent early, jobs wait for nearly a day: copies expire.
    mix, start = _mix(seed, rng), START - _EARLIER if rng.random() < _EARLY else START
    scene = Scene(f"seed {seed}", rng, replace(mix, **likelier), start)
    # One run in four has slow workers that compete for a single key.
    scene.is_contended = seed % 4 == 3
    # And one in four has uploads of mostly one picture, whose results fail now and then.
    scene.is_alike = seed % 4 == 1
    cap = Decimal(5000) if scene.is_contended else rng.choice((Decimal(40), Decimal(5000)))
    scene.furnish(
        is_versioned=rng.random() < 0.7,
        timing=replace(TIMING, retention=timedelta(days=rng.choice((25, 90)))),
        limits=Limits(
            max_in_flight=8 if scene.is_contended else rng.choice((1, 3, 3, 8)),
            daily_credit_cap=cap,
        ),
        transport=rng.choice((Transport.PRESIGNED, Transport.PRESIGNED, Transport.FILES)),
        reuse=rng.random() < 0.8,
        recipes=_RECIPES if rng.random() < 0.5 else (),
        delete_with_source=rng.random() < 0.5,
        tag_sources=rng.random() < 0.5,
    )
    scene.world.evolink.honours_keys = rng.random() < 0.7
    return scene


def _adapters(submissions: Any, preparations: Any, callbacks: Any) -> dict[str, Any]:
    return {
        "submissions": SqsSubmissions(submissions, ""),
        "preparations": SqsPreparations(preparations, ""),
        "reports": SqsSubmissions(submissions, ""),
        "callbacks": SqsCallbacks(callbacks, ""),
    }


def _mix(seed: int, rng: random.Random) -> Mix:
    mix = Mix.draw(rng)
    # In every other run of slow workers nothing else fails, so that fast ones overtake them.
    if seed % KINDS_OF_SCENES == 7:
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
