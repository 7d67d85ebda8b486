"""What each try to store a result does: the first, the last, and the ones between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import AttemptOutcome, Pixels, State
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook
from tests.support.storing import CUT_SHORT, Storing, settled

OPAQUE = b"png 600 400 255 255"
BROKEN = b"\x89PNG\r\n\x1a\n broken"
SECOND = timedelta(seconds=1)
WAIT = timedelta(seconds=7.5)
"""The first, without jitter."""


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({"failures": 7}, (State.COMPLETED, None, None)),
        ({"cut_short": 4}, (State.COMPLETED, None, None)),
        ({"failures": 8}, (State.REVIEW, Reason.RESULT_UNCHECKED, None)),
        ({"cut_short": 5}, (State.REVIEW, Reason.RESULT_UNCHECKED, None)),
        ({"cut_short": 5, "message": "why"}, (State.REVIEW, Reason.RESULT_UNCHECKED, "why")),
        ({"failures": 9}, (State.FAILED, Reason.STEP_FAILED, CUT_SHORT)),
        ({"failures": 9, "message": "why"}, (State.FAILED, Reason.STEP_FAILED, "why")),
    ],
)
def test_a_result_that_cannot_be_stored_goes_undecoded_to_review_and_then_fails(
    facts: dict[str, Any], end: tuple[State, Reason | None, str | None]
) -> None:
    """A result that crashes workers was paid for, and an operator should see it."""
    assert settled(Storing(World(), **facts).store()) == end


@pytest.mark.parametrize(
    ("failures", "sku", "variants"),
    [
        (2, "4711", ["a.web.png"]),
        (3, "4711", ["making it never ended; `cutout render` tries again"]),
        (4, None, ["making it never ended; `cutout render` tries again"]),
    ],
)
def test_each_further_try_leaves_out_more_of_the_extras(
    failures: int, sku: str | None, variants: list[str]
) -> None:
    """First the variants, then the photo's labels."""
    world = World(recipes=(Recipe(name="web"),))
    job = Storing(world, failures=failures).store()
    assert [one.key or one.problem for one in job.variants] == variants
    assert world.results.objects["a.png"].labels.metadata.get("sku") == sku
    assert job.result is not None
    assert (job.result.remark is None) == (sku is not None)


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("cut_short", [1, 5])
def test_the_result_of_a_replaced_photo_is_fetched_only_to_be_cached(
    cut_short: int,
    reuse: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """It was paid for, and may be reused for the same photo. It is never published.

    Whether a newer upload exists is checked once, just before publishing.
    """
    hook = Hook()
    world = World(reuse=reuse, step=hook)
    storing = Storing(world, cut_short=cut_short)
    world.arrives("a.jpg", png(salt=1))
    world.deliver_all()
    hook.seen.clear()
    job = storing.store()
    assert settled(job) == (State.SUPERSEDED, Reason.NEWER_UPLOAD, None)
    assert hook.seen.count("heads.newest") == 1
    assert len(world.cached_results.objects) == (reuse and cut_short == 1)
    assert world.results.objects == {}


def test_a_doubtful_result_is_not_cached() -> None:
    """An operator has to decide about it."""
    world = World(reuse=True)
    assert Storing(world, OPAQUE).store().state is State.REVIEW
    assert world.cached_results.objects == {}


def without_copy(**facts: Any) -> Storing:
    """A job that needs the photo's own pixels, while their copy is missing."""
    storing = Storing(World(pixels=Pixels.SOURCE), **facts)
    storing.world.copies.objects.clear()
    storing.world.preparations.requests.clear()
    return storing


@pytest.mark.parametrize(("counted", "left"), [(3, 2), (1, 0), (0, 0)])
def test_a_try_that_waits_for_a_copy_of_the_photo_is_not_counted(counted: int, left: int) -> None:
    """It ended without a failure."""
    storing = without_copy(cut_short=counted, failures=min(counted, 2))
    job = storing.store()
    assert storing.changed(job) == {
        "state": State.STORING,
        "reason": Reason.PREPARING,
        "due_at": START + WAIT,
        "tries": 1,
        "failures": min(left, 1),
        "cut_short": left,
    }
    assert len(storing.world.preparations.requests) == 1


@pytest.mark.parametrize(
    ("tries", "reason", "state"),
    [
        (11, Reason.PREPARING, State.STORING),
        (12, Reason.PREPARING, State.COMPLETED),
        (12, Reason.RESULT_UNREADABLE, State.STORING),
    ],
)
def test_a_missing_copy_is_waited_for_six_times(tries: int, reason: Reason, state: State) -> None:
    """Then the model's pixels are published."""
    assert without_copy(tries=tries, reason=reason).store().state is state


def test_a_doubtful_result_waits_for_no_copy_of_the_photo() -> None:
    """It goes to review as it is."""
    storing = without_copy()
    url = storing.task.result_url
    assert url is not None
    storing.world.evolink.results[url] = OPAQUE + b" task"
    assert storing.store().state is State.REVIEW


def _without_link(storing: Storing) -> None:
    storing.task = replace(storing.task, result_url=None)


def _broken(storing: Storing) -> None:
    assert storing.task.result_url is not None
    storing.world.evolink.results[storing.task.result_url] = BROKEN


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (_without_link, "the task is completed but names no result"),
        (_broken, "the result's file breaks off before its end"),
    ],
)
def test_a_result_that_is_not_there_yet_is_read_again_within_the_deadline(
    trouble: Callable[[Storing], None], message: str
) -> None:
    """The try ended without a failure and does not count."""
    storing = Storing(World(), failures=2, cut_short=2)
    trouble(storing)
    job = storing.store()
    assert job.message == message
    assert storing.changed(job) == {
        "state": State.STORING,
        "reason": Reason.RESULT_UNREADABLE,
        "due_at": START + WAIT,
        "tries": 1,
        "failures": 1,
        "cut_short": 1,
    }


@pytest.mark.parametrize(
    ("since", "state"),
    [(TIMING.job_deadline - SECOND, State.STORING), (TIMING.job_deadline, State.FAILED)],
)
def test_a_result_without_a_link_is_lost_at_the_deadline(since: timedelta, state: State) -> None:
    """An operator's retry reads the task once more."""
    storing = Storing(World(), entered_at=START - since)
    _without_link(storing)
    job = storing.store()
    assert (job.state, job.reason) == (
        state,
        Reason.RESULT_LOST if state is State.FAILED else Reason.RESULT_UNREADABLE,
    )


@pytest.mark.parametrize(
    ("since", "state"),
    [
        (timedelta(minutes=15) - SECOND, State.STORING),
        (timedelta(minutes=15), State.REVIEW),
    ],
)
def test_a_damaged_result_is_read_again_for_a_quarter_of_an_hour(
    since: timedelta, state: State
) -> None:
    """A file that stays damaged is the result, goes to review, and has no size."""
    storing = Storing(World(), entered_at=START - since)
    _broken(storing)
    job = storing.store()
    assert job.state is state
    if job.result is not None:
        assert (job.result.width, job.result.height, job.result.size) == (0, 0, len(BROKEN))


def test_storing_a_result_ends_its_attempt() -> None:
    """The charge is recorded, and the task is not read again."""
    job = Storing(World()).store()
    (attempt,) = job.attempts
    assert attempt.outcome is AttemptOutcome.SUCCEEDED
    unknown = Storing(World(), storing_attempt=None).store()
    assert unknown.state is State.COMPLETED
    assert [one.outcome for one in unknown.attempts] == [AttemptOutcome.ACCEPTED]


@pytest.mark.parametrize(
    ("due_in", "variant"),
    [
        (TIMING.lease / 3 + SECOND, "a.web.png"),
        (TIMING.lease / 3, "there was no time left; `cutout render` makes it"),
    ],
)
def test_no_variant_is_started_in_the_last_third_of_a_lease(
    due_in: timedelta, variant: str
) -> None:
    """The job must be written before another worker takes it."""
    world = World(recipes=(Recipe(name="web"),))
    job = Storing(world, due_at=START + due_in).store()
    assert [one.key or one.problem for one in job.variants] == [variant]


def test_a_variant_with_the_models_pixels_is_made_from_the_providers_result() -> None:
    """The cut-out has the photo's own pixels; another format is turned into a PNG first."""
    recipes = (Recipe(name="models", pixels=Pixels.MODEL),)
    world = World(pixels=Pixels.SOURCE, recipes=recipes)
    job = Storing(world, b"webp 600 400 0 255").store()
    (variant,) = job.variants
    assert variant.key is not None
    made = world.results.objects[variant.key].data
    assert made == b"png 600 400 0 255 upright models task-unified-000001"


def test_a_transparent_photo_waits_for_its_copy_whatever_the_setting() -> None:
    """Only its own pixels have its transparency."""
    storing = Storing(World())
    assert storing.job.photo is not None
    photo = replace(storing.job.photo, has_alpha=True)
    job = storing.use_case.store(replace(storing.job, photo=photo), storing.task)
    assert (job.state, job.reason) == (State.STORING, Reason.PREPARING)


def test_a_settled_job_drops_the_body_of_its_call() -> None:
    """The body grants access to the photo."""
    storing = Storing(World())
    attempts = tuple(replace(one, body_name="0f") for one in storing.job.attempts)
    job = storing.use_case.store(replace(storing.job, attempts=attempts), storing.task)
    assert [one.body_name for one in job.attempts] == [None]


def test_a_result_that_crashes_its_workers_is_not_decoded_again() -> None:
    """It goes to review as it is."""
    storing = Storing(World(), BROKEN, cut_short=5, entered_at=START - timedelta(hours=1))
    job = storing.store()
    assert (job.state, job.reason) == (State.REVIEW, Reason.RESULT_UNCHECKED)


def busy() -> None:
    """Raise as a throttled table does."""
    raise StoreBusyError("throttled")


def test_a_busy_table_is_not_taken_for_a_crashed_worker() -> None:
    """The result is decoded and published once the table answers: it does not go to review."""
    hook = Hook()
    world = World(step=hook, uploads=MemoryUploads(hook, is_versioned=False))
    job = world.arrives()
    world.evolink.complete(world.task_of(job), CUT_OUT)
    for failures in range(1, 6):
        hook.once_at("heads.newest", busy)
        tried = world.check_task(job)
        assert (tried.state, tried.failures, tried.cut_short) == (State.STORING, failures, 0)
        assert tried.due_at is not None
        assert tried.due_at > world.clock.now()
        world.clock.advance(tried.due_at - world.clock.now())
    assert world.check_task(job).state is State.COMPLETED


def test_a_busy_table_does_not_end_the_lease_of_another_worker() -> None:
    """Another worker has moved the job since this one began."""
    hook = Hook()
    world = World(step=hook, uploads=MemoryUploads(hook, is_versioned=False))
    job = world.arrives()
    world.evolink.complete(world.task_of(job), CUT_OUT)

    def overtaken() -> None:
        stored = world.job(job)
        world.jobs.jobs[job.id] = replace(stored, version=stored.version + 1)
        busy()

    hook.once_at("heads.newest", overtaken)
    with pytest.raises(StoreBusyError):
        world.check_task(job)
    assert world.job(job).due_at == world.clock.now() + TIMING.lease
