"""The same tests of the two buckets for the fakes and for S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

import pytest

from cutout.adapters.s3.results_bucket import S3Results
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.domain.errors import SourceGoneError
from cutout.domain.job.source import Source
from cutout.ports.buckets import (
    Labels,
    Results,
    StoredResult,
    UploadsBucket,
)
from tests.support.aws_account import Account, s3_with
from tests.support.fakes.buckets import MemoryResults, MemoryUploads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "Söhne & Töchter/rot + weiß 100%/写真 (1).JPG"
LABELS = Labels(metadata={"sku": "4711"}, tags={"shop": "north + south"})
NOTHING = Labels(metadata={}, tags={})


class ChangingUploads(UploadsBucket, Protocol):
    """An uploads bucket, and what its users do to it."""

    def add(self, key: str, data: bytes, labels: Labels | None = None) -> Source:
        """Upload, and return what the event says."""
        ...

    def remove(self, key: str) -> Source:
        """Delete the key."""
        ...

    def destroy(self, source: Source) -> None:
        """Delete a version permanently."""
        ...

    def restore(self, key: str) -> None:
        """Delete the delete marker."""
        ...


class S3UploadsBucket(S3Uploads):
    """The real adapter, with users that have the same client."""

    def __init__(self, client: S3Client) -> None:
        """A versioned bucket."""
        super().__init__(client)
        self._s3 = client

    def add(self, key: str, data: bytes, labels: Labels | None = None) -> Source:
        """Upload, and return what the event says."""
        labels = labels or NOTHING
        answer = self._s3.put_object(
            Bucket="uploads",
            Key=key,
            Body=data,
            Metadata=dict(labels.metadata),
            Tagging=urlencode(dict(labels.tags)),
        )
        return _source(key, answer["VersionId"], answer["ETag"], len(data))

    def remove(self, key: str) -> Source:
        """Delete the key."""
        answer = self._s3.delete_object(Bucket="uploads", Key=key)
        return _source(key, answer["VersionId"], "", 0)

    def destroy(self, source: Source) -> None:
        """Delete a version permanently."""
        self._s3.delete_object(
            Bucket="uploads",
            Key=source.key,
            VersionId=source.version_id or "null",
        )

    def restore(self, key: str) -> None:
        """Delete the delete marker."""
        (marker,) = self._s3.list_object_versions(Bucket="uploads", Prefix=key)["DeleteMarkers"]
        self._s3.delete_object(Bucket="uploads", Key=key, VersionId=marker["VersionId"])


def _source(key: str, version: str, etag: str, size: int) -> Source:
    return Source(
        bucket="uploads",
        key=key,
        version_id=version,
        etag=etag.strip('"'),
        sequencer="00AB",
        size=size,
    )


@pytest.fixture
def uploads(account_or_fake: Account | None) -> Iterator[ChangingUploads]:
    """An empty bucket with versioning."""
    if account_or_fake is None:
        yield MemoryUploads()
        return
    with s3_with(account_or_fake, "uploads", versioned=["uploads"]) as client:
        yield S3UploadsBucket(client)


@pytest.fixture
def results(account_or_fake: Account | None) -> Iterator[Results]:
    """An empty bucket."""
    if account_or_fake is None:
        yield MemoryResults()
        return
    with s3_with(account_or_fake, "results") as client:
        yield S3Results(client, "results")


def test_upload_is_read_by_its_version(uploads: ChangingUploads) -> None:
    """Overwriting and deleting the key do not change the version of the job."""
    older = uploads.add(KEY, b"older", LABELS)
    newer = uploads.add(KEY, b"newer")
    uploads.remove(KEY)
    assert (uploads.read(older).data, uploads.read(newer).data) == (b"older", b"newer")
    assert (uploads.labels(older), uploads.labels(newer)) == (LABELS, NOTHING)
    assert (older.size, newer.size) == (5, 5)


def test_labels_are_read_only_of_the_newest_upload_of_a_key(
    uploads: ChangingUploads,
) -> None:
    """Not of an older one, nor of any below a delete marker."""
    older = uploads.add(KEY, b"older", NOTHING)
    assert uploads.labels_if_newest(older) == NOTHING
    newer = uploads.add(KEY, b"newer", LABELS)
    assert (uploads.labels_if_newest(older), uploads.labels_if_newest(newer)) == (None, LABELS)
    uploads.remove(KEY)
    assert (uploads.labels_if_newest(older), uploads.labels_if_newest(newer)) == (None, None)
    uploads.restore(KEY)
    assert (uploads.labels_if_newest(older), uploads.labels_if_newest(newer)) == (None, LABELS)


def test_version_below_a_deleted_one_is_the_newest_again(uploads: ChangingUploads) -> None:
    """S3 shows it under the key from then on."""
    older, newer = uploads.add(KEY, b"older", LABELS), uploads.add(KEY, b"newer")
    assert uploads.version_shown("uploads", KEY) == newer.version_id
    uploads.destroy(newer)
    assert (uploads.labels_if_newest(older), uploads.labels_if_newest(newer)) == (LABELS, None)
    assert uploads.version_shown("uploads", KEY) == older.version_id
    uploads.remove(KEY)
    assert uploads.version_shown("uploads", KEY) is None


def test_empty_upload_is_shown(uploads: ChangingUploads) -> None:
    """It has no first byte, but its job leaves a note."""
    uploads.add(KEY, b"older")
    empty = uploads.add(KEY, b"")
    assert uploads.version_shown("uploads", KEY) == empty.version_id


def test_permanently_deleted_version_is_gone(uploads: ChangingUploads) -> None:
    """Its bytes and its labels; other versions stay."""
    gone, there = uploads.add(KEY, b"gone"), uploads.add(KEY, b"there")
    uploads.destroy(gone)
    with pytest.raises(SourceGoneError):
        uploads.read(gone)
    with pytest.raises(SourceGoneError):
        uploads.labels(gone)
    assert uploads.read(there).data == b"there"


def test_delete_marker_is_no_photo(uploads: ChangingUploads) -> None:
    """It has a version without content."""
    uploads.add(KEY, b"photo")
    marker = uploads.remove(KEY)
    with pytest.raises(SourceGoneError):
        uploads.read(marker)
    with pytest.raises(SourceGoneError):
        uploads.labels(marker)


def test_tag_is_added_to_the_existing_ones(uploads: ChangingUploads) -> None:
    """Others stay, a second value replaces the first, and other versions are not changed."""
    older, newer = uploads.add(KEY, b"older", LABELS), uploads.add(KEY, b"newer", LABELS)
    assert uploads.tag(older, "cutout", "failed")
    assert uploads.tag(older, "cutout", "completed")
    assert uploads.labels(older).tags == {**LABELS.tags, "cutout": "completed"}
    assert uploads.labels(newer).tags == LABELS.tags


def test_photo_with_ten_tags_gets_no_eleventh(uploads: ChangingUploads) -> None:
    """S3's limit; a tag that it has already gets the new value."""
    ten = {f"t{number}": "x" for number in range(10)}
    full = uploads.add(KEY, b"full", Labels(metadata={}, tags=ten))
    assert not uploads.tag(full, "cutout", "completed")
    assert uploads.labels(full).tags == ten
    assert uploads.tag(full, "t3", "y")


def test_deleted_photo_cannot_be_tagged(uploads: ChangingUploads) -> None:
    """Its owner deleted it before."""
    gone = uploads.add(KEY, b"gone")
    uploads.destroy(gone)
    with pytest.raises(SourceGoneError):
        uploads.tag(gone, "cutout", "completed")


def test_current_result_can_be_removed(results: Results, tmp_path: Path) -> None:
    """Its key is free then; before, it names the version of its source."""
    labels = Labels(metadata={"cutout-source-version": "v7"}, tags={})
    assert put(results, tmp_path, b"ours", replacing=None, labels=labels)
    standing = results.current(KEY)
    assert standing is not None
    assert standing.source_version == "v7"
    assert results.remove(KEY, standing)
    assert results.current(KEY) is None


def result_of(job_id: str, order: str) -> Labels:
    """The metadata of one of our cut-outs."""
    return Labels(metadata={"cutout-job": job_id, "cutout-source-order": order}, tags={})


def put(
    results: Results,
    folder: Path,
    data: bytes,
    *,
    replacing: StoredResult | None,
    labels: Labels = NOTHING,
) -> bool:
    """Store these bytes."""
    file = folder / "result"
    file.write_bytes(data)
    return results.put(
        KEY,
        file,
        content_type="image/png",
        labels=labels,
        replacing=replacing,
    )


def test_current_result_names_its_job_and_order(results: Results, tmp_path: Path) -> None:
    """None at first; then the job and the order of its upload; for others' objects, neither."""
    assert results.current(KEY) is None
    assert put(results, tmp_path, b"ours", replacing=None, labels=result_of("0f", "00AB"))
    ours = results.current(KEY)
    assert ours is not None
    assert (ours.job_id, ours.order) == ("0f", "00AB")
    assert put(results, tmp_path, b"others'", replacing=ours)
    others = results.current(KEY)
    assert others is not None
    assert (others.job_id, others.order) == (None, None)


def test_result_replaces_only_the_one_that_was_seen(results: Results, tmp_path: Path) -> None:
    """A free key must still be free; a taken one must still hold what was seen."""
    assert put(results, tmp_path, b"first", replacing=None)
    assert not put(results, tmp_path, b"blind", replacing=None)
    first = results.current(KEY)
    assert put(results, tmp_path, b"second", replacing=first)
    assert not put(results, tmp_path, b"late", replacing=first)
    second = results.current(KEY)
    assert second is not None
    assert first is not None
    assert second.etag != first.etag


def test_result_that_was_deleted_meanwhile_is_not_replaced(
    results: Results,
    tmp_path: Path,
) -> None:
    """The key is read again."""
    seen = StoredResult(etag='"0"', order=None, job_id=None)
    assert not put(results, tmp_path, b"late", replacing=seen)
    assert results.current(KEY) is None


def test_same_bytes_may_be_written_again(results: Results, tmp_path: Path) -> None:
    """The write of a worker that crashed after it is repeated."""
    assert put(results, tmp_path, b"same", replacing=None)
    assert put(results, tmp_path, b"same", replacing=results.current(KEY))
