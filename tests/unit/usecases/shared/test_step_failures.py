"""A step that raises, whatever it raises: the job steps aside, is tried again, and ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutout.domain.errors import SourceDeniedError, StoreBusyError
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels, State
from cutout.ports.buckets import Handling, Labels
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import WorkerDiedError

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class FailingWorld(World):
    """A world in which steps fail, and which counts how often a job is looked at."""

    def __init__(self, **facts: object) -> None:
        self.failing: dict[str, BaseException] = {}
        super().__init__(step=self._step, **facts)  # type: ignore[arg-type]

    def _step(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    @property
    def looks(self) -> int:
        """How often a worker looked at a job."""
        return sum(message == "job processed" for message, _ in self.telemetry.facts)


def deny(world: World, key: str) -> None:
    """A policy keeps the functions from this key."""
    world.uploads.errors[key] = SourceDeniedError("S3 answers AccessDenied")


def test_a_photo_that_cannot_be_read_is_rejected_within_its_deadline() -> None:
    """A policy or a KMS key is in the way: it may be put right, so the photo is tried again."""
    world = FailingWorld()
    deny(world, "a.jpg")
    job = world.arrives()
    assert (job.state, job.reason, job.failures) == (State.QUEUED, Reason.BACKING_OFF, 1)
    assert job.message is not None
    assert "AccessDenied" in job.message
    assert job.due_at is not None
    assert job.due_at - world.clock.now() >= 6 * TIMING.lease, "no second delivery in between"
    world.passes(TIMING.job_deadline)
    job = world.job(job)
    assert (job.state, job.reason) == (State.REJECTED, Reason.UNREADABLE)
    assert job.message is not None
    assert "AccessDenied" in job.message
    assert job.is_announced
    assert world.looks < 20


def test_one_that_becomes_readable_goes_on_as_if_nothing_had_been() -> None:
    """The policy was put right."""
    world = World()
    deny(world, "a.jpg")
    job = world.arrives()
    world.uploads.errors.clear()
    world.passes(13 * MINUTE)
    job = world.job(job)
    assert (job.state, job.failures) == (State.PROCESSING, 0)


@pytest.mark.parametrize("error", [SourceDeniedError("AccessDenied"), ZeroDivisionError("defect")])
def test_photos_at_the_head_of_the_line_that_raise_keep_nobody_waiting(error: Exception) -> None:
    """As many as there are slots, and then some: the first that can goes in."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(LIMITS.max_in_flight)]
    theirs = [world.arrives(f"t{n}.jpg", png(salt=10 + n)) for n in range(2 * LIMITS.max_in_flight)]
    ours = world.arrives("ours.jpg", png(salt=50))
    assert all(job.is_waiting for job in (*theirs, ours))
    world.uploads.errors |= {job.source.key: error for job in theirs}
    for job in theirs:  # their photos have to be read once more
        world.jobs.jobs[job.id] = replace(job, photo=None)
    for job in inside:
        world.evolink.complete(world.task_of(job))
        world.wake(job)
    world.passes(2 * MINUTE)
    assert world.job(ours).state is State.PROCESSING
    world.passes(DAY)
    assert {world.job(job).state for job in theirs} <= {State.FAILED, State.REJECTED}


def test_denied_photos_at_the_head_of_the_line_cost_no_time() -> None:
    """However many they are, each lets in the next at once: no slot waits for a sweep."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(LIMITS.max_in_flight)]
    theirs = [world.arrives(f"t{n}.jpg", png(salt=10 + n)) for n in range(30)]
    ours = world.arrives("ours.jpg", png(salt=50))
    for job in theirs:
        deny(world, job.source.key)
        world.jobs.jobs[job.id] = replace(job, photo=None)
    world.evolink.complete(world.task_of(inside[0]))
    world.wake(inside[0])
    world.settles()
    assert world.job(ours).state is State.PROCESSING


def test_after_a_failed_step_a_photo_stands_behind_those_that_came_meanwhile() -> None:
    """Else the same ones would stand first again, and again."""
    world = World()
    deny(world, "a.jpg")
    theirs = world.arrives("a.jpg", png(salt=1))
    world.operate.pause()
    world.uploads.errors.clear()
    world.clock.advance(5 * MINUTE)
    ours = world.arrives("b.jpg", png(salt=2))
    world.clock.advance(8 * MINUTE)
    world.submit.advance(world.job(theirs))
    assert world.jobs.waiting(2) == [ours.id, theirs.id]


def test_another_reason_to_wait_does_not_put_a_photo_back() -> None:
    """It failed once, and has waited since: later jobs stay behind it."""
    world = World(limits=replace(LIMITS, max_in_flight=0))
    deny(world, "a.jpg")
    theirs = world.arrives("a.jpg", png(salt=1))
    world.uploads.errors.clear()
    world.clock.advance(13 * MINUTE)
    assert world.advance(theirs).reason is Reason.GATE_FULL
    world.clock.advance(MINUTE)
    ours = world.arrives("b.jpg", png(salt=2))
    world.clock.advance(MINUTE)
    world.operate.pause()
    assert world.advance(world.job(theirs)).reason is Reason.GATE_PAUSED
    assert world.jobs.waiting(2) == [theirs.id, ours.id]


def test_an_outage_does_not_put_the_whole_line_back() -> None:
    """One message moves a few aside; the rest is left to sweeps."""
    world = FailingWorld()
    world.operate.pause()
    waiting = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(10)]
    world.operate.resume()
    world.submissions.job_ids.clear()
    world.failing["heads.newest"] = ConnectionError("no network")
    world.submit.advance(waiting[0])
    assert sum(world.job(job).failures for job in waiting) == 3
    assert world.submissions.job_ids == []


def test_a_busy_table_is_no_failure_of_a_photo() -> None:
    """Nor would it take the failure: the queue delivers again."""
    world = FailingWorld()
    world.failing["uploads.read"] = StoreBusyError("throttled")
    with pytest.raises(StoreBusyError):
        world.arrives()
    (job,) = world.jobs.jobs.values()
    assert (job.state, job.failures) == (State.QUEUED, 0)


@pytest.mark.parametrize(
    "step",
    [
        "downloads.fetch",
        "uploads.labels",
        "results.current",
        "results.put",
        "announcements.announce",
    ],
)
@pytest.mark.parametrize("error", [OSError("defect"), StoreBusyError("busy"), WorkerDiedError()])
def test_no_step_of_what_was_paid_for_is_repeated_without_bound(
    step: str, error: BaseException
) -> None:
    """Whether it raises, or ends its worker; the job ends, or its event is owed for a while."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing[step] = error
    swallowing(lambda: world.wake(job))
    lives(world, 2 * DAY)
    assert world.job(job).state.is_settled
    assert world.looks < 100
    assert len(world.evolink.posts) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [(OSError("defect"), State.FAILED), (WorkerDiedError(), State.PROCESSING)],
)
def test_a_task_that_nobody_can_read_is_asked_about_ever_less_often(
    error: BaseException, state: State
) -> None:
    """What ends every worker is never known to have failed; but it is looked at less and less."""
    world = FailingWorld()
    job = world.arrives()
    world.failing["evolink.read"] = error
    lives(world, DAY)
    assert world.job(job).state is state
    assert world.looks < 60


def test_labels_that_cannot_be_read_are_left_out_in_the_end() -> None:
    """The cut-out was paid for: it is published without them, and its row says so."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing["uploads.labels"] = SourceDeniedError("AccessDenied")
    world.wake(job)
    assert world.job(job).state is State.STORING
    world.passes(TIMING.job_deadline)
    job = world.job(job)
    assert job.state is State.COMPLETED
    assert job.result is not None
    assert job.result.remark == "labels that could not be carried over: all of the photo's"
    assert set(world.results.objects["a.png"].labels.metadata) >= {"cutout-job", "cutout-task"}


@pytest.mark.parametrize("pixels", Pixels)
@pytest.mark.parametrize("error", [WorkerDiedError(), MemoryError()])
def test_a_result_that_kills_its_decoder_is_kept_for_a_person(
    pixels: Pixels, error: BaseException
) -> None:
    """In the end it is not decoded any more, and what was paid for is not lost."""
    world = FailingWorld(pixels=pixels)
    job = world.arrives()
    world.settles()
    world.evolink.complete(world.task_of(job), CUT_OUT)
    deaths = 0

    def die(*_: object) -> None:
        nonlocal deaths
        deaths += 1
        raise error

    world.pictures.examine = die  # type: ignore[method-assign, assignment]
    swallowing(lambda: world.wake(job))
    lives(world, DAY)
    job = world.job(job)
    assert (job.state, job.reason) == (State.REVIEW, Reason.RESULT_UNCHECKED)
    assert job.result is not None
    assert world.results.objects[job.result.key].data.startswith(CUT_OUT)
    assert job.result.key.startswith("review/")
    assert deaths == (4 if isinstance(error, WorkerDiedError) else 7)


def test_an_outage_while_a_result_is_stored_does_not_send_it_to_review() -> None:
    """What raises while its worker lives says nothing against the result itself."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing["results.put"] = ConnectionError("the bucket cannot be reached")
    world.wake(job)
    world.passes(150 * MINUTE)
    assert world.job(job).failures >= 4
    world.failing.clear()
    world.passes(120 * MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_result_that_cannot_be_put_anywhere_ends_the_job_and_its_task_is_remembered() -> None:
    """A retry asks for it again, free; also if the one before it could not store it either."""
    world = FailingWorld()
    job = world.arrives()
    task = world.task_of(job)
    world.evolink.complete(task)
    world.failing["results.put"] = PermissionError("AccessDenied")
    world.wake(job)
    for _ in range(2):
        world.passes(DAY)
        job = world.job(job)
        assert (job.state, job.reason) == (State.FAILED, Reason.STEP_FAILED)
        assert job.message == "PermissionError: AccessDenied"
        assert [attempt.task_id for attempt in job.attempts] == [task]
        world.operate.retry(job)
    world.failing.clear()
    world.passes(2 * MINUTE)
    assert world.job(job).state is State.COMPLETED
    assert len(world.evolink.posts) == 1


def test_a_note_that_cannot_be_written_does_not_hold_the_event_back_for_ever() -> None:
    """The event comes first in the end; notes and tags are left out."""
    world = FailingWorld()
    world.failing["notes.current"] = PermissionError("AccessDenied")
    job = world.arrives(data=b"not a photo")
    world.passes(TIMING.job_deadline)
    assert world.job(job).is_announced
    assert [told.id for told in world.announcements.jobs] == [job.id]


_TEXTS = st.text(st.characters(), max_size=40)
_LABELS = st.builds(
    Labels,
    metadata=st.dictionaries(_TEXTS, _TEXTS, max_size=4),
    tags=st.dictionaries(_TEXTS, _TEXTS, max_size=10),
    handling=st.builds(Handling, cache_control=st.none() | _TEXTS, expires=st.just(START)),
)
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda key: not key.endswith("/")
)


@settings(max_examples=60)
@given(key=_KEYS, labels=_LABELS, code=_TEXTS, message=st.text(st.characters(), max_size=2000))
def test_whatever_stands_beside_a_photo_its_job_ends(
    key: str, labels: Labels, code: str, message: str
) -> None:
    """Any key, metadata, tags and headers; and whatever words the provider has for it."""
    world = World()
    source = world.uploads.add(key, png(), labels)
    job = world.registered(source)
    assert job is not None
    job = world.advance(job)
    is_failing = len(message) % 2 == 1
    if is_failing:
        world.evolink.fail(world.task_of(job), code, message)
    else:
        world.evolink.complete(world.task_of(job))
    world.wake(job)
    assert world.job(job).state is (State.FAILED if is_failing else State.COMPLETED)
    assert world.telemetry.failures == []


def lives(world: World, time: timedelta) -> None:
    """Time passes, with a sweep every five minutes; each message is handed out once."""
    end = world.clock.now() + time
    while world.clock.now() < end:
        world.clock.advance(5 * MINUTE)
        world.sweep.sweep()
        deliver(world)


def deliver(world: World) -> None:
    """Hand out each message once; one whose worker fails is gone."""
    ids, world.submissions.job_ids = world.submissions.job_ids, []
    wakes, world.callbacks.wakes = world.callbacks.wakes, []
    for job_id in ids:
        swallowing(partial(world.submit.advance, world.jobs.jobs[job_id]))
    for wake in wakes:
        swallowing(partial(world.follow.check, wake))


def swallowing(work: Callable[[], object]) -> None:
    """A worker's failure, or its death, is its own."""
    with suppress(WorkerDiedError, Exception):
        work()
