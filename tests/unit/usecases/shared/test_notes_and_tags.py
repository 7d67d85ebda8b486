"""What the end of a job changes in the buckets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.job.source import LatestVersion
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.buckets import Labels
from tests.support.builders import RESULT, a_job, a_source, an_attempt
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import World, png

ORDER = a_source().order
LATER = a_source(sequencer="FF").order


def ended(world: World, state: State, labels: Labels | None = None, **facts: Any) -> Job:
    """A settled job in this state."""
    source, head = world.uploads.add("a.jpg", png(), labels), world.jobs.heads.get("uploads/a.jpg")
    if head is not None and head.order > source.order:
        world.uploads.remove("a.jpg")
    job = replace(a_job(state, source=source), **facts)
    world.job_writer.reapply_effects(job)
    return job


def effects(*, head: LatestVersion | None = None) -> World:
    """A world with tags and removal of results on, and this newest event of the key."""
    world = World(delete_with_source=True, tag_sources=True)
    if head is not None:
        world.jobs.heads["uploads/a.jpg"] = head
    return world


def head(order: str, job_id: str | None) -> LatestVersion:
    """The newest event of the key."""
    return LatestVersion(source_ref="uploads/a.jpg", order=order, job_id=job_id)


REUSED = Reuse(job_id="a", key="kept/a.png", sha256="5a", task_id="task-1", credits_saved=PRICE)
FIRST = World().uploads.add("a.jpg", png()).order


@pytest.mark.parametrize(
    ("newest", "facts", "is_removed"),
    [
        (head(LATER, None), {"result": RESULT}, True),
        (head(LATER, None), {"attempts": (an_attempt(),)}, True),
        (head(LATER, None), {"reused": REUSED}, True),
        (head(LATER, None), {}, False),
        (head(LATER, "newer"), {"result": RESULT}, False),
        (head(FIRST, None), {"result": RESULT}, False),
        (None, {"result": RESULT}, False),
    ],
)
def test_a_result_stored_after_its_photo_was_deleted_is_removed(
    newest: LatestVersion | None,
    facts: dict[str, Any],
    is_removed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The deletion event found nothing to remove."""
    world = effects(head=newest)
    ended(world, State.COMPLETED, **facts)
    removal = Removal(bucket="uploads", key="a.jpg", order=LATER)
    assert world.callbacks.removals == ([removal] if is_removed else [])


def test_no_note_is_written_for_a_photo_that_was_replaced() -> None:
    """Not even temporarily."""
    world = effects(head=head(LATER, "newer"))
    ended(world, State.FAILED, reason=Reason.TASK_FAILED)
    assert world.notes.written == []


@pytest.mark.parametrize(("tags", "is_logged"), [(9, False), (10, True)])
def test_a_photo_with_the_maximum_number_of_tags_is_not_tagged(
    tags: int,
    is_logged: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """That is logged, and has no other effect."""
    labels = Labels(metadata={}, tags={str(number): "x" for number in range(tags)})
    world = effects()
    job = ended(world, State.COMPLETED, labels)
    stored = world.uploads.labels(job.source).tags
    assert (stored.get("cutout") is None) == is_logged
    assert bool(world.telemetry.facts) == is_logged


@pytest.mark.parametrize(
    ("newest", "reason"),
    [
        (None, None),
        (head(ORDER, "another"), None),
        (head(a_source(sequencer="00").order, "another"), None),
        (head(LATER, a_source().job_id), None),
        (head(LATER, "another"), Reason.NEWER_UPLOAD),
        (head(LATER, None), Reason.SOURCE_DELETED),
    ],
)
def test_only_a_later_event_of_another_upload_supersedes_a_job(
    newest: LatestVersion | None, reason: Reason | None
) -> None:
    """A deletion counts as such an event."""
    world = World()
    job = a_job()
    if newest is not None:
        world.jobs.heads[job.source.ref] = newest
    assert job.why_superseded_by(world.jobs.newest(job.source.ref)) is reason
