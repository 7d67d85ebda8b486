"""Events of uploads that a listing has shown before, to the minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Source, after
from tests.support.builders import a_source
from tests.support.fakes.clock import START
from tests.support.fakes.world import World

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
EVENT = a_source(key="a.jpg", version_id=None, sequencer="0B")
LISTED = replace(EVENT, sequencer="", modified_at=START)


def listed(world: World, source: Source = LISTED, *, began: datetime = START) -> Job:
    """A job made from a listing."""
    job = world.jobs.claim(Job.begin(source, now=began, due_at=began))
    world.jobs.heads[source.ref] = LatestVersion(
        source_ref=source.ref, order=source.order, job_id=job.id
    )
    return job


@pytest.mark.parametrize(
    ("ago", "stored_ago", "is_overtaken"),
    [
        (10 * MINUTE, 5 * MINUTE, True),
        (10 * MINUTE, 5 * MINUTE + SECOND, False),
        (10 * MINUTE, 15 * MINUTE, False),
        (5 * MINUTE, 0 * MINUTE, True),
        (5 * MINUTE - SECOND, -MINUTE, False),
        (10 * MINUTE, None, False),
    ],
)
@pytest.mark.parametrize("act", ["created", "deleted"])
def test_an_event_is_superseded_by_an_upload_listed_five_minutes_later(
    act: str,
    ago: timedelta,
    stored_ago: timedelta | None,
    is_overtaken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Clocks differ by less. The listed upload is ordered after the event from then on."""
    world = World()
    at = None if stored_ago is None else START - stored_ago
    later = listed(world, replace(LISTED, version_id="v2", modified_at=at, etag="e2"))
    event = replace(EVENT, version_id="v1")
    getattr(world.register_upload, act)(event, at=START - ago)
    raised = LatestVersion(source_ref=EVENT.ref, order=after(event.order), job_id=later.id)
    assert (world.jobs.heads[EVENT.ref] == raised) == is_overtaken


@pytest.mark.parametrize("is_current", [True, False])
@pytest.mark.parametrize(
    ("stored_ago", "is_close"),
    [
        (5 * MINUTE + SECOND, True),
        (10 * MINUTE, True),
        (15 * MINUTE, True),
        (15 * MINUTE + SECOND, False),
    ],
)
def test_if_both_times_are_close_the_bucket_tells_which_upload_is_newer(
    stored_ago: timedelta,
    is_close: bool,  # noqa: FBT001 - a column of the table
    is_current: bool,  # noqa: FBT001
) -> None:
    """The event is ten minutes old. An upload stored long before it is older in any case."""
    world = World()
    source = world.uploads.add(EVENT.key, b"listed")
    if not is_current:
        world.uploads.add(EVENT.key, b"newer")
    later = listed(world, replace(source, sequencer="", modified_at=START - stored_ago))
    event = replace(EVENT, version_id="v0")
    world.registered(event, at=START - 10 * MINUTE)
    is_overtaken = world.jobs.heads[EVENT.ref].job_id == later.id
    assert is_overtaken == (is_close and is_current)


@pytest.mark.parametrize("change", [{"at": None}, {"source": replace(LISTED, version_id="v1")}])
def test_an_upload_without_event_time_or_found_by_a_listing_is_not_superseded(
    change: dict[str, Any],
) -> None:
    """Only the time of an event can be compared with that of a listing."""
    world = World()
    later = listed(world, replace(LISTED, version_id="v2", etag="e2"))
    told: dict[str, Any] = {"source": replace(EVENT, version_id="v1"), "at": START - 10 * MINUTE}
    told |= change
    world.registered(**told)
    raised = LatestVersion(source_ref=EVENT.ref, order=after(EVENT.order), job_id=later.id)
    assert world.jobs.heads[EVENT.ref] != raised


@pytest.mark.parametrize("named", [None, "gone"])
def test_an_event_is_not_superseded_by_an_upload_without_a_job(named: str | None) -> None:
    """The key was deleted, or the job has expired."""
    world = World()
    world.jobs.heads[EVENT.ref] = LatestVersion(
        source_ref=EVENT.ref, order=a_source(sequencer="0A").order, job_id=named
    )
    job = world.registered(EVENT, at=START - 10 * MINUTE)
    assert job is not None
    assert world.jobs.heads[EVENT.ref].job_id == job.id == EVENT.job_id


@pytest.mark.parametrize(
    ("source", "at", "event", "is_known"),
    [
        (LISTED, START, EVENT, True),
        (LISTED, START + SECOND, EVENT, False),
        (LISTED, None, EVENT, False),
        (LISTED, START, replace(EVENT, etag="other"), False),
        (LISTED, START, replace(EVENT, version_id="v1"), False),
        (replace(LISTED, sequencer="0A", modified_at=None), START, EVENT, False),
        (LISTED, START, replace(LISTED, sequencer="0B" + "0" * 31 + "1"), False),
    ],
)
def test_without_versioning_a_listed_upload_is_recognised_by_its_etag_and_time(
    source: Source,
    at: datetime | None,
    event: Source,
    is_known: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its event would give another job id; no second job is made."""
    world = World()
    job = listed(world, source)
    known = world.registered(event, at=at)
    assert known is not None
    assert (known.id == job.id) == is_known


def test_the_event_of_a_listed_upload_gives_it_its_order() -> None:
    """A listing has no sequencers."""
    world = World()
    job = listed(world)
    world.registered(EVENT, at=START)
    assert world.jobs.heads[EVENT.ref] == LatestVersion(
        source_ref=EVENT.ref, order=EVENT.order, job_id=job.id
    )
