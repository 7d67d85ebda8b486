"""Photos that come to an end of which a note tells, and what the note says."""

from __future__ import annotations

import json
from datetime import timedelta

from cutout.domain.job.job import Job
from tests.support.fakes.world import World

NOTE = "a.jpg.error.json"
TEXT = b"a text, renamed"
MINUTE = timedelta(minutes=1)


def failed(world: World, key: str = "a.jpg", code: str = "content_policy_violation") -> Job:
    """A photo that the provider refuses to cut out."""
    job = world.arrives(key)
    world.evolink.fail(world.task_of(job), code, "Not this one.")
    return world.wake(job)


def completed(world: World, job: Job) -> Job:
    """The job's newest task ends well, and its callback comes."""
    world.evolink.complete(world.task_of(job))
    return world.wake(job)


def retried(world: World, job: Job) -> Job:
    """A person has it tried again, and Submit calls."""
    world.operate.retry(world.job(job))
    return world.advance(world.job(job))


def said(world: World, key: str = NOTE) -> dict[str, object]:
    """What a note says."""
    told: dict[str, object] = json.loads(world.notes.stored[key].text)
    return told
