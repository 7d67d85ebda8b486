"""The people who run the product."""

from __future__ import annotations

from contextlib import suppress

from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.states import TRANSITIONS, Move, State
from cutout.ports.jobs_table import JobMovedError
from cutout.usecases.shared.change_gate import change_gate
from tests.simulation.listing import queue_missing
from tests.simulation.promise import demand
from tests.simulation.scene import Scene
from tests.support.fakes.evolink import CUT_OUT

_CAN_ONLY_BE_RESUMED = frozenset({PauseReason.KEY_REFUSED, PauseReason.OPERATOR})


class Operators:
    """Operators who act as often as Sweep; what they did is recorded."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.world
        self.evidence = scene.evidence
        self.faults = scene.faults
        self.rng = scene.rng

    def look_in(self) -> None:
        """Fix what only a person can, and do what operators do now and then."""
        self._reopen_what_is_stuck()
        self._work_on_photos()
        self._run_the_stack()
        self._lose_objects()
        for queue in (self.scene.submissions, self.scene.preparations, self.scene.callbacks):
            if queue.dead and self.rng.random() < 0.1:
                queue.redrive()
        if self.rng.random() < 0.03:
            queue_missing(self.evidence, self.scene.submissions)

    def finish(self) -> bool:
        """Act on everything at the end; return whether there was something left to do."""
        return queue_missing(self.evidence, self.scene.submissions) > 0

    def _reopen_what_is_stuck(self) -> None:
        gate = self.world.jobs.gate
        is_stuck = gate is not None and gate.pause is not None and gate.pause.until is None
        if is_stuck and (self.faults.is_quiet or self.rng.random() < 0.1):
            assert gate is not None
            assert gate.pause is not None
            assert gate.pause.reason in _CAN_ONLY_BE_RESUMED
            change_gate(self.world.jobs, lambda gate: gate.resuming())

    def _work_on_photos(self) -> None:
        jobs = [job for job in self.world.jobs.jobs.values() if job.id not in self.scene.jobs.newer]
        retryable = [job for job in jobs if job.state in TRANSITIONS[Move.RETRY][0]]
        if retryable and self.faults.strikes("retried"):
            job = self.rng.choice(retryable)
            self.evidence.retries.setdefault(job.id, []).append(self.scene.clock.now())
            with suppress(JobMovedError):
                self.world.operate.retry(job)
        doubtful = [job for job in jobs if job.state is State.REVIEW]
        if doubtful and self.faults.strikes("decided"):
            self._decide(self.rng.choice(doubtful))
        completed = [job for job in jobs if job.state is State.COMPLETED]
        if completed and self.faults.strikes("rendered"):
            request = RenderRequest(job_id=self.rng.choice(completed).id, recipes=("web",))
            self.world.callbacks.render([request])

    def _decide(self, job: Job) -> None:
        """Have two people decide on the same result: the first decision counts."""
        for by in ("arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ben"):
            verdict = self.rng.choice(tuple(Verdict))
            recorded = self.world.reviews.decide(job, verdict, by)
            if recorded.problem is None:
                decided = self.evidence.decisions.setdefault(job.id, [])
                demand(self.evidence, recorded.job.version == job.version + 1, 7, "two decisions")
                decided.append((verdict, by))

    def _run_the_stack(self) -> None:
        if self.faults.strikes("paused"):
            self.world.operate.pause()
            self.scene.agenda.plan(self.rng.uniform(60, 1200), self.world.operate.resume)
        if self.faults.strikes("limits_changed"):
            self.world.operate.set_limits(max_in_flight=self.rng.choice((1, 2, 5, 8)))
        if self.faults.strikes("keys_rotated"):
            self.scene.keys.rotate()
        jobs = list(self.world.jobs.jobs.values())
        if jobs and self.faults.strikes("taken_back"):
            for job in self.rng.sample(jobs, min(3, len(jobs))):
                self.scene.jobs.take_over(job)
            self.scene.agenda.plan(self.rng.uniform(300, 3600), self.scene.jobs.understand_all)

    def _lose_objects(self) -> None:
        """Delete photos by hand, or by a lifecycle rule."""
        if self.world.cached_results.objects and self.faults.strikes("kept_lost"):
            key = self.rng.choice(sorted(self.world.cached_results.objects))
            self.evidence.kept_is_lost(key)
            if self.rng.random() < 0.5:
                self.world.cached_results.lose(key)
            else:
                self.world.cached_results.objects[key] = CUT_OUT + b" damaged"
        if self.world.copies.objects and self.faults.strikes("copy_lost"):
            copy = self.rng.choice(sorted(self.world.copies.objects))
            self.evidence.copies_lost.add(copy)
            del self.world.copies.objects[copy]
