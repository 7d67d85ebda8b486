"""The people who run the product."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from cutout.errors import JobMovedError
from cutout.gate import PauseReason
from cutout.states import TRANSITIONS, Move
from cutout.usecases.wake import change_gate
from tests.fakes.evolink import CUT_OUT
from tests.simulation.scene import Scene


class Operators:
    """They look in as often as Sweep does; what they did is on record."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.world
        self.faults = scene.faults
        self.rng = scene.rng
        self.retries: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.lost_copies: set[str] = set()

    def look_in(self) -> None:
        """Mend what only a person can, and do what people do now and then."""
        self._reopen_what_is_stuck()
        self._operate()
        for queue in (self.scene.submissions, self.scene.preparations):
            if queue.dead and self.rng.random() < 0.1:
                queue.redrive()

    def _reopen_what_is_stuck(self) -> None:
        gate = self.world.jobs.gate
        is_stuck = gate is not None and gate.pause is not None and gate.pause.until is None
        if is_stuck and (self.faults.is_quiet or self.rng.random() < 0.1):
            assert gate is not None
            assert gate.pause is not None
            assert gate.pause.reason in {PauseReason.KEY_REFUSED, PauseReason.OPERATOR}
            change_gate(self.world.jobs, lambda gate: gate.resuming())

    def _operate(self) -> None:
        """What a person does now and then."""
        jobs = self.world.jobs.jobs.values()
        retryable = [job for job in jobs if job.state in TRANSITIONS[Move.RETRY][0]]
        if retryable and self.faults.strikes("retried"):
            job = self.rng.choice(retryable)
            self.retries[job.id] += 1
            with suppress(JobMovedError):
                self.world.operate.retry(job)
        if self.world.kept.objects and self.faults.strikes("kept_lost"):
            key = self.rng.choice(sorted(self.world.kept.objects))
            self.lost[key] += 1
            if self.rng.random() < 0.5:
                self.world.kept.lose(key)
            else:
                self.world.kept.objects[key] = CUT_OUT + b" damaged"
        if self.world.copies.objects and self.faults.strikes("copy_lost"):
            copy = self.rng.choice(sorted(self.world.copies.objects))
            self.lost_copies.add(copy)
            del self.world.copies.objects[copy]
        if self.faults.strikes("paused"):
            self.world.operate.pause()
            self.scene.agenda.plan(self.rng.uniform(60, 1200), self._reopen)
        if self.faults.strikes("limits_changed"):
            self.world.operate.set_limits(max_in_flight=self.rng.choice((1, 2, 5, 8)))

    def _reopen(self) -> None:
        self.world.operate.resume()
