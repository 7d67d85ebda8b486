"""Photos that are already in the uploads bucket of a stack in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Photo
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.listings import ListedObject
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import RESULTS, UPLOADS, make_job
from tests.support.cli.world import World

BYTES = b"a photo"
OTHER = b"another"
"""As many bytes."""
MD5 = hashlib.md5(BYTES, usedforsecurity=False).hexdigest()


def sha256(content: bytes) -> str:
    """Return the hash that jobs have."""
    return hashlib.sha256(content).hexdigest()


def in_bucket(
    world: World,
    key: str,
    *,
    size: int = len(BYTES),
    etag: str = "e1",
    version_id: str | None = "v1",
    age: timedelta = timedelta(hours=1),
) -> ListedObject:
    """An object of the uploads bucket, an hour old."""
    uploads = world.stack.bucket(UPLOADS)
    return uploads.add(key, at=NOON - age, size=size, etag=etag, version_id=version_id)


def processed(
    world: World,
    key: str,
    state: State = State.COMPLETED,
    *,
    reason: Reason | None = None,
    content: bytes = BYTES,
    version_id: str | None = "v1",
) -> Job:
    """The job of an upload of these bytes; a completed one has its cut-out."""
    listed = in_bucket(world, key, version_id=version_id)
    source = listed.source(UPLOADS, "0A")
    photo = Photo(format="JPEG", width=600, height=400, sha256=sha256(content))
    job = make_job(key, state=state, reason=reason, code="code", message="message")
    job = replace(job, id=source.job_id, source=source, photo=photo)
    world.stack.know(job)
    world.stack.table.advance(
        LatestVersion(source_ref=source.ref, order=source.order, job_id=job.id)
    )
    if job.result:
        world.stack.bucket(RESULTS).add(job.result.key)
    return job
