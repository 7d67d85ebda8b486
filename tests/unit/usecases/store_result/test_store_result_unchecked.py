"""A result that could not be checked, as the cache failed for hours, is stored by a retry."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from cutout.domain.errors import SourceDeniedError
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.world import TIMING, World

MINUTE = timedelta(minutes=1)
TASK = "task-unified-000001"


def unchecked(failing: set[str]) -> tuple[World, Job]:
    """A job whose result could not be checked: these steps failed, and do so until removed."""

    def fails(name: str) -> None:
        if name in failing:
            raise SourceDeniedError(name)

    world = World(step=fails, reuse=True)
    job = world.arrives()
    world.evolink.complete(TASK)
    with suppress(SourceDeniedError):
        world.check_task(job)
    world.passes(TIMING.job_deadline)
    assert world.job(job).reason is Reason.RESULT_UNCHECKED
    return world, job


def assert_stored_at_no_cost(world: World, job: Job) -> None:
    """Retry the job: it completes with the task that was paid for."""
    world.operate.retry(world.job(job))
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.COMPLETED
    assert [charge.task_id for charge in world.evolink.charges] == [TASK]


@pytest.mark.parametrize("step", ["kept.put", "purchases.cache"])
def test_a_result_that_could_not_be_checked_is_stored_by_a_retry_at_no_cost(step: str) -> None:
    """Every try of some hours failed, as an outage of the cache lasted that long."""
    failing = {step}
    world, job = unchecked(failing)
    failing.clear()
    note = json.loads(world.notes.stored["a.jpg.error.json"].text)
    assert "A retry first tries to store the paid result, at no cost" in note["next"]
    assert_stored_at_no_cost(world, job)
    told = json.loads(world.notes.stored["review/a.png.json"].text)
    assert (told["state"], told["result"]) == ("completed", "s3://results/a.png")


def test_each_retry_asks_for_a_result_that_could_not_be_checked() -> None:
    """The first retry came before the cache could be written again."""
    failing = {"kept.put"}
    world, job = unchecked(failing)
    world.operate.retry(world.job(job))
    world.passes(TIMING.job_deadline)
    assert world.job(job).reason is Reason.RESULT_UNCHECKED
    failing.clear()
    assert_stored_at_no_cost(world, job)
