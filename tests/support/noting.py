"""Photos whose end has an error note, and the note's content."""

from __future__ import annotations

import json
from datetime import timedelta

from cutout.domain.job.job import Job
from tests.support.fakes.world import World

NOTE = "a.jpg.error.json"
TEXT = b"a text, renamed"
MINUTE = timedelta(minutes=1)


def failed(world: World, key: str = "a.jpg", code: str = "content_policy_violation") -> Job:
    """Upload a photo that the provider refuses to cut out."""
    job = world.arrives(key)
    world.evolink.fail(world.task_of(job), code, "Not this one.")
    return world.check_task(job)


def completed(world: World, job: Job) -> Job:
    """Complete the job's newest task, and send its callback."""
    world.evolink.complete(world.task_of(job))
    return world.check_task(job)


def retried(world: World, job: Job) -> Job:
    """Retry the job as a person, and let Submit make the call."""
    world.operate.retry(world.job(job))
    return world.advance(world.job(job))


def said(world: World, key: str = NOTE) -> dict[str, object]:
    """Return the content of a note."""
    told: dict[str, object] = json.loads(world.notes.stored[key].text)
    return told
