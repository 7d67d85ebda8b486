"""Prepare: makes copies of photos that the model does not take as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from cutout.job import Job
from cutout.local.place import shipped_photos
from cutout.states import Reason
from tests.events import sample
from tests.functions.conftest import Start
from tests.functions.deployed import UPLOADS, WORK, Stack
from tests.unit.core.builders import a_source

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def wanting(stack: Stack, data: bytes) -> Job:
    """A job whose photo wants a copy."""
    version = stack.upload("shoes/red.tif", data)
    source = replace(
        a_source(key="shoes/red.tif"), bucket=UPLOADS, version_id=version, size=len(data)
    )
    now = datetime.now(UTC)
    job = Job.begin(source, now=now, due_at=now + timedelta(minutes=2))
    return stack.jobs.claim(replace(job, reason=Reason.PREPARING))


def test_a_photo_is_prepared_recorded_and_handed_back(stack: Stack, start: Start) -> None:
    """The copy is in the work bucket, the row says so, and Submit is woken."""
    data = BytesIO()
    with Image.open(shipped_photos()[0]) as photo:
        photo.convert("CMYK").save(data, "TIFF")
    job = wanting(stack, data.getvalue())
    event = sample("sqs-submissions-job-due")
    event["Records"][0]["body"] = f'{{"job": "{job.id}"}}'
    assert start("prepare")(event) == {"batchItemFailures": []}
    row = stack.jobs.find(job.id)
    assert row is not None
    assert row.prepared is not None
    assert (row.prepared.key, row.prepared.format) == (f"prepared/{job.id}.jpg", "jpeg")
    stored = stack.clients.s3().get_object(Bucket=WORK, Key=row.prepared.key)
    assert stored["ContentType"] == "image/jpeg"
    assert stored["ContentLength"] == row.prepared.size
    assert stack.received(stack.submissions_url) == [{"job": job.id}]


def test_a_damaged_photo_is_handed_back_with_the_reason(stack: Stack, start: Start) -> None:
    """Submit settles it; Prepare could not."""
    job = wanting(stack, b"II*\0 and then nothing")
    event = sample("sqs-submissions-job-due")
    event["Records"][0]["body"] = f'{{"job": "{job.id}"}}'
    start("prepare")(event)
    row = stack.jobs.find(job.id)
    assert row is not None
    assert (row.state, row.reason) == (job.state, Reason.DAMAGED_PHOTO)
    assert stack.received(stack.submissions_url) == [{"job": job.id}]
