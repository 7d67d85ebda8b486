"""A job whose result is about to be stored, for tests of single tries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.states import Move, State
from cutout.ports.buckets import Labels
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import TIMING, World, png

CUT_SHORT = "each try to store the result was cut short"
LABELS = Labels(metadata={"sku": "4711"}, tags={})


class Storing:
    """A job whose task is completed, and the use case that has the lease on its result."""

    def __init__(self, world: World, result: bytes = CUT_OUT, **facts: Any) -> None:
        self.world = world
        source = world.uploads.add("a.jpg", png(), LABELS)
        job = world.registered(source)
        assert job is not None
        world.submit.advance(job)
        world.deliver_all()
        world.evolink.complete(world.task_of(job), result)
        self.task: Task = world.evolink.tasks[world.task_of(job)]
        job = world.job(job)
        lease = START + TIMING.lease
        job = replace(job, storing_attempt=1).move(Move.FETCH, now=START, due_at=lease)
        self.job: Job = replace(job, **{"failures": 1, "cut_short": 1} | facts)
        world.jobs.jobs[job.id] = self.job
        self.use_case = replace(world.track_task.store_result, randomness=lambda: 0.0)

    def store(self) -> Job:
        """Store the result; returns the job."""
        return self.use_case.store(self.job, self.task)

    def changed(self, job: Job) -> dict[str, object]:
        """The fields that later tries depend on."""
        names = ("state", "reason", "due_at", "tries", "failures", "cut_short")
        return {name: getattr(job, name) for name in names}


def settled(job: Job) -> tuple[State, Reason | None, str | None]:
    """State, reason and message of a job."""
    return job.state, job.reason, job.message
