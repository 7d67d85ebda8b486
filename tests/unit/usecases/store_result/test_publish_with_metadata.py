"""What a cut-out carries besides its pixels: the photo's labels, and its provenance."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cutout.adapters.s3.encoded_words import is_plain
from cutout.adapters.s3.object_metadata import MAX_LABEL_BYTES, fitted, written
from cutout.domain.job.job import Job
from cutout.ports.buckets import Handling, Labels
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World, png

TASK = "task-unified-000001"


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """Complete the job's task with this result and deliver its callback."""
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def labelled(world: World, labels: Labels) -> Labels:
    """The labels of the cut-out of a photo with these labels, without provenance."""
    source = world.uploads.add("a.jpg", png(), labels)
    job = world.registered(source)
    assert job is not None
    finish(world, world.advance(job))
    carried = world.results.objects["a.png"].labels
    own = {name: v for name, v in carried.metadata.items() if not name.startswith("cutout-")}
    return replace(carried, metadata=own)


def test_metadata_and_tags_of_the_photo_are_carried_over() -> None:
    """All that the owner set."""
    labels = Labels(metadata={"sku": "4711", "shop": "Süd"}, tags={"team": "shoes", "a b": "ü"})
    assert labelled(World(), labels) == labels


def test_http_headers_of_the_photo_are_carried_over() -> None:
    """Caching, file name, language and expiry."""
    handling = Handling(
        cache_control="max-age=60",
        content_disposition='inline; filename="red.jpg"',
        content_language="de",
        expires=START,
    )
    labels = Labels(metadata={}, tags={}, handling=handling)
    assert labelled(World(), labels) == labels


def test_labels_about_the_photo_itself_are_not_carried_over() -> None:
    """Its state, Cutout's marks, and tags that only AWS may set."""
    labels = Labels(
        metadata={"cutout-fresh": "true", "sku": "1"},
        tags={"cutout": "failed", "aws:cloudformation:stack-name": "x", "team": "shoes"},
    )
    world = World()
    carried = labelled(world, labels)
    assert (carried.metadata, carried.tags) == ({"sku": "1"}, {"team": "shoes"})
    assert "cutout-fresh" not in world.results.objects["a.png"].labels.metadata


def test_provenance_comes_first_and_metadata_stays_within_the_limit_of_s3() -> None:
    """2 KB of names and values in UTF-8; an entry that does not fit is left out and logged."""
    labels = Labels(metadata={"big": "ü" * 995, "small": "y" * 20, "tail": "z" * 200}, tags={})
    world = World()
    assert labelled(world, labels).metadata == {"small": "y" * 20, "tail": "z" * 200}
    metadata = world.results.objects["a.png"].labels.metadata
    assert sum(len(name) + len(value.encode()) for name, value in metadata.items()) <= 2048
    assert metadata["cutout-task"] == TASK
    told = [fields for message, fields in world.telemetry.facts if message.startswith("labels")]
    assert told == [{"kind": "metadata", "names": ["big"]}]


def test_the_photos_metadata_cannot_forge_provenance() -> None:
    """Names of Cutout's own metadata are reserved."""
    world = World()
    forged = {"cutout-task": "somebody else's", "cutout-source-order": "F" * 32}
    labelled(world, Labels(metadata=forged, tags={}))
    metadata = world.results.objects["a.png"].labels.metadata
    (job,) = world.jobs.jobs.values()
    assert metadata["cutout-task"] == job.attempts[0].task_id
    assert metadata["cutout-source-order"] == job.source.order


@pytest.mark.parametrize(
    ("labels", "left_out"),
    [
        (Labels(metadata={"sku": "\ud800"}, tags={}), "metadata sku"),
        (Labels(metadata={"s k u": "1"}, tags={}), "metadata s k u"),
        (Labels(metadata={}, tags={"\udfff": "1"}), "tag ?"),
        (
            Labels(metadata={}, tags={}, handling=Handling(cache_control="x" * 6000)),
            "header cache_control",
        ),
        (
            Labels(metadata={}, tags={}, left_out=("header Expires",)),
            "header Expires",
        ),
    ],
)
def test_labels_that_no_header_can_hold_are_left_out_and_recorded(
    labels: Labels, left_out: str
) -> None:
    """The paid cut-out is stored without them."""
    world = World()
    carried = labelled(world, labels)
    assert (carried.metadata, carried.tags, carried.handling) == ({}, {}, Handling())
    (job,) = world.jobs.jobs.values()
    assert job.result is not None
    assert job.result.remark == f"labels that could not be carried over: {left_out}"


def test_tags_that_do_not_fit_into_the_header_are_left_out() -> None:
    """Ten of the longest Chinese tags would need 34 kB, of which S3 accepts 8."""
    tags = {chr(0x4E00 + n) * 128: "\u4e2d" * 256 for n in range(9)} | {"team": "shoes"}
    world = World()
    carried = labelled(world, Labels(metadata={"sku": "4711"}, tags=tags))
    assert carried.metadata == {"sku": "4711"}
    assert carried.tags["team"] == "shoes"
    assert 1 < len(carried.tags) < 10
    assert len(urlencode(carried.tags)) < MAX_LABEL_BYTES
    (job,) = world.jobs.jobs.values()
    assert job.result is not None
    assert job.result.remark is not None


_TEXTS = st.text(st.characters(), max_size=300)


@example(metadata={"cutout-job": "another"}, tags={}, header="")
@given(
    metadata=st.dictionaries(_TEXTS, _TEXTS, max_size=8),
    tags=st.dictionaries(_TEXTS, _TEXTS, max_size=12),
    header=_TEXTS,
)
def test_any_labels_give_a_request_that_can_be_sent(
    metadata: dict[str, str], tags: dict[str, str], header: str
) -> None:
    """Everything in it is ASCII, as in HTTP headers, and within S3's limits."""
    labels = fitted(
        Labels(metadata=metadata, tags=tags, handling=Handling(content_disposition=header)),
        {"cutout-job": "a" * 32},
    )
    request = written(labels)
    headers = {f"x-amz-meta-{name}": text for name, text in request.pop("Metadata").items()}
    headers |= request
    assert all(is_plain(name + text) for name, text in headers.items())
    size = sum(len(name) + len(text) + 4 for name, text in headers.items())
    assert size <= MAX_LABEL_BYTES + len("x-amz-tagging: \r\n")
    assert headers["x-amz-meta-cutout-job"] == "a" * 32
