"""Completing a job from the cached result of the same photo, and what follows if that fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cutout.domain.job.result import Reuse
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import World, png
from tests.support.storing import CUT_SHORT, Storing, settled

REUSED = Reuse(job_id="other", key="kept", sha256="0f" * 32, task_id="task-9", credits_saved=PRICE)


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({}, (State.QUEUED, Reason.KEPT_RESULT_LOST, None)),
        ({"cut_short": 4, "failures": 7}, (State.QUEUED, Reason.KEPT_RESULT_LOST, None)),
        ({"cut_short": 5}, (State.FAILED, Reason.STEP_FAILED, CUT_SHORT)),
        ({"failures": 8, "message": "why"}, (State.FAILED, Reason.STEP_FAILED, "why")),
    ],
)
def test_a_job_with_a_cached_result_makes_a_call_after_reuse_was_turned_off(
    facts: dict[str, Any], end: tuple[State, Reason | None, str | None]
) -> None:
    """It is queued at once, unless its workers crashed too often."""
    storing = Storing(World(), reused=REUSED, **facts)
    job = storing.use_case.reuse(storing.job)
    assert settled(job) == end
    if job.state is State.QUEUED:
        assert (job.due_at, job.reused) == (START, None)
        assert storing.world.submissions.job_ids == [job.id]


def test_a_job_whose_cached_result_is_gone_makes_a_call_at_once() -> None:
    """It owns the photo's record once it is admitted."""
    world = World(reuse=True)
    first = world.arrives("b.jpg")
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    again = world.arrives("c.jpg")
    world.cached_results.objects.clear()
    world.callbacks.checks.clear()
    job = world.track_task.store_result.reuse(world.job(again))
    assert settled(job) == (State.QUEUED, Reason.KEPT_RESULT_LOST, None)
    assert (job.due_at, job.reused) == (START, None)
    assert world.submissions.job_ids == [job.id]
    world.deliver_all()
    (record,) = world.dedup_records.items.values()
    assert (record.owner, record.kept, len(world.evolink.charges)) == (job.id, None, 2)


def test_a_cached_result_that_fails_the_checks_is_paid_for_again() -> None:
    """The size of the photo may differ."""
    world = World(reuse=True)
    first = world.arrives("b.jpg")
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    again = world.job(world.arrives("c.jpg"))
    assert again.photo is not None
    narrow = replace(again, photo=replace(again.photo, width=100))
    world.jobs.jobs[again.id] = narrow
    job = world.track_task.store_result.reuse(narrow)
    assert settled(job) == (State.QUEUED, Reason.KEPT_RESULT_LOST, None)


def test_a_replaced_photo_is_not_completed_from_the_cache() -> None:
    """Nothing is published for it."""
    world = World(reuse=True)
    first = world.arrives("b.jpg")
    world.evolink.complete(world.task_of(first))
    world.check_task(first)
    outdated = world.arrives("a.jpg")
    assert outdated.state is State.STORING
    world.arrives("a.jpg", png(salt=1))
    job = world.track_task.store_result.reuse(outdated)
    assert settled(job) == (State.SUPERSEDED, Reason.NEWER_UPLOAD, None)
    assert list(world.results.objects) == ["b.png"]


def test_a_replaced_photo_whose_cached_result_is_gone_is_not_paid_for() -> None:
    """It is queued for a call, and Submit supersedes it before it makes one."""
    world = World(reuse=True)
    storing = Storing(world, reused=REUSED)
    world.arrives("a.jpg", png(salt=1))
    posts = len(world.evolink.posts)
    job = storing.use_case.reuse(storing.job)
    assert settled(job) == (State.QUEUED, Reason.KEPT_RESULT_LOST, None)
    assert settled(world.advance(job)) == (State.SUPERSEDED, Reason.NEWER_UPLOAD, None)
    assert len(world.evolink.posts) == posts
