"""The two buckets on S3: uploads are read by version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.domain.errors import SourceGoneError
from cutout.domain.job.source import Source
from cutout.ports.buckets import Handling, Labels, Upload
from tests.support.aws_account import Account, s3_with

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "Söhne & Töchter/red shoe + 100%/写真.jpg"
NO_LABELS = Labels(metadata={}, tags={})


@pytest.fixture
def s3(account: Account) -> Iterator[S3Client]:
    """S3 with three buckets: uploads has versioning, plain does not, results is empty."""
    with s3_with(account, "uploads", "plain", "results", versioned=["uploads"]) as client:
        yield client


def uploaded(s3: S3Client, data: bytes, bucket: str = "uploads", **options: Any) -> Source:
    """Upload, and return the upload as its event describes it."""
    answer = s3.put_object(Bucket=bucket, Key=KEY, Body=data, **options)
    return Source(
        bucket=bucket,
        key=KEY,
        version_id=answer.get("VersionId"),
        etag=answer["ETag"].strip('"'),
        sequencer="00AB",
        size=len(data),
    )


def test_bytes_are_those_of_the_version(s3: S3Client) -> None:
    """A newer upload of the key does not change what a job is about."""
    older = uploaded(s3, b"older", Metadata={"shelf": "1"})
    newer = uploaded(s3, b"newer")
    uploads = S3Uploads(s3)
    assert uploads.read(older) == Upload(data=b"older", metadata={"shelf": "1"})
    assert uploads.read(newer) == Upload(data=b"newer", metadata={})


def test_deleted_key_still_has_its_version(s3: S3Client) -> None:
    """A delete marker hides the key, not the version."""
    source = uploaded(s3, b"photo")
    s3.delete_object(Bucket="uploads", Key=KEY)
    assert S3Uploads(s3).read(source).data == b"photo"


def test_permanently_deleted_version_is_gone(s3: S3Client) -> None:
    """For its bytes and for its labels."""
    source = uploaded(s3, b"photo")
    assert source.version_id is not None
    s3.delete_object(Bucket="uploads", Key=KEY, VersionId=source.version_id)
    uploaded(s3, b"another")
    for look in (S3Uploads(s3).read, S3Uploads(s3).labels):
        with pytest.raises(SourceGoneError):
            look(source)


def test_delete_marker_is_no_photo(s3: S3Client) -> None:
    """It has a version without content."""
    source = uploaded(s3, b"photo")
    marker = s3.delete_object(Bucket="uploads", Key=KEY)["VersionId"]
    for look in (S3Uploads(s3).read, S3Uploads(s3).labels):
        with pytest.raises(SourceGoneError):
            look(replace(source, version_id=marker))


@pytest.mark.parametrize("data", [None, b"another photo"])
def test_without_versioning_the_entity_tag_must_be_the_same(
    s3: S3Client, data: bytes | None
) -> None:
    """If the upload was deleted or overwritten, its bytes are gone."""
    source = uploaded(s3, b"photo", bucket="plain")
    uploads = S3Uploads(s3)
    assert uploads.read(source).data == b"photo"
    if data is None:
        s3.delete_object(Bucket="plain", Key=KEY)
    else:
        uploaded(s3, data, bucket="plain")
    for look in (uploads.read, uploads.labels):
        with pytest.raises(SourceGoneError):
            look(source)


PLAIN = Source(bucket="plain", key=KEY, version_id=None, etag="e1", sequencer="00AB", size=1)
WHERE = {"Bucket": "plain", "Key": KEY}


def test_without_versioning_tags_of_a_later_upload_are_not_read(s3: S3Client) -> None:
    """S3 has no condition for tags: the entity tag is compared after the read."""
    tags = [{"Key": "owner", "Value": "bob"}]
    with Stubber(s3) as stubber:
        stubber.add_response(
            "get_object",
            {"Body": StreamingBody(BytesIO(), 0), "TagCount": 1},
            WHERE | {"IfMatch": '"e1"', "Range": "bytes=0-0"},
        )
        stubber.add_response("get_object_tagging", {"TagSet": tags}, WHERE)
        stubber.add_client_error(
            "head_object",
            "412",
            http_status_code=412,
            expected_params=WHERE | {"IfMatch": '"e1"'},
        )
        with pytest.raises(SourceGoneError):
            S3Uploads(s3).labels(PLAIN)


def test_without_versioning_tags_of_one_upload_are_not_written_to_the_next(s3: S3Client) -> None:
    """It came after the tags were read: they stay as its owner wrote them."""
    with Stubber(s3) as stubber:
        stubber.add_response("get_object_tagging", {"TagSet": []}, WHERE)
        stubber.add_client_error(
            "head_object",
            "412",
            http_status_code=412,
            expected_params=WHERE | {"IfMatch": '"e1"'},
        )
        with pytest.raises(SourceGoneError):
            S3Uploads(s3).tag(PLAIN, "cutout", "completed")


def test_version_null_is_read_by_the_key(s3: S3Client) -> None:
    """Events of objects from before versioning was switched on name no version."""
    source = uploaded(s3, b"photo", bucket="plain")
    assert source.version_id is None
    assert S3Uploads(s3).read(source).data == b"photo"


@pytest.mark.parametrize("bucket", ["uploads", "plain"])
def test_metadata_and_tags_are_read(s3: S3Client, bucket: str) -> None:
    """With characters of every kind."""
    source = uploaded(
        s3, b"photo", bucket=bucket, Metadata={"owner": "ann"}, Tagging="a%2Fb=x%3Dy+%2B&c="
    )
    assert S3Uploads(s3).labels(source) == Labels(
        metadata={"owner": "ann"}, tags={"a/b": "x=y +", "c": ""}
    )


def test_metadata_that_is_not_ascii_is_read_as_text(s3: S3Client) -> None:
    """S3 answers with encoded words, whichever client sent it and however."""
    source = uploaded(s3, b"photo", Metadata={"shelf": "=?UTF-8?Q?Gr=C3=B6=C3=9Fe?="})
    uploads = S3Uploads(s3)
    assert uploads.labels(source).metadata == {"shelf": "Größe"}
    assert uploads.read(source).metadata == {"shelf": "Größe"}


def test_header_that_cannot_be_signed_is_not_read(s3: S3Client) -> None:
    """It is not ASCII; if it were written again, S3 would refuse it every time."""
    source = uploaded(s3, b"photo", CacheControl="no-cache")
    with Stubber(s3) as stubber:
        answer = {"ContentDisposition": "filename=Gr\xf6\xdfe", "CacheControl": "no-cache"}
        stubber.add_response("get_object", answer | {"Body": StreamingBody(BytesIO(), 0)})
        assert S3Uploads(s3).labels(source).handling == Handling(cache_control="no-cache")


def test_upload_may_have_no_labels(s3: S3Client) -> None:
    """Most have none."""
    assert S3Uploads(s3).labels(uploaded(s3, b"photo")) == NO_LABELS


def test_tags_that_were_added_after_the_upload_are_read(s3: S3Client) -> None:
    """Those of a virus scanner, for example."""
    source = uploaded(s3, b"photo")
    place: Any = {"Bucket": "uploads", "Key": KEY, "VersionId": source.version_id}
    s3.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "scan", "Value": "clean"}]})
    assert S3Uploads(s3).labels(source).tags == {"scan": "clean"}


def test_tags_are_requested_only_if_there_are_some(s3: S3Client) -> None:
    """The answer to a read counts them, unless a policy forbids that."""
    with Stubber(s3) as stubber:
        stubber.add_response("get_object", {"Body": StreamingBody(BytesIO(), 0)})
        assert S3Uploads(s3).labels(PLAIN) == NO_LABELS
        stubber.assert_no_pending_responses()


def test_labels_are_those_of_the_version(s3: S3Client) -> None:
    """Each upload brings its own."""
    older = uploaded(s3, b"older", Metadata={"owner": "ann"}, Tagging="a=1")
    uploaded(s3, b"newer", Metadata={"owner": "bob"}, Tagging="a=2")
    assert S3Uploads(s3).labels(older) == Labels(metadata={"owner": "ann"}, tags={"a": "1"})


@pytest.mark.parametrize("look", ["read", "labels"])
def test_denied_bucket_does_not_count_as_empty(s3: S3Client, look: str) -> None:
    """Only "gone" supersedes a job; other errors are raised."""
    source = replace(uploaded(s3, b"photo"), bucket="no-such-bucket")
    with pytest.raises(ClientError):
        getattr(S3Uploads(s3), look)(source)
