"""S3's errors that the emulators do not return."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.domain.errors import NotAPhotoError, SourceDeniedError, SourceGoneError
from cutout.domain.job.source import Source
from cutout.domain.reasons import Reason
from cutout.ports.buckets import Labels, StoredResult
from tests.support.aws_account import cloud

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE = Source(bucket="uploads", key="a.jpg", version_id="v1", etag="e1", sequencer="00AB", size=1)
SEEN = StoredResult(etag='"e1"', order="00AB", job_id="0f" * 16)
LABELS = Labels(metadata={}, tags={})


@pytest.fixture
def s3() -> Iterator[tuple[S3Client, Stubber]]:
    """S3 with prepared answers."""
    with cloud() as clients:
        client = clients.s3
        with Stubber(client) as stubber:
            yield client, stubber


def _read(s3: tuple[S3Client, Stubber], operation: str, code: str, status: int) -> None:
    """Read a photo or its labels while S3 answers one request with an error."""
    client, stubber = s3
    source = SOURCE
    if operation != "get_object":
        stubber.add_response("get_object", {"Body": StreamingBody(BytesIO(), 0), "TagCount": 1})
    if operation == "head_object":
        source = replace(SOURCE, version_id=None)
        stubber.add_response("get_object_tagging", {"TagSet": []})
    stubber.add_client_error(operation, code, http_status_code=status)
    uploads = S3Uploads(client)
    (uploads.read if operation == "get_object" else uploads.labels)(source)


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        ("get_object", "NoSuchKey", 404),
        ("get_object", "NoSuchVersion", 404),
        ("get_object", "MethodNotAllowed", 405),
        ("get_object", "PreconditionFailed", 412),
        ("get_object_tagging", "NoSuchKey", 404),
        ("get_object_tagging", "NoSuchVersion", 404),
        ("head_object", "404", 404),
        ("head_object", "405", 405),
        ("head_object", "412", 412),
    ],
)
def test_source_is_gone_by_each_of_s3s_error_codes(
    s3: tuple[S3Client, Stubber], operation: str, code: str, status: int
) -> None:
    """No such key, no such version, a delete marker, other bytes; a HEAD only has the status."""
    with pytest.raises(SourceGoneError, match=f"^{code}$"):
        _read(s3, operation, code, status)


@pytest.mark.parametrize("operation", ["get_object", "get_object_tagging"])
def test_missing_bucket_does_not_end_a_job(s3: tuple[S3Client, Stubber], operation: str) -> None:
    """A wrong setting, or a bucket that was deleted: the error propagates and is tried again.

    A HEAD would answer a bare 404, as for a missing object, so it is never the first request.
    """
    with pytest.raises(ClientError, match="NoSuchBucket"):
        _read(s3, operation, "NoSuchBucket", 404)


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        ("get_object", "AccessDenied", 403),
        ("get_object", "KMS.DisabledException", 400),
        ("get_object", "KMS.NotFoundException", 400),
        ("get_object_tagging", "AccessDenied", 403),
        ("head_object", "403", 403),
    ],
)
def test_source_that_a_policy_or_a_key_denies_is_denied(
    s3: tuple[S3Client, Stubber], operation: str, code: str, status: int
) -> None:
    """The operator may correct it: the error quotes S3's code."""
    with pytest.raises(SourceDeniedError, match=f"^S3 answers {code}: "):
        _read(s3, operation, code, status)


@pytest.mark.parametrize(
    ("code", "status", "why"),
    [
        ("InvalidObjectState", 403, "it is archived: restore it, then try again"),
        ("InvalidRequest", 400, "it is encrypted with a key of its owner's (SSE-C)"),
    ],
)
@pytest.mark.parametrize("is_large", [True, False])
def test_archived_or_undecryptable_source_is_unreadable(
    s3: tuple[S3Client, Stubber],
    tmp_path: Path,
    code: str,
    status: int,
    why: str,
    is_large: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """No permission and no later try would change that: a job that waited would wait for ever.

    Source: "Error responses", Amazon S3 API Reference; "Using SSE-C", Amazon S3 User Guide.
    """
    client, stubber = s3
    stubber.add_client_error("get_object", code, http_status_code=status)
    uploads = S3Uploads(client)
    with pytest.raises(NotAPhotoError, match=f"^{re.escape(why)}$") as caught:
        uploads.fetch(SOURCE, tmp_path / "photo") if is_large else uploads.read(SOURCE)
    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("version_id", ["v1", None])
def test_photo_that_was_archived_after_its_call_keeps_its_labels(
    s3: tuple[S3Client, Stubber], version_id: str | None
) -> None:
    """A lifecycle rule may archive it before its result is stored, or while a person reviews it.

    Source: "Working with archived objects", Amazon S3 User Guide.
    """
    client, stubber = s3
    stubber.add_client_error("get_object", "InvalidObjectState", http_status_code=403)
    stubber.add_response("head_object", {"Metadata": {"shop": "7"}, "CacheControl": "no-store"})
    stubber.add_response("get_object_tagging", {"TagSet": [{"Key": "x", "Value": "y"}]})
    if version_id is None:
        stubber.add_response("head_object", {})
    labels = S3Uploads(client).labels(replace(SOURCE, version_id=version_id))
    assert (labels.metadata, labels.tags) == ({"shop": "7"}, {"x": "y"})
    assert labels.handling.cache_control == "no-store"
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("answers", "labels", "version"),
    [
        ([{"VersionId": "v1", "Metadata": {"a": "7"}}], Labels(metadata={"a": "7"}, tags={}), "v1"),
        ([{"VersionId": "v2"}], None, "v2"),
        ([{"VersionId": "null"}], None, "null"),
        ([{}], None, None),
        (["NoSuchKey"], None, None),
        (["InvalidRange", {"VersionId": "v2"}], None, "v2"),
        (["InvalidRange", "404"], None, None),
        (["InvalidObjectState", {"VersionId": "v2"}], None, "v2"),
        (["InvalidObjectState", {"VersionId": "v1"}, {"TagSet": []}], LABELS, "v1"),
        (["InvalidObjectState", "404"], None, None),
        ([{"VersionId": "v1", "TagCount": 1}, "NoSuchVersion"], None, "v1"),
    ],
)
def test_photo_is_the_newest_only_if_s3_names_its_version(
    s3: tuple[S3Client, Stubber],
    answers: list[dict[str, object] | str],
    labels: Labels | None,
    version: str | None,
) -> None:
    """Not after another version, or a delete marker.

    No byte of an archived or empty object is read, but a HEAD names its version.
    """
    client, stubber = s3
    _answer(stubber, answers)
    assert S3Uploads(client).labels_if_newest(SOURCE) == labels
    stubber.assert_no_pending_responses()
    _answer(stubber, answers[: 1 + (answers[0] in _WITHOUT_A_BYTE)])
    assert S3Uploads(client).version_shown("uploads", "a.jpg") == version


def test_the_version_of_an_object_with_its_owners_key_is_not_known(
    s3: tuple[S3Client, Stubber],
) -> None:
    """It may be that of the job that was rejected for it; it is none that was ever read."""
    client, stubber = s3
    _answer(stubber, ["InvalidRequest"])
    assert S3Uploads(client).labels_if_newest(SOURCE) is None
    _answer(stubber, ["InvalidRequest"])
    with pytest.raises(SourceDeniedError, match="SSE-C"):
        S3Uploads(client).version_shown("uploads", "a.jpg")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (["SlowDown"], ClientError),
        (["InternalError"], ClientError),
        (["NoSuchBucket"], ClientError),
        (["AccessDenied"], SourceDeniedError),
        (["KMS.DisabledException"], SourceDeniedError),
        (["InvalidObjectState", "403"], SourceDeniedError),
        (["InvalidObjectState", "503"], ClientError),
        ([{"VersionId": "v1", "TagCount": 1}, "AccessDenied"], SourceDeniedError),
        ([{"VersionId": "v1", "TagCount": 1}, "SlowDown"], ClientError),
    ],
)
def test_an_error_does_not_prove_that_a_photo_is_not_shown(
    s3: tuple[S3Client, Stubber],
    answers: list[dict[str, object] | str],
    error: type[Exception],
) -> None:
    """Or a restored photo would lose its cut-out: the step, or the message, is tried again."""
    client, stubber = s3
    _answer(stubber, answers)
    with pytest.raises(error):
        S3Uploads(client).labels_if_newest(SOURCE)
    if isinstance(answers[0], str):
        _answer(stubber, answers)
        with pytest.raises(error):
            S3Uploads(client).version_shown("uploads", "a.jpg")
    stubber.assert_no_pending_responses()


_WITHOUT_A_BYTE = ("InvalidObjectState", "InvalidRange")


def _answer(stubber: Stubber, answers: list[dict[str, object] | str]) -> None:
    """Answer a read of the key, a HEAD if no byte can be read, and a read of tags."""
    is_headed = answers[0] in _WITHOUT_A_BYTE
    operations = ["get_object", *(["head_object"] if is_headed else []), "get_object_tagging"]
    place = {"Bucket": "uploads", "Key": "a.jpg"}
    expected = {
        "get_object": place | {"Range": "bytes=0-0"},
        "head_object": place,
        "get_object_tagging": place | {"VersionId": "v1"},
    }
    for operation, answer in zip(operations, answers, strict=False):
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer)
        else:
            body = {"Body": StreamingBody(BytesIO(), 0)} if operation == "get_object" else {}
            stubber.add_response(operation, answer | body, expected[operation])


def test_photo_without_a_version_is_never_certain_to_be_the_newest(
    s3: tuple[S3Client, Stubber],
) -> None:
    """The same bytes may have been uploaded again, after others: S3 is not asked."""
    client, _ = s3
    assert S3Uploads(client).labels_if_newest(replace(SOURCE, version_id=None)) is None


def test_archived_photo_may_be_gone_when_its_labels_are_read(
    s3: tuple[S3Client, Stubber],
) -> None:
    """It was deleted between the two requests."""
    client, stubber = s3
    stubber.add_client_error("get_object", "InvalidObjectState", http_status_code=403)
    stubber.add_client_error("head_object", "404", http_status_code=404)
    with pytest.raises(SourceGoneError, match=r"^404$"):
        S3Uploads(client).labels(SOURCE)


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "NoSuchBucket"])
def test_other_errors_are_raised(s3: tuple[S3Client, Stubber], code: str) -> None:
    """No photo is superseded because S3 has trouble."""
    client, stubber = s3
    stubber.add_client_error("get_object", code, http_status_code=503)
    with pytest.raises(ClientError):
        S3Uploads(client).read(SOURCE)


@pytest.mark.parametrize("code", ["403", "503"])
def test_unreadable_result_key_does_not_count_as_free(
    s3: tuple[S3Client, Stubber], code: str
) -> None:
    """Only a 404 means that nothing is there."""
    client, stubber = s3
    stubber.add_client_error("head_object", code, http_status_code=int(code))
    with pytest.raises(ClientError):
        S3Results(client, "results").current("a.png")


def put(client: S3Client, folder: Path, replacing: StoredResult | None) -> bool:
    """Store a result."""
    file = folder / "result"
    file.write_bytes(b"x")
    return S3Results(client, "results").put(
        "a.png", file, content_type="image/png", labels=LABELS, replacing=replacing
    )


@pytest.mark.parametrize(
    ("replacing", "code", "status"),
    [
        (None, "PreconditionFailed", 412),
        (None, "ConditionalRequestConflict", 409),
        (SEEN, "PreconditionFailed", 412),
        (SEEN, "ConditionalRequestConflict", 409),
        (SEEN, "NoSuchKey", 404),
    ],
)
def test_write_over_a_changed_result_is_not_made(
    s3: tuple[S3Client, Stubber],
    tmp_path: Path,
    replacing: StoredResult | None,
    code: str,
    status: int,
) -> None:
    """The object was changed meanwhile: it is read again."""
    client, stubber = s3
    stubber.add_client_error("put_object", code, http_status_code=status)
    assert put(client, tmp_path, replacing) is False


@pytest.mark.parametrize(
    ("replacing", "code", "status"),
    [(None, "NoSuchKey", 404), (None, "AccessDenied", 403), (SEEN, "SlowDown", 503)],
)
def test_failed_write_is_an_error(
    s3: tuple[S3Client, Stubber],
    tmp_path: Path,
    replacing: StoredResult | None,
    code: str,
    status: int,
) -> None:
    """The queue delivers the message again."""
    client, stubber = s3
    stubber.add_client_error("put_object", code, http_status_code=status)
    with pytest.raises(ClientError, match=code):
        put(client, tmp_path, replacing)
