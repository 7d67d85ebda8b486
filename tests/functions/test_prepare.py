"""Prepare: makes copies of photos, in processes of their own, and reports to Submit."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from cutout.adapters.sqs import written_request
from cutout.domain.messages.preparation import CopyKind, PrepareRequest
from infra.local.place import shipped_photos
from tests.functions.conftest import Start
from tests.functions.deployed import UPLOADS, WORK, Stack
from tests.support.builders import a_source
from tests.support.samples import sample

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
JOB = "0f" * 16


def asked(stack: Stack, data: bytes, *wanted: CopyKind, ask: int | None = 1) -> dict[str, Any]:
    """Return the event by which Prepare is asked for copies of an upload."""
    version = stack.upload("shoes/red.tif", data)
    source = replace(
        a_source(key="shoes/red.tif"), bucket=UPLOADS, version_id=version, size=len(data)
    )
    request = PrepareRequest(job_id=JOB, source=source, wanted=wanted, ask=ask)
    return event(written_request(request))


def event(body: dict[str, Any]) -> dict[str, Any]:
    """One message of the preparations queue."""
    made = sample("sqs-preparations")
    made["Records"][0]["body"] = json.dumps(body)
    return made


def cmyk() -> bytes:
    """Return a photo that the model does not take as it is."""
    data = BytesIO()
    with Image.open(shipped_photos()[0]) as photo:
        photo.convert("CMYK").save(data, "TIFF")
    return data.getvalue()


def test_prepare_makes_copies_and_reports_them(stack: Stack, start: Start) -> None:
    """They are in the work bucket under their job's names; no job is read or written."""
    both = CopyKind.FOR_MODEL, CopyKind.FULL_SIZE
    assert start("prepare")(asked(stack, cmyk(), *both)) == {"batchItemFailures": []}
    (message,) = stack.received(stack.submissions_url)
    assert message["job"] == JOB
    report = message["report"]
    assert (report["photo"]["format"], report.get("reason")) == ("tiff", None)
    s3 = stack.clients.s3
    names = (f"prepared/{JOB}.jpg", f"prepared/{JOB}-full-size.png")
    for copy, key, kind in zip(report["copies"], names, ("jpeg", "png"), strict=True):
        stored = s3.get_object(Bucket=WORK, Key=key)
        assert stored["ContentType"] == f"image/{kind}"
        assert stored["ContentLength"] == copy["size"]
        with Image.open(BytesIO(stored["Body"].read()), formats=[kind]) as image:
            assert (image.mode, image.size) == ("RGB", (copy["width"], copy["height"]))
    assert stack.jobs.find(JOB) is None


def test_prepare_reports_a_damaged_photo_with_the_reason(stack: Stack, start: Start) -> None:
    """Submit ends its job; Prepare could not."""
    start("prepare")(asked(stack, b"II*\0 and then nothing", CopyKind.FOR_MODEL))
    (message,) = stack.received(stack.submissions_url)
    assert message["report"]["reason"] == "damaged-photo"


def test_prepare_makes_an_extra_copy_without_a_report(stack: Stack, start: Start) -> None:
    """StoreResult finds the copy in the work bucket."""
    start("prepare")(asked(stack, cmyk(), CopyKind.FULL_SIZE, ask=None))
    assert stack.received(stack.submissions_url) == []
    s3 = stack.clients.s3
    assert s3.head_object(Bucket=WORK, Key=f"prepared/{JOB}-full-size.png")["ContentLength"] > 0


def test_message_with_only_a_job_goes_to_the_dead_letters(stack: Stack, start: Start) -> None:
    """It is no request of Submit's, which asks again when the job is due."""
    made = event({"job": JOB})
    failed = [{"itemIdentifier": made["Records"][0]["messageId"]}]
    assert start("prepare")(made) == {"batchItemFailures": failed}
    assert stack.received(stack.submissions_url) == []
