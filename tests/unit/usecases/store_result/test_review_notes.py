"""`review/<name>.png.json`: why a result needs review, and whether it still does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.states import State
from tests.support.fakes.evolink import answering
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook, WorkerCrashedError

BESIDE = "review/a.png.json"
NOTE = "a.jpg.error.json"
OPAQUE = b"png 600 400 255 255"


def said(world: World, key: str = BESIDE) -> dict[str, object]:
    """The note at a key."""
    told: dict[str, object] = json.loads(world.notes.stored[key].text)
    return told


def reviewed(world: World, key: str = "a.jpg", salt: int = 0) -> Job:
    """A job whose result fails the checks."""
    job = world.arrives(key, png(salt=salt))
    world.evolink.complete(world.task_of(job), OPAQUE)
    return world.check_task(job)


def retried(world: World, job: Job) -> Job:
    """Retry the job with a result that passes the checks."""
    world.clock.advance(timedelta(minutes=1))
    world.operate.retry(world.job(job))
    world.submit.advance(world.job(job))
    world.evolink.complete(world.task_of(job))
    return world.check_task(job)


@pytest.mark.parametrize(
    ("result", "measured"),
    [
        (
            OPAQUE,
            {
                "format": "png",
                "width": 600,
                "height": 400,
                "alpha": {"least": 255, "greatest": 255},
            },
        ),
        (
            b"jpeg 300 200 -1 -1",
            {"format": "jpeg", "width": 300, "height": 200, "alpha": None},
        ),
        (b"\x89PNG\r\n\x1a\n", {"format": None, "width": None, "height": None, "alpha": None}),
    ],
)
def test_the_note_beside_a_result_in_review_lists_measured_and_expected_values(
    result: bytes, measured: dict[str, object]
) -> None:
    """So that an operator can decide without reading the table."""
    world = World()
    job = world.arrives("shoes/red.jpg")
    world.evolink.complete(world.task_of(job), result)
    world.check_task(job)
    world.passes(timedelta(minutes=30))
    reviewed = world.job(job)
    told = said(world, "review/shoes/red.png.json")
    assert reviewed.reason is not None
    assert reviewed.result is not None
    assert told == {
        "job": job.id,
        "source": {"bucket": "uploads", "key": "shoes/red.jpg", "version": "v1"},
        "state": "review",
        "reason": reviewed.reason.value,
        "meaning": reviewed.reason.meaning,
        "measured": {"bytes": reviewed.result.size} | measured,
        "expected": {
            "width": 600,
            "height": 400,
            "shape": "that of the photo, at most 2 % off, and not much smaller",
            "alpha": "some pixels below 255, some above 0",
        },
        "result": "s3://results/review/shoes/red.png",
        "credits": 5.4,
        "paid": "5.4 credits were charged.",
        "keep": "cutout review accept shoes/red.jpg",
        "reject": "cutout review reject shoes/red.jpg",
        "retry": "cutout retry shoes/red.jpg",
    }


def test_the_note_is_written_before_the_job_is_in_review() -> None:
    """Object, note, job, in this order: a job in `review` has both."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job), OPAQUE)
    states: list[State] = []
    hook.once_at("notes.write done", lambda: states.append(world.job(job).state))
    world.check_task(job)
    assert states == [State.STORING]
    assert list(world.notes.stored) == ["review/a.png.json", NOTE]


def test_a_completed_retry_marks_the_note_as_settled() -> None:
    """Operators who go through the folder can skip it; the paid object stays."""
    world = World()
    job = reviewed(world)
    done = retried(world, job)
    assert done.state is State.COMPLETED
    told = said(world)
    assert (told["state"], told["result"]) == ("completed", "s3://results/a.png")
    assert list(world.notes.stored) == [BESIDE]
    assert set(world.results.objects) == {"review/a.png", "a.png"}


def test_a_retry_completed_from_the_cache_marks_the_note_as_settled() -> None:
    """The same photo was uploaded under another key, and its result passed the checks."""
    world = World(reuse=True)
    job = reviewed(world)
    other = world.arrives("b.jpg", png(salt=0))
    world.evolink.complete(world.task_of(other))
    assert world.check_task(other).state is State.COMPLETED
    world.operate.retry(world.job(job))
    world.submit.advance(world.job(job))
    done = world.check_task(job)
    assert (done.state, done.reused is not None) == (State.COMPLETED, True)
    assert said(world)["state"] == "completed"


def test_a_retry_that_took_long_marks_the_note_as_settled() -> None:
    """The job's history keeps sixty entries, and has dropped the review by then."""
    world = World()
    job = reviewed(world)
    world.evolink.create_rule = answering(NotSent(message="ConnectError"))
    world.operate.retry(world.job(job))
    world.passes(timedelta(hours=5, minutes=30))
    world.evolink.create_rule = None
    world.passes(timedelta(minutes=15))
    assert State.REVIEW not in {step.state for step in world.job(job).history}
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED
    assert said(world)["state"] == "completed"


def test_the_note_is_written_again_after_a_crash() -> None:
    """It is written before the job is `completed`: the lease expires and the step is repeated."""
    hook = Hook()
    world = World(step=hook)
    job = reviewed(world)
    hook.crash_at("notes.write")
    with pytest.raises(WorkerCrashedError):
        retried(world, job)
    world.passes(2 * world.timing.lease)
    assert (world.job(job).state, said(world)["state"]) == (State.COMPLETED, "completed")


def test_a_note_that_was_deleted_is_not_written_again() -> None:
    """An operator has cleared the folder."""
    world = World()
    job = reviewed(world)
    world.notes.stored.clear()
    assert retried(world, job).state is State.COMPLETED
    assert world.notes.stored == {}


def test_the_note_of_another_photo_is_left_alone() -> None:
    """It is at the first key, and this job's note is at the second."""
    world = World()
    world.jobs.claim_result_key("review/a.png", "uploads/other.jpg")
    job = reviewed(world)
    assert job.result is not None
    second = f"{job.result.key}.json"
    mine = world.notes.stored[second]
    other = replace(mine, note=replace(mine.note, job_id="other"))
    world.notes.stored[BESIDE] = other
    retried(world, job)
    assert (world.notes.stored[BESIDE], said(world, second)["state"]) == (other, "completed")
