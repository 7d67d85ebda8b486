"""A step that raises any error: the job backs off, is tried again, and ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutout.domain.errors import SourceDeniedError, StoreBusyError
from cutout.domain.provider_outcomes import Cause
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels, State
from cutout.ports.buckets import Handling, Labels
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import CUT_OUT
from tests.support.fakes.world import LIMITS, TIMING, World, png
from tests.support.hooks import WorkerCrashedError

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class FailingWorld(World):
    """A world in which named steps fail, and which counts how often a job is processed."""

    def __init__(self, *, is_versioned: bool = True, **facts: object) -> None:
        self.failing: dict[str, BaseException] = {}
        uploads = MemoryUploads(self._step, is_versioned=is_versioned)
        super().__init__(step=self._step, uploads=uploads, **facts)  # type: ignore[arg-type]

    def _step(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    @property
    def looks(self) -> int:
        """How often a worker processed a job."""
        return sum(message == "job processed" for message, _ in self.telemetry.facts)


def deny(world: World, key: str) -> None:
    """Deny the functions access to this key."""
    world.uploads.errors[key] = SourceDeniedError("S3 answers AccessDenied")


def test_a_photo_that_cannot_be_read_is_rejected_within_its_deadline() -> None:
    """A bucket policy or KMS key may be corrected, so the job is tried again until then."""
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


def test_a_photo_that_becomes_readable_is_processed_normally() -> None:
    """The policy was corrected."""
    world = World()
    deny(world, "a.jpg")
    job = world.arrives()
    world.uploads.errors.clear()
    world.passes(13 * MINUTE)
    job = world.job(job)
    assert (job.state, job.failures) == (State.PROCESSING, 0)


@pytest.mark.parametrize("error", [SourceDeniedError("AccessDenied"), ZeroDivisionError("defect")])
def test_failing_jobs_first_in_the_waiting_list_do_not_block_the_others(
    error: Exception,
) -> None:
    """There are twice as many of them as slots; the first job that can run is admitted."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(LIMITS.max_in_flight)]
    theirs = [world.arrives(f"t{n}.jpg", png(salt=10 + n)) for n in range(2 * LIMITS.max_in_flight)]
    ours = world.arrives("ours.jpg", png(salt=50))
    assert all(job.is_waiting for job in (*theirs, ours))
    world.uploads.errors |= {job.source.key: error for job in theirs}
    for job in theirs:  # for job in theirs:  # their photos have to be read once more
        world.jobs.jobs[job.id] = replace(job, photo=None)
    for job in inside:
        world.evolink.complete(world.task_of(job))
        world.check_task(job)
    world.passes(2 * MINUTE)
    assert world.job(ours).state is State.PROCESSING
    world.passes(DAY)
    assert {world.job(job).state for job in theirs} <= {State.FAILED, State.REJECTED}


def test_denied_photos_first_in_the_waiting_list_cost_no_time() -> None:
    """Each lets in the next job at once, so no slot waits for a sweep."""
    world = World()
    inside = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(LIMITS.max_in_flight)]
    theirs = [world.arrives(f"t{n}.jpg", png(salt=10 + n)) for n in range(30)]
    ours = world.arrives("ours.jpg", png(salt=50))
    for job in theirs:
        deny(world, job.source.key)
        world.jobs.jobs[job.id] = replace(job, photo=None)
    world.evolink.complete(world.task_of(inside[0]))
    world.check_task(inside[0])
    world.deliver_all()
    assert world.job(ours).state is State.PROCESSING


def test_a_job_with_a_failed_step_waits_behind_jobs_that_came_meanwhile() -> None:
    """Otherwise the same jobs would be first again and again."""
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


def test_another_reason_to_wait_does_not_move_a_job_back() -> None:
    """It failed once and has waited since: later jobs stay behind it."""
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


def test_an_outage_does_not_move_all_waiting_jobs_back() -> None:
    """One message moves at most three jobs back; the others are left to Sweep."""
    world = FailingWorld()
    world.operate.pause()
    waiting = [world.arrives(f"{n}.jpg", png(salt=n)) for n in range(10)]
    world.operate.resume()
    world.submissions.job_ids.clear()
    world.failing["heads.newest"] = ConnectionError("no network")
    world.submit.advance(waiting[0])
    assert sum(world.job(job).failures for job in waiting) == 3
    assert world.submissions.job_ids == []


def test_a_busy_table_is_not_counted_as_a_failure_of_the_job() -> None:
    """The failure could not be written either; the queue redelivers the message."""
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
        "uploads.labels_if_newest",
        "results.current",
        "results.put",
        "announcements.announce",
    ],
)
@pytest.mark.parametrize("error", [OSError("defect"), StoreBusyError("busy"), WorkerCrashedError()])
def test_no_step_after_a_paid_call_is_repeated_without_bound(
    step: str, error: BaseException
) -> None:
    """Whether it raises or crashes its worker, the job settles after a bounded number of tries."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing[step] = error
    swallowing(lambda: world.check_task(job))
    lives(world, 2 * DAY)
    assert world.job(job).state.is_settled
    assert world.looks < 100
    assert len(world.evolink.posts) == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [(OSError("defect"), State.FAILED), (WorkerCrashedError(), State.PROCESSING)],
)
def test_a_task_that_cannot_be_read_is_checked_less_and_less_often(
    error: BaseException, state: State
) -> None:
    """A step that crashes every worker cannot record a failure, but its checks get rarer."""
    world = FailingWorld()
    job = world.arrives()
    world.failing["evolink.read"] = error
    lives(world, DAY)
    assert world.job(job).state is state
    assert world.looks < 60


def test_labels_that_cannot_be_read_are_left_out_in_the_end() -> None:
    """The paid cut-out is published without them, and the job records that."""
    world = FailingWorld(is_versioned=False)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing["uploads.labels"] = SourceDeniedError("AccessDenied")
    world.check_task(job)
    assert world.job(job).state is State.STORING
    world.passes(TIMING.job_deadline)
    job = world.job(job)
    assert job.state is State.COMPLETED
    assert job.result is not None
    assert job.result.remark == "labels that could not be carried over: all of the photo's"
    assert set(world.results.objects["a.png"].labels.metadata) >= {"cutout-job", "cutout-task"}


@pytest.mark.parametrize("pixels", Pixels)
@pytest.mark.parametrize("error", [WorkerCrashedError(), MemoryError()])
def test_a_result_that_crashes_its_decoder_goes_to_review(
    pixels: Pixels, error: BaseException
) -> None:
    """In the end it is not decoded any more, and the paid result is not lost."""
    world = FailingWorld(pixels=pixels)
    job = world.arrives()
    world.deliver_all()
    world.evolink.complete(world.task_of(job), CUT_OUT)
    crashes = 0

    def crash(*_: object) -> None:
        nonlocal crashes
        crashes += 1
        raise error

    world.pictures.examine = crash  # type: ignore[method-assign, assignment]
    swallowing(lambda: world.check_task(job))
    lives(world, DAY)
    job = world.job(job)
    assert (job.state, job.reason) == (State.REVIEW, Reason.RESULT_UNCHECKED)
    assert job.result is not None
    assert world.results.objects[job.result.key].data.startswith(CUT_OUT)
    assert job.result.key.startswith("review/")
    assert crashes == (4 if isinstance(error, WorkerCrashedError) else 7)


def test_an_outage_while_a_result_is_stored_does_not_send_it_to_review() -> None:
    """An error in a worker that survives says nothing about the result itself."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.failing["results.put"] = ConnectionError("the bucket cannot be reached")
    world.check_task(job)
    world.passes(150 * MINUTE)
    assert world.job(job).failures >= 4
    world.failing.clear()
    world.passes(120 * MINUTE)
    assert world.job(job).state is State.COMPLETED


def test_a_result_is_stored_after_a_long_outage_of_its_whole_bucket() -> None:
    """The job fails meanwhile, but each look for its event tries to store the result again."""
    world = FailingWorld()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    for step in ("results.put", "results.current", "notes.current"):
        world.failing[step] = ConnectionError("the bucket cannot be reached")
    world.check_task(job)
    world.passes(timedelta(hours=20), swept_every=5 * MINUTE)
    assert [told.state for told in world.announcements.jobs] == [State.FAILED] * 2
    world.failing.clear()
    world.passes(timedelta(hours=8), swept_every=5 * MINUTE)
    assert world.job(job).state is State.COMPLETED
    assert (world.looks < 60, len(world.evolink.posts)) == (True, 1)


def test_a_result_that_cannot_be_stored_fails_the_job_but_keeps_its_task() -> None:
    """A retry fetches it again, free, even if the retry before it could not store it either."""
    world = FailingWorld()
    job = world.arrives()
    task = world.task_of(job)
    world.evolink.complete(task)
    world.failing["results.put"] = PermissionError("AccessDenied")
    world.check_task(job)
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


def test_a_note_that_cannot_be_written_does_not_block_the_event_for_good() -> None:
    """In the end the event is sent without notes and tags."""
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
@example(key="a.jpg", labels=Labels(metadata={}, tags={}), code="service_error", message="1")
def test_a_job_settles_whatever_the_key_the_labels_and_the_providers_texts(
    key: str, labels: Labels, code: str, message: str
) -> None:
    """Any key, metadata, tags and headers, and any error code and message of the provider.

    Hypothesis draws codes that allow a retry, too, as it finds them in the sources.
    """
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
    world.check_task(job)
    task = world.evolink.tasks[world.task_of(job)]
    failed = State.QUEUED if task.retry or task.cause is not Cause.OTHER else State.FAILED
    assert world.job(job).state is (failed if is_failing else State.COMPLETED)
    assert world.telemetry.failures == []


def lives(world: World, time: timedelta) -> None:
    """Let time pass with a sweep every five minutes; each message is delivered once."""
    end = world.clock.now() + time
    while world.clock.now() < end:
        world.clock.advance(5 * MINUTE)
        world.sweep.sweep()
        deliver(world)


def deliver(world: World) -> None:
    """Deliver each message once; one whose worker fails is dropped."""
    ids, world.submissions.job_ids = world.submissions.job_ids, []
    checks, world.callbacks.checks = world.callbacks.checks, []
    for job_id in ids:
        swallowing(partial(world.submit.advance, world.jobs.jobs[job_id]))
    for check in checks:
        swallowing(partial(world.track_task.check, check))


def swallowing(work: Callable[[], object]) -> None:
    """Ignore an error or a crash of the worker."""
    with suppress(WorkerCrashedError, Exception):
        work()
