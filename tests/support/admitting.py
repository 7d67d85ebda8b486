"""Jobs that wait at the gate, and their steps there."""

from __future__ import annotations

from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from cutout.usecases.shared.change_gate import change_gate
from tests.support.fakes.clock import START
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook

SEAL = Pause(reason=PauseReason.NEWER_VERSION, since=START, until=None)
STEPS = ("gate.", "backlog.", "bodies.", "purchases.", "jobs.save", "files.", "evolink.create")


def registered(world: World, key: str = "a.jpg", lane: Lane = Lane.LIVE) -> Job:
    """Return the job of an upload that Submit has not advanced."""
    job = world.registered(world.uploads.add(key, png(salt=len(world.jobs.jobs))), lane=lane)
    assert job is not None
    return job


def taken(hook: Hook) -> list[str]:
    """Return the steps that use gate, record, body, job or provider, in their order."""
    return [step for step in hook.seen if step.startswith(STEPS)]


def sealed(world: World) -> World:
    """Return a world in which another job was admitted before."""
    change_gate(world.jobs, lambda gate: gate.sealed(START))
    return world


def held(job: Job) -> tuple[State, Reason | None, bool, int]:
    """Return how a job waits, and how many attempts it has."""
    return job.state, job.reason, job.is_waiting, len(job.attempts)
