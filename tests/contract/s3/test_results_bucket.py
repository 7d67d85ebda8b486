"""The results bucket on S3: what is written, and what it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cutout.adapters.s3.encoded_words import encoded
from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.domain.job.source import Source
from cutout.ports.buckets import Handling, Labels, NoteRevision, StoredResult
from tests.support.aws_account import Account, s3_with

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "Söhne & Töchter/red shoe + 100%/写真.jpg"
LABELS = Labels(
    metadata={
        "owner": "ann",
        "shelf": "Größe 42 · 写真",
        "cutout-job": "0f" * 16,
        "cutout-source-order": "00AB",
    },
    tags={"shop": "north + south", "a/b:c@d": "x=y_z-1.0", "empty": "", "größe": "42"},
    handling=Handling(
        cache_control="public, max-age=60",
        content_disposition='attachment; filename="red.jpg"',
        content_language="de, en",
        expires=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
    ),
)
NO_LABELS = Labels(metadata={}, tags={})


@pytest.fixture
def s3(account: Account) -> Iterator[S3Client]:
    """S3 with three buckets: uploads has versioning, plain does not, results is empty."""
    with s3_with(account, "uploads", "plain", "results", versioned=["uploads"]) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A result to store."""
    path = tmp_path / "result"
    path.write_bytes(b"cut-out")
    return path


def put(
    s3: S3Client, file: Path, *, replacing: StoredResult | None, labels: Labels = LABELS
) -> bool:
    """Store the file as the result of `KEY`."""
    return S3Results(s3, "results").put(
        KEY, file, content_type="image/png", labels=labels, replacing=replacing
    )


def stored(s3: S3Client) -> bytes:
    """Return the bytes at the result key."""
    return s3.get_object(Bucket="results", Key=KEY)["Body"].read()


def test_result_is_stored_with_its_labels(s3: S3Client, file: Path) -> None:
    """Bytes, type, metadata and tags of every kind of character."""
    assert put(s3, file, replacing=None)
    head = s3.head_object(Bucket="results", Key=KEY)
    tags = s3.get_object_tagging(Bucket="results", Key=KEY)["TagSet"]
    assert stored(s3) == b"cut-out"
    assert head["ContentType"] == "image/png"
    assert head["Metadata"] == dict(LABELS.metadata) | {"shelf": encoded("Größe 42 · 写真")}
    assert (head["CacheControl"], head["ContentDisposition"], head["ContentLanguage"]) == (
        "public, max-age=60",
        'attachment; filename="red.jpg"',
        "de, en",
    )
    assert {tag["Key"]: tag["Value"] for tag in tags} == LABELS.tags


def test_result_may_have_no_tags(s3: S3Client, file: Path) -> None:
    """Without any, none are written."""
    assert put(s3, file, replacing=None, labels=NO_LABELS)
    assert s3.get_object_tagging(Bucket="results", Key=KEY)["TagSet"] == []


def test_labels_of_an_upload_are_written_to_its_result_unchanged(s3: S3Client, file: Path) -> None:
    """What is read from the source is what is written to the result."""
    put(s3, file, replacing=None)
    source = Source(
        bucket="results",
        key=KEY,
        version_id=None,
        etag=s3.head_object(Bucket="results", Key=KEY)["ETag"].strip('"'),
        sequencer="00AB",
        size=7,
    )
    assert S3Uploads(s3).labels(source) == LABELS


@pytest.mark.parametrize(
    "expires",
    [
        "Sat, 01 Jan 10000 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Thu, 01 Jan 2026 00:00:00 +9999",
        "never",
    ],
)
def test_impossible_time_is_left_out_and_named(s3: S3Client, file: Path, expires: str) -> None:
    """S3 keeps the header as it came; the SDK cannot write it."""

    def send_as_it_is(request: Any, **_: object) -> None:
        request.headers["Expires"] = expires

    s3.meta.events.register("before-sign.s3.PutObject", send_as_it_is)
    version = s3.put_object(Bucket="uploads", Key=KEY, Body=b"x")["VersionId"]
    s3.meta.events.unregister("before-sign.s3.PutObject", send_as_it_is)
    source = Source(
        bucket="uploads", key=KEY, version_id=version, etag="", sequencer="00AB", size=0
    )
    labels = S3Uploads(s3).labels(source)
    assert (labels.handling, labels.left_out) == (Handling(), ("header Expires",))
    assert put(s3, file, replacing=None, labels=labels)


def test_free_key_has_no_current_result(s3: S3Client) -> None:
    """A free place."""
    assert S3Results(s3, "results").current(KEY) is None


def test_current_result_names_its_job_and_order(s3: S3Client, file: Path) -> None:
    """They show whether it is of a newer or an older photo."""
    put(s3, file, replacing=None)
    assert S3Results(s3, "results").current(KEY) == StoredResult(
        etag=s3.head_object(Bucket="results", Key=KEY)["ETag"], order="00AB", job_id="0f" * 16
    )


def test_foreign_object_names_neither_job_nor_order(s3: S3Client) -> None:
    """It may be replaced, but only if it did not change."""
    answer = s3.put_object(Bucket="results", Key=KEY, Body=b"other")
    assert S3Results(s3, "results").current(KEY) == StoredResult(
        etag=answer["ETag"], order=None, job_id=None
    )


def test_result_is_not_written_if_the_key_is_taken_meanwhile(s3: S3Client, file: Path) -> None:
    """The key is read again."""
    s3.put_object(Bucket="results", Key=KEY, Body=b"other")
    assert not put(s3, file, replacing=None)
    assert stored(s3) == b"other"


def test_result_replaces_the_one_that_was_seen(s3: S3Client, file: Path) -> None:
    """A newer photo's cut-out replaces an older one's."""
    s3.put_object(Bucket="results", Key=KEY, Body=b"older")
    seen = S3Results(s3, "results").current(KEY)
    assert put(s3, file, replacing=seen)
    assert stored(s3) == b"cut-out"


def test_result_is_not_written_if_the_current_one_changed(s3: S3Client, file: Path) -> None:
    """Of two workers at once, the slower one reads the key again."""
    s3.put_object(Bucket="results", Key=KEY, Body=b"older")
    seen = S3Results(s3, "results").current(KEY)
    s3.put_object(Bucket="results", Key=KEY, Body=b"newer")
    assert not put(s3, file, replacing=seen)
    assert stored(s3) == b"newer"


def test_result_is_not_written_if_the_current_one_was_deleted(s3: S3Client, file: Path) -> None:
    """A result that a person deleted meanwhile is no error."""
    s3.put_object(Bucket="results", Key=KEY, Body=b"older")
    seen = S3Results(s3, "results").current(KEY)
    s3.delete_object(Bucket="results", Key=KEY)
    assert not put(s3, file, replacing=seen)
    assert S3Results(s3, "results").current(KEY) is None


def test_missing_results_bucket_is_an_error(s3: S3Client, file: Path) -> None:
    """It is not a lost race."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        S3Results(s3, "no-such-bucket").put(
            KEY, file, content_type="image/png", labels=LABELS, replacing=None
        )


def test_note_is_json_that_is_not_cached(s3: S3Client) -> None:
    """Readers see the newest one; it is recognised as ours at any key."""
    assert write_note(s3)
    head = s3.head_object(Bucket="results", Key=KEY)
    assert (head["ContentType"], head["CacheControl"]) == ("application/json", "no-cache")
    assert head["Metadata"]["cutout-job"] == "0f" * 16
    assert json.loads(stored(s3)) == {"meaning": "größer"}


def test_foreign_object_has_no_revision(s3: S3Client) -> None:
    """It is not a note, whatever its name."""
    s3.put_object(Bucket="results", Key=KEY, Body=b"theirs", Metadata={"cutout-said-at": "soon"})
    standing = S3Results(s3, "results").current(KEY)
    assert standing is not None
    assert (standing.occasion, standing.job_id) == (None, None)


def test_note_of_an_earlier_version_is_older_than_any_about_the_same_upload(
    s3: S3Client,
) -> None:
    """Those had no version of the job: a newer note replaces or removes them."""
    told = {"cutout-said-at": "2026-03-01T12:00:00+00:00", "cutout-source-order": "00AB"}
    s3.put_object(Bucket="results", Key=KEY, Body=b"{}", Metadata=told)
    standing = S3Results(s3, "results").current(KEY)
    assert standing is not None
    assert standing.occasion == NoteRevision(
        order="00AB", version=0, at=datetime(2026, 3, 1, 12, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("status", "code"), [(412, "PreconditionFailed"), (404, "NoSuchKey"), (409, "Conflict")]
)
def test_changed_note_is_not_removed(s3: S3Client, status: int, code: str) -> None:
    """S3 removes only what was seen; other refusals are errors."""
    asked = {"Bucket": "results", "Key": KEY, "IfMatch": '"1"'}
    seen = StoredResult(etag='"1"', occasion=None, job_id=None)
    with Stubber(s3) as stubber:
        stubber.add_client_error(
            "delete_object", code, http_status_code=status, expected_params=asked
        )
        if code == "Conflict":
            with pytest.raises(ClientError):
                S3Results(s3, "results").remove(KEY, seen)
        else:
            assert not S3Results(s3, "results").remove(KEY, seen)


def write_note(s3: S3Client) -> bool:
    """Write a note at `KEY`."""
    occasion = NoteRevision(order="00AB", version=3, at=datetime(2027, 1, 2, tzinfo=UTC))
    text = '{"meaning": "größer"}'
    return S3Results(s3, "results").write(
        KEY, text, job_id="0f" * 16, occasion=occasion, replacing=None
    )
