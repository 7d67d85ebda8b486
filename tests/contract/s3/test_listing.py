"""Whole buckets: their listings, and copies between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cutout.adapters.s3.bucket_copies import S3Transfers
from cutout.adapters.s3.listing import S3Listing
from cutout.domain.errors import ObjectRefusedError
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import State
from cutout.operator.audit import Audit, Finding, Rules
from cutout.ports.listings import ListedObject, Provenance
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.aws_account import Account, s3_with
from tests.support.builders import RESULT, a_job
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.jobs import MemoryJobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "Söhne & Töchter/red shoe + 100%/写真.jpg"
MARKS = {"cutout-lane": "backfill"}


@pytest.fixture
def s3(account: Account) -> Iterator[S3Client]:
    """S3 with three buckets: uploads and old have versioning, plain does not."""
    with s3_with(account, "uploads", "old", "plain", versioned=["uploads", "old"]) as client:
        yield client


def listed(s3: S3Client, bucket: str, prefix: str = "") -> list[ListedObject]:
    """Return all pages in one list."""
    return [one for page in S3Listing(s3, bucket).pages(prefix) for one in page]


def test_newest_version_of_each_key_is_listed(s3: S3Client) -> None:
    """Neither older versions nor deleted keys are."""
    s3.put_object(Bucket="uploads", Key=KEY, Body=b"older")
    newer = s3.put_object(Bucket="uploads", Key=KEY, Body=b"newest")
    s3.put_object(Bucket="uploads", Key="gone.jpg", Body=b"x")
    s3.delete_object(Bucket="uploads", Key="gone.jpg")
    (one,) = listed(s3, "uploads")
    assert (one.key, one.version_id, one.size) == (KEY, newer["VersionId"], 6)
    assert one.etag == newer["ETag"].strip('"')
    assert one.modified_at.tzinfo is not None


def test_objects_of_a_bucket_without_versioning_have_no_version(s3: S3Client) -> None:
    """As in its events."""
    s3.put_object(Bucket="plain", Key=KEY, Body=b"photo")
    (one,) = listed(s3, "plain")
    assert (one.version_id, one.size) == (None, 5)


@pytest.mark.parametrize("bucket", ["uploads", "plain"])
def test_listing_has_all_pages_and_only_keys_with_its_prefix(s3: S3Client, bucket: str) -> None:
    """In the order of keys, each once."""
    for number in range(7):
        s3.put_object(Bucket=bucket, Key=f"a/{number}", Body=b"")
    s3.put_object(Bucket=bucket, Key="b/0", Body=b"")
    pages = list(S3Listing(s3, bucket, page_size=3).pages("a/"))
    assert len(pages) == 3
    assert [one.key for page in pages for one in page] == [f"a/{n}" for n in range(7)]
    assert listed(s3, bucket, "c/") == []


@pytest.mark.parametrize("bucket", ["uploads", "plain"])
def test_newest_version_of_one_key_equals_its_entry_in_the_listing(
    s3: S3Client, bucket: str
) -> None:
    """Except for fractions of a second; None if there is no object."""
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"photo")
    objects = S3Listing(s3, bucket)
    (one,), newest = listed(s3, bucket), objects.newest(KEY)
    assert newest is not None
    assert newest == replace(one, modified_at=newest.modified_at)
    assert abs(newest.modified_at - one.modified_at) < timedelta(seconds=1)
    s3.delete_object(Bucket=bucket, Key=KEY)
    assert objects.newest(KEY) is None
    assert objects.newest("never.jpg") is None


def test_audit_finds_outdated_cut_out_after_a_version_is_deleted_permanently(
    s3: S3Client,
) -> None:
    """S3 lists the older version as the newest again; the cut-out still names the other."""
    older = s3.put_object(Bucket="uploads", Key="a.jpg", Body=b"older")
    newer = s3.put_object(Bucket="uploads", Key="a.jpg", Body=b"newer")
    made_of_newer = {"cutout-job": "b", "cutout-source-version": newer["VersionId"]}
    s3.put_object(Bucket="plain", Key="a.png", Body=b"", Metadata=made_of_newer)
    s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId=newer["VersionId"])
    jobs = MemoryJobs(FakeClock())
    (first,) = listed(s3, "uploads")
    for version, order in ((older["VersionId"], "0A"), (newer["VersionId"], "0B")):
        source = replace(first, version_id=version).source("uploads", order)
        job = replace(a_job(State.COMPLETED), id=source.job_id, source=source)
        jobs.advance(LatestVersion(source_ref=source.ref, order=source.order, job_id=job.id))
        jobs.claim(replace(job, result=replace(RESULT, key="a.png")))
    watch = UploadFilter(
        uploads_bucket="uploads",
        upload_prefix="",
        results_bucket="plain",
        result_prefix="",
    )
    survey = Audit(
        uploads=S3Listing(s3, "uploads"),
        results=S3Listing(s3, "plain"),
        records=jobs,
        clock=FakeClock(),
        rules=Rules(upload_filter=watch, max_bytes=100, retention=timedelta(days=90)),
    )
    assert [found.finding for page in survey.look("") for found in page] == [Finding.OUTDATED]


def test_cut_out_has_a_provenance(s3: S3Client) -> None:
    """Other programs' objects have none."""
    ours = {"cutout-job": "a", "cutout-source-version": "v1", "cutout-source-order": "00A"}
    s3.put_object(Bucket="plain", Key="ours.png", Body=b"", Metadata=ours)
    s3.put_object(Bucket="plain", Key="theirs.png", Body=b"", Metadata={"owner": "ann"})
    objects = S3Listing(s3, "plain")
    assert objects.provenance("ours.png") == Provenance(job_id="a", version="v1", order="00A")
    assert objects.provenance("theirs.png") is None
    assert objects.provenance("nothing.png") is None


def test_listing_a_missing_bucket_is_an_error(s3: S3Client) -> None:
    """A missing bucket is not taken for an empty one."""
    with pytest.raises(ClientError):
        listed(s3, "nowhere")


@pytest.mark.parametrize("bucket", ["old", "plain"])
def test_copy_has_all_properties_of_the_object_and_the_marks(s3: S3Client, bucket: str) -> None:
    """Bytes, type, headers, metadata, tags."""
    s3.put_object(
        Bucket=bucket,
        Key=KEY,
        Body=b"photo",
        ContentType="image/webp",
        CacheControl="max-age=60",
        Metadata={"owner": "ann"},
        Tagging="shop=north",
    )
    (one,) = listed(s3, bucket)
    assert S3Transfers(s3, bucket, "uploads").copy(one, f"in/{KEY}", MARKS) is True
    copy = s3.get_object(Bucket="uploads", Key=f"in/{KEY}")
    assert (copy["Body"].read(), copy["ContentType"]) == (b"photo", "image/webp")
    assert copy["CacheControl"] == "max-age=60"
    assert copy["Metadata"] == {"owner": "ann", **MARKS}
    tags = s3.get_object_tagging(Bucket="uploads", Key=f"in/{KEY}")["TagSet"]
    assert tags == [{"Key": "shop", "Value": "north"}]


def test_copy_without_room_for_the_marks_has_none(
    s3: S3Client,
) -> None:
    """The owner's metadata comes first; the photo is then processed in the live lane."""
    own = {"owner": "x" * 2040}
    s3.put_object(Bucket="old", Key=KEY, Body=b"photo", Metadata=own)
    (one,) = listed(s3, "old")
    assert S3Transfers(s3, "old", "uploads").copy(one, KEY, MARKS) is True
    assert s3.head_object(Bucket="uploads", Key=KEY)["Metadata"] == own


def test_our_own_cut_outs_are_not_copied(s3: S3Client) -> None:
    """They would be paid for to no purpose."""
    s3.put_object(Bucket="old", Key=KEY, Body=b"cut-out", Metadata={"cutout-job": "a"})
    (one,) = listed(s3, "old")
    assert S3Transfers(s3, "old", "uploads").copy(one, KEY, MARKS) is None
    assert listed(s3, "uploads") == []


def test_deleted_object_is_not_copied(s3: S3Client) -> None:
    """The next run lists it again, or does not."""
    s3.put_object(Bucket="plain", Key=KEY, Body=b"photo")
    (one,) = listed(s3, "plain")
    s3.delete_object(Bucket="plain", Key=KEY)
    assert S3Transfers(s3, "plain", "uploads").copy(one, KEY, MARKS) is False


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_copy_overwrites_nothing(s3: S3Client, code: str) -> None:
    """S3 is asked to copy only if the key is free, and only these bytes."""
    s3.put_object(Bucket="plain", Key="a.jpg", Body=b"photo")
    (one,) = listed(s3, "plain")
    head = s3.head_object(Bucket="plain", Key="a.jpg")
    with Stubber(s3) as stub:
        stub.add_response("get_object", _looked_at(head["ETag"]))
        stub.add_client_error(
            "copy_object",
            code,
            http_status_code=412,
            expected_params={
                "Bucket": "uploads",
                "Key": "in/a.jpg",
                "CopySource": {"Bucket": "plain", "Key": "a.jpg"},
                "CopySourceIfMatch": head["ETag"],
                "IfNoneMatch": "*",
                "MetadataDirective": "REPLACE",
                "Metadata": MARKS,
                "TaggingDirective": "COPY",
            },
        )
        assert S3Transfers(s3, "plain", "uploads").copy(one, "in/a.jpg", MARKS) is False
        stub.assert_no_pending_responses()


def _looked_at(etag: str) -> dict[str, Any]:
    return {"ETag": etag, "Metadata": {}, "Body": StreamingBody(BytesIO(b"p"), 1)}


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        ("get_object", "AccessDenied", 403),
        ("get_object", "InvalidObjectState", 403),
        ("get_object", "InvalidRequest", 400),
        ("copy_object", "AccessDenied", 403),
        ("copy_object", "InvalidObjectState", 403),
        ("copy_object", "KeyTooLongError", 400),
        ("copy_object", "KMS.DisabledException", 400),
    ],
)
def test_object_that_may_not_be_copied_is_refused_with_a_reason(
    s3: S3Client, operation: str, code: str, status: int
) -> None:
    """Archived, encrypted with a key that is not ours, denied by a policy."""
    error = refusal(s3, operation, code, status)
    assert isinstance(error, ObjectRefusedError)
    assert code in str(error)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ExpiredToken", 400), ("InvalidAccessKeyId", 403), ("NoSuchBucket", 404), ("SlowDown", 503)],
)
@pytest.mark.parametrize("operation", ["get_object", "copy_object"])
def test_error_about_every_object_is_not_a_refusal_of_one(
    s3: S3Client, operation: str, code: str, status: int
) -> None:
    """A million requests with expired credentials would copy nothing."""
    assert isinstance(refusal(s3, operation, code, status), ClientError)


def refusal(s3: S3Client, operation: str, code: str, status: int) -> Exception:
    """Return the error of a copy when S3 refuses one of its requests."""
    s3.put_object(Bucket="plain", Key="a.jpg", Body=b"photo")
    (one,) = listed(s3, "plain")
    with Stubber(s3) as stub:
        if operation == "copy_object":
            stub.add_response("get_object", _looked_at(f'"{one.etag}"'))
        stub.add_client_error(operation, code, http_status_code=status)
        with pytest.raises((ObjectRefusedError, ClientError)) as refused:
            S3Transfers(s3, "plain", "uploads").copy(one, "in/a.jpg", MARKS)
    return refused.value
