"""Uploads of the command line, and the hashes that S3 stores with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cutout.cli.aws.photo_store import S3Store
from cutout.cli.photo_files import PhotoFile
from tests.support.aws_account import Account, s3_with

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "Söhne & Töchter/red shoe + 100%.jpg"
BYTES = b"a photo" * 100


@pytest.fixture
def s3(account: Account) -> Iterator[S3Client]:
    """S3 with a bucket with versioning, one without, and one for results."""
    with s3_with(account, "uploads", "plain", "results", versioned=["uploads"]) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path) -> PhotoFile:
    """A photo on the disk."""
    path = tmp_path / "a.jpg"
    path.write_bytes(BYTES)
    return PhotoFile(path=path, key=KEY, content_type="image/jpeg")


@pytest.mark.parametrize("bucket", ["uploads", "plain"])
def test_upload_is_stored_with_its_hash(s3: S3Client, photo: PhotoFile, bucket: str) -> None:
    """The same file is recognised without a download, also if ETags are no MD5."""
    store = S3Store(s3, bucket, "results")
    etag, version = store.upload(photo)
    assert (version is not None) is (bucket == "uploads")
    assert store.sha256(KEY, version) == hashlib.sha256(BYTES).hexdigest()
    stored = s3.get_object(Bucket=bucket, Key=KEY)
    assert (stored["Body"].read(), stored["ETag"]) == (BYTES, f'"{etag}"')
    assert stored["ContentType"] == "image/jpeg"


def test_uploads_of_other_programs_have_no_hash(s3: S3Client) -> None:
    """Nor has a missing object."""
    s3.put_object(Bucket="plain", Key=KEY, Body=BYTES, ChecksumAlgorithm="CRC32")
    store = S3Store(s3, "plain", "results")
    assert store.sha256(KEY, None) is None
    assert store.sha256("never.jpg", None) is None


def test_hash_of_parts_does_not_count(s3: S3Client) -> None:
    """S3 hashes the hashes of the parts."""
    head = {"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-2"}
    with Stubber(s3) as stubber:
        stubber.add_response("head_object", head | {"ChecksumType": "COMPOSITE"})
        assert S3Store(s3, "plain", "results").sha256(KEY, None) is None


def test_hash_that_may_not_be_read_counts_as_none(s3: S3Client) -> None:
    """S3 shows it only to those who may decrypt the object."""
    store = S3Store(s3, "plain", "results")
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_object", "403", http_status_code=403)
        stubber.add_client_error("head_object", "500", http_status_code=500)
        assert store.sha256(KEY, None) is None
        with pytest.raises(ClientError):
            store.sha256(KEY, None)


def test_a_reader_that_goes_away_leaves_no_connection_open(s3: S3Client) -> None:
    """A browser that leaves the page reads no picture to its end."""
    raw = BytesIO(b"a cut-out")
    answer = {"Body": StreamingBody(raw, 9), "ContentLength": 9}
    with Stubber(s3) as stubber:
        stubber.add_response("get_object", answer)
        opened = S3Store(s3, "plain", "results").open("results", KEY)
    assert opened is not None
    del opened
    assert raw.closed
