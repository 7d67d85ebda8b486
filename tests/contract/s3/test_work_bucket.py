"""Copies in the work bucket: the same tests for the fake and for S3."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.s3.work_bucket import S3Copies
from cutout.adapters.sqs import SqsPreparations, SqsSubmissions
from cutout.domain.errors import CopyGoneError, MessageError, SourceGoneError
from cutout.domain.job.source import Photo, Source
from cutout.domain.messages.message_parsing import read_request, read_submission
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport, PrepareRequest
from cutout.domain.reasons import Reason
from cutout.ports.buckets import Copies, FetchedUpload
from tests.support.aws_account import REGION, Account
from tests.support.builders import a_source
from tests.support.fakes.buckets import MemoryCopies, MemoryUploads

KEY = "prepared/0f0f.jpg"


@pytest.fixture
def copies(account_or_fake: Account | None) -> Iterator[Copies]:
    """An empty work bucket."""
    if account_or_fake is None:
        yield MemoryCopies()
        return
    with account_or_fake() as clients:
        clients.s3.create_bucket(
            Bucket="work", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield S3Copies(clients.s3, "work")


def test_copy_is_read_as_it_was_put(copies: Copies, tmp_path: Path) -> None:
    """A second one with the same name, of the same photo, replaces it."""
    file = tmp_path / "copy"
    for data in (b"first", b"second"):
        file.write_bytes(data)
        copies.put(KEY, file, content_type="image/jpeg")
        assert copies.read(KEY) == data
        copies.fetch(KEY, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == data


def test_missing_copy_is_gone(copies: Copies) -> None:
    """The lifecycle rule deleted it."""
    with pytest.raises(CopyGoneError, match=KEY):
        copies.read(KEY)


def test_removed_copy_is_gone(copies: Copies, tmp_path: Path) -> None:
    """Removing it twice is no error."""
    file = tmp_path / "copy"
    file.write_bytes(b"a copy")
    copies.put(KEY, file, content_type="image/png")
    for _ in range(2):
        copies.remove(KEY)
        with pytest.raises(CopyGoneError):
            copies.fetch(KEY, file)


def test_copy_has_its_content_type(account: Account, tmp_path: Path) -> None:
    """The provider reads it."""
    file = tmp_path / "copy"
    file.write_bytes(b"a copy")
    with account() as clients:
        clients.s3.create_bucket(
            Bucket="work", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        S3Copies(clients.s3, "work").put(KEY, file, content_type="image/jpeg")
        assert clients.s3.head_object(Bucket="work", Key=KEY)["ContentType"] == "image/jpeg"


DATA = bytes(range(256)) * 8000


def test_upload_in_memory_is_fetched_into_a_file_with_hash_and_metadata(tmp_path: Path) -> None:
    """Like those of S3 below."""
    uploads = MemoryUploads()
    source = uploads.add("a.heic", DATA)
    file = tmp_path / "photo"
    expected = FetchedUpload(metadata={}, sha256=hashlib.sha256(DATA).hexdigest())
    assert uploads.fetch(source, file) == expected
    assert file.read_bytes() == DATA
    uploads.destroy(source)
    with pytest.raises(SourceGoneError):
        uploads.fetch(source, file)


def test_upload_is_fetched_into_a_file_with_hash_and_metadata(
    account: Account, tmp_path: Path
) -> None:
    """The right version, in pieces."""
    file = tmp_path / "photo"
    with account() as clients:
        s3 = clients.s3
        s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
        put = s3.put_object(Bucket="uploads", Key="a.heic", Body=DATA, Metadata={"shelf": "3"})
        s3.put_object(Bucket="uploads", Key="a.heic", Body=b"newer")
        source = Source(
            bucket="uploads",
            key="a.heic",
            version_id=put["VersionId"],
            etag="",
            sequencer="00",
            size=len(DATA),
        )
        uploads = S3Uploads(s3)
        expected = FetchedUpload(metadata={"shelf": "3"}, sha256=hashlib.sha256(DATA).hexdigest())
        assert uploads.fetch(source, file) == expected
        assert file.read_bytes() == DATA
        s3.delete_object(Bucket="uploads", Key="a.heic", VersionId=put["VersionId"])
        with pytest.raises(SourceGoneError):
            uploads.fetch(source, file)


def test_request_for_copies_is_read_by_prepare_as_it_was_sent(account: Account) -> None:
    """Job, bytes and copies, in a form that an earlier version understands."""
    request = PrepareRequest(
        job_id="0f" * 16,
        source=a_source(key="a b+ü%20.tif"),
        wanted=(CopyKind.FOR_MODEL, CopyKind.FULL_SIZE),
        ask=1795166131000,
    )
    with account() as clients:
        url = clients.sqs.create_queue(QueueName="preparations")["QueueUrl"]
        SqsPreparations(clients.sqs, url).prepare(request)
        (message,) = clients.sqs.receive_message(QueueUrl=url)["Messages"]
        assert read_request(message["Body"]) == request
        assert json.loads(message["Body"])["job"] == request.job_id
        assert urlsplit(url).path.endswith("preparations")


@pytest.mark.parametrize(
    "report",
    [
        PrepareReport(
            job_id="0f" * 16,
            ask=1795166131000,
            version="v1",
            photo=Photo(format="heic", width=40, height=30, sha256="0f" * 32, orientation=6),
            copies=(MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=9, width=40, height=30),),
            problem="too large",
            is_backfill=True,
            bypass_cache=True,
            recipes=("web",),
        ),
        PrepareReport(
            job_id="0f" * 16,
            ask=1,
            version="etag",
            reason=Reason.DAMAGED_PHOTO,
            message="cut short",
        ),
    ],
)
def test_report_of_prepare_is_read_by_submit_as_it_was_sent(
    account: Account, report: PrepareReport
) -> None:
    """Whatever the report contains."""
    with account() as clients:
        url = clients.sqs.create_queue(QueueName="submissions")["QueueUrl"]
        SqsSubmissions(clients.sqs, url).report(report)
        (message,) = clients.sqs.receive_message(QueueUrl=url)["Messages"]
        assert read_submission(message["Body"]) == report
        assert json.loads(message["Body"])["job"] == report.job_id


def test_message_with_only_a_job_is_no_request_for_copies() -> None:
    """Prepare cannot read jobs."""
    strange = (
        '{"job": "0f"}',
        '{"job": 1}',
        '{"job": "x", "prepare": 3}',
        '{"job": "x", "prepare": {}}',
    )
    for body in ("[]", "{}", *strange):
        with pytest.raises(MessageError):
            read_request(body)
