"""How many labels one request can carry: each limit to the byte."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.adapters.s3.object_metadata import MAX_LABEL_BYTES, MAX_METADATA_BYTES, fitted
from cutout.ports.buckets import Handling, Labels
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.world import World

LANGUAGE_BYTES = len("content_language: \r\n")
NONE = Labels(metadata={}, tags={})


def with_room(size: int, labels: Labels = NONE) -> Labels:
    """The labels, with a header that leaves this many bytes of all headers for them."""
    language = "x" * (MAX_LABEL_BYTES - LANGUAGE_BYTES - size)
    return replace(labels, handling=replace(labels.handling, content_language=language))


EXPIRES = replace(NONE, handling=Handling(expires=START))
METADATA = replace(NONE, metadata={"n": "é"})
TAG = replace(NONE, tags={"n": "ü"})


@pytest.mark.parametrize(
    ("labels", "size"),
    [
        (NONE, 0),
        (EXPIRES, len("expires: Thu, 01 Jan 2026 00:00:00 GMT\r\n")),
        # Once as a header, and its name once more in the signature's.
        (METADATA, len("x-amz-meta-n: =?UTF-8?B?w6k=?=\r\n;x-amz-meta-n")),
        (TAG, len("&n=%C3%BC")),
    ],
)
def test_labels_are_written_while_the_headers_of_a_request_have_room(
    labels: Labels, size: int
) -> None:
    """With one byte less, the label that does not fit is left out and named."""
    fits = with_room(size, labels)
    assert fitted(fits, {}) == fits
    tight = with_room(size - 1, labels)
    assert len(fitted(tight, {}).left_out) == 1


def test_metadata_is_written_up_to_s3s_own_limit() -> None:
    """Names and values together, in UTF-8."""
    full = replace(NONE, metadata={"name": "x" * (MAX_METADATA_BYTES - len("name"))})
    assert fitted(full, {}) == full
    longer = replace(NONE, metadata={"name": full.metadata["name"] + "x", "other": "fits"})
    assert fitted(longer, {}) == Labels(
        metadata={"other": "fits"}, tags={}, left_out=("metadata name",)
    )


def test_of_too_many_tags_the_first_by_name_are_written() -> None:
    """S3 accepts ten."""
    tags = {f"tag-{number:02}": "x" for number in range(11)}
    labels = fitted(replace(NONE, tags=tags), {})
    assert list(labels.tags) == sorted(tags)[:10]
    assert labels.left_out == ("tag tag-10",)


@pytest.mark.parametrize("is_versioned", [True, False])
def test_a_cut_out_names_its_photos_version_or_etag(
    is_versioned: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """So that its source is known in an unversioned bucket, too."""
    world = World(uploads=MemoryUploads(is_versioned=is_versioned))
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.check_task(job)
    carried = world.results.objects["a.png"].labels.metadata
    assert carried["cutout-source-version"] == (job.source.version_id or job.source.etag)
