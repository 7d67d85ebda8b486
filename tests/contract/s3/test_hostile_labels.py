"""Any labels of an upload can be written to its cut-out: read and written through S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.domain.states import State
from cutout.usecases.shared.notes_and_tags import ShownVersions
from cutout.usecases.store_result.publish_with_metadata import Publisher
from tests.support.aws_account import Account, s3_with
from tests.support.builders import a_job, a_source, an_attempt
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.queues import MemoryTelemetry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST = "x" * 1024
KEYS = ["a.jpg", "a b+ü%20 写真.jpg", "../up.jpg", "\u202egpj.exe", LONGEST, "\n\t\x01.jpg"]
HEADERS = [
    {},
    {"x-amz-meta-sku": "=?unicode_escape?Q?=5Cud800?="},
    {"x-amz-meta-sku": "=?utf-7?Q?+2AA-?="},
    {"x-amz-meta-sku": "=?UTF-8?Q?=ED=A0=80?=", "x-amz-meta-shop": "=?utf-16?B?2AA=?="},
    {"Expires": "Sat, 01 Jan 10000 00:00:00 GMT"},
    {"Expires": "Thu, 01 Jan 2026 00:00:00 +9999", "Cache-Control": "x" * 6000},
    {f"x-amz-meta-{n}": "=?UTF-8?B?w7w=?=" for n in range(300)},
    {"Content-Language": "=?utf-7?Q?+2AA-?="},
]
TAGS = [{}, {f"{n}{'中' * 100}": "中" * 256 for n in range(10)}, {str(n): "" for n in range(10)}]
MAX_REQUEST_BYTES = 8 * 1024
SIGNING_BYTES = 2500
"""For the token of a function's session, which the made-up account has none of."""


@pytest.fixture
def s3(account: Account) -> Iterator[S3Client]:
    """S3 with uploads and results."""
    with s3_with(account, "uploads", "results", versioned=["uploads"]) as client:
        yield client


@pytest.mark.parametrize(
    ("key", "headers", "tags"),
    [
        *((key, HEADERS[6], TAGS[1]) for key in KEYS),
        *((LONGEST, headers, TAGS[0]) for headers in HEADERS),
        (LONGEST, HEADERS[-1], TAGS[2]),
    ],
    ids=range(len(KEYS) + len(HEADERS) + 1),
)
def test_labels_of_any_upload_fit_into_the_request_that_writes_its_cut_out(
    s3: S3Client, tmp_path: Path, key: str, headers: dict[str, str], tags: dict[str, str]
) -> None:
    """All headers together are within the 8 KB that S3 takes, and ASCII; nothing raises."""
    sent: dict[str, str] = {}

    def add(request: Any, **_: object) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    def note(request: Any, **_: object) -> None:
        sent.update({name: _text(value) for name, value in request.headers.items()})

    s3.meta.events.register("before-sign.s3.PutObject", add)
    version = s3.put_object(Bucket="uploads", Key=key, Body=b"x")["VersionId"]
    s3.meta.events.unregister("before-sign.s3.PutObject", add)
    if tags:
        tag_set: Any = [{"Key": name, "Value": value} for name, value in tags.items()]
        s3.put_object_tagging(
            Bucket="uploads", Key=key, VersionId=version, Tagging={"TagSet": tag_set}
        )
    job = a_job(
        State.STORING,
        source=a_source(key=key, version_id=version),
        attempts=(an_attempt(1, task_id="task-1"),),
        storing_attempt=1,
    )
    uploads = S3Uploads(s3)
    publisher = Publisher(
        uploads=uploads,
        results=S3Results(s3, "results"),
        shown_versions=ShownVersions(
            current_versions=uploads, latest_versions=MemoryJobs(FakeClock())
        ),
        telemetry=MemoryTelemetry(),
        model="m" * 40,
    )
    file = tmp_path / "result"
    file.write_bytes(b"cut-out")
    s3.meta.events.register_first("before-send.s3.PutObject", note)
    assert S3Results(s3, "results").put(
        key,
        file,
        content_type="image/png",
        labels=publisher.labels(job)[0],
        replacing=None,
    )
    assert sent["x-amz-meta-cutout-job"] == job.id
    size = sum(len(name) + len(value) + 4 for name, value in sent.items())
    assert size <= MAX_REQUEST_BYTES - SIGNING_BYTES


def _text(header: str | bytes) -> str:
    return header.decode("ascii") if isinstance(header, bytes) else header
