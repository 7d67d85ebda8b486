"""The tag `cutout` on a photo names the state of its settled job, if the setting is on."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import World, png


def tagging() -> World:
    """A world with tagging on."""
    return World(tag_sources=True)


def tags(world: World, job: Job) -> dict[str, str]:
    """The tags of the job's photo."""
    return dict(world.uploads.labels(job.source).tags)


@pytest.mark.parametrize(
    ("result", "state"),
    [(CUT_OUT, State.COMPLETED), (b"png 600 400 255 255", State.REVIEW), (None, State.FAILED)],
)
def test_the_tag_names_the_state_of_the_settled_job(result: bytes | None, state: State) -> None:
    """The owner's other tags stay."""
    world = tagging()
    source = world.uploads.add("a.jpg", png(), Labels(metadata={}, tags={"team": "shoes"}))
    begun = world.registered(source)
    assert begun is not None
    job = world.advance(begun)
    if result is None:
        world.evolink.fail(world.task_of(job), "content_policy_violation")
    else:
        world.evolink.complete(world.task_of(job), result)
    assert world.check_task(job).state is state
    assert tags(world, job) == {"team": "shoes", "cutout": state.value}


def test_a_rejected_photo_is_tagged() -> None:
    """Though no call was made."""
    world = tagging()
    job = world.arrives(data=b"a text")
    assert tags(world, job) == {"cutout": "rejected"}


def test_a_deleted_or_fully_tagged_photo_does_not_block_its_job() -> None:
    """A photo without room for a tag is logged; a deleted one is not."""
    world = tagging()
    job = world.arrives(data=b"a text")
    many = {f"t{number}": "x" for number in range(10)}
    full = world.uploads.add("b.jpg", b"a text", Labels(metadata={}, tags=many))
    begun = world.registered(full)
    assert begun is not None
    assert world.advance(begun).is_announced
    assert [message for message, _ in world.telemetry.facts if "not tagged" in message]
    world.uploads.destroy(job.source)
    world.submit.job_writer.reapply_effects(job)


def test_nothing_is_tagged_with_the_setting_off() -> None:
    """Tagging costs requests."""
    world = World()
    assert tags(world, world.arrives(data=b"a text")) == {}


def test_without_versioning_a_late_effect_does_not_tag_a_newer_upload_of_the_same_bytes() -> None:
    """The bucket cannot tell the two apart, but the order of the uploads does."""
    world = World(tag_sources=True, uploads=MemoryUploads(is_versioned=False))
    failed = world.arrives()
    world.evolink.fail(world.task_of(failed), "content_policy_violation")
    failed = world.check_task(failed)
    again = world.arrives()
    world.evolink.complete(world.task_of(again), CUT_OUT)
    assert world.check_task(again).state is State.COMPLETED
    world.settlement_effects.apply(failed)
    assert tags(world, again) == {"cutout": "completed"}
