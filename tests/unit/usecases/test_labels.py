"""What a cut-out carries besides its pixels: its photo's labels, and where it comes from."""

from __future__ import annotations

from dataclasses import replace

from cutout.job import Job
from cutout.ports.buckets import Handling, Labels
from tests.fakes.clock import START
from tests.fakes.evolink import CUT_OUT
from tests.fakes.world import World, png

TASK = "task-unified-000001"


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """The job's task ends with this result, and its callback comes."""
    world.evolink.complete(world.task_of(job), result)
    return world.wake(job)


def labelled(world: World, labels: Labels) -> Labels:
    """What the cut-out of a photo with these labels carries, without its provenance."""
    source = world.uploads.add("a.jpg", png(), labels)
    job = world.arrive.created(source)
    assert job is not None
    finish(world, world.submit.advance(job))
    carried = world.results.objects["a.png"].labels
    own = {name: v for name, v in carried.metadata.items() if not name.startswith("cutout-")}
    return replace(carried, metadata=own)


def test_metadata_and_tags_of_the_source_are_carried_over() -> None:
    """Whatever its owner wrote beside the photo stands beside the cut-out."""
    labels = Labels(metadata={"sku": "4711", "shop": "Süd"}, tags={"team": "shoes", "a b": "ü"})
    assert labelled(World(), labels) == labels


def test_what_the_source_tells_browsers_and_caches_is_carried_over() -> None:
    """How long it may be kept, and under which name it is saved."""
    handling = Handling(
        cache_control="max-age=60",
        content_disposition='inline; filename="red.jpg"',
        content_language="de",
        expires=START,
    )
    labels = Labels(metadata={}, tags={}, handling=handling)
    assert labelled(World(), labels) == labels


def test_what_is_said_about_the_source_is_not_carried_over() -> None:
    """Its state, how it is to be treated, and what AWS alone may write."""
    labels = Labels(
        metadata={"cutout-fresh": "true", "sku": "1"},
        tags={"cutout": "failed", "aws:cloudformation:stack-name": "x", "team": "shoes"},
    )
    world = World()
    carried = labelled(world, labels)
    assert (carried.metadata, carried.tags) == ({"sku": "1"}, {"team": "shoes"})
    assert "cutout-fresh" not in world.results.objects["a.png"].labels.metadata


def test_provenance_comes_first_and_metadata_stays_within_the_limit_of_s3() -> None:
    """2 KB of names and values in UTF-8; what does not fit is left out whole, and logged."""
    labels = Labels(metadata={"big": "ü" * 995, "small": "y" * 20, "tail": "z" * 200}, tags={})
    world = World()
    assert labelled(world, labels).metadata == {"small": "y" * 20, "tail": "z" * 200}
    metadata = world.results.objects["a.png"].labels.metadata
    assert sum(len(name) + len(value.encode()) for name, value in metadata.items()) <= 2048
    assert metadata["cutout-task"] == TASK
    told = [fields for message, fields in world.telemetry.facts if message.startswith("labels")]
    assert told == [{"kind": "metadata", "names": ["big"]}]


def test_nobody_can_forge_provenance_through_the_sources_metadata() -> None:
    """Names of ours are ours."""
    world = World()
    forged = {"cutout-task": "somebody else's", "cutout-source-order": "F" * 32}
    labelled(world, Labels(metadata=forged, tags={}))
    metadata = world.results.objects["a.png"].labels.metadata
    (job,) = world.jobs.jobs.values()
    assert metadata["cutout-task"] == job.attempts[0].task_id
    assert metadata["cutout-source-order"] == job.source.order
