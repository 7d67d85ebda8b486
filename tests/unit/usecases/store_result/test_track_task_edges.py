"""Task checks of a job that moves, and the recheck of tasks on an operator's retry."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Task
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from cutout.ports.jobs_table import TaskClaim
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import TrackTask
from tests.support.builders import an_attempt
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import TIMING, World
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)
REUSED = Reuse(job_id="other", key="kept", sha256="0f" * 32, task_id="task-9", credits_saved=PRICE)


def known(number: int, **facts: Any) -> Attempt:
    """An attempt whose call was accepted."""
    task = {"task_id": f"task-{number}", "outcome": AttemptOutcome.ACCEPTED}
    return an_attempt(number, started_at=START, **(task | facts))


def watching(world: World, leased: list[Job]) -> TrackTask:
    """Task checks that collect the jobs whose lease they take, and store nothing."""

    class Watching(StoreResult):
        def store(self, job: Job, task: Task) -> Job:
            assert task.id
            return self.reuse(job)

        def reuse(self, job: Job) -> Job:
            leased.append(job)
            return job

    whole = world.track_task.store_result
    parts = {field.name: getattr(whole, field.name) for field in fields(whole)}
    return replace(world.track_task, store_result=Watching(**parts))


def job_in(world: World, state: State, *attempts: Attempt, **facts: Any) -> Job:
    """A job in this state."""
    arrived = world.job(world.arrives())
    job = replace(arrived, state=state, attempts=attempts, due_at=START, entered_at=START, **facts)
    world.jobs.jobs[job.id] = job
    world.submissions.job_ids.clear()
    return job


def check(world: World, job: Job, attempt: int = 1, **facts: Any) -> Job:
    """Check the task; returns the job."""
    world.track_task.check(TaskCheck(job_id=job.id, attempt=attempt, **facts))
    return world.job(job)


@pytest.mark.parametrize(("races", "is_done"), [(2, True), (3, False)])
def test_a_task_is_checked_again_after_up_to_two_lost_races(
    races: int,
    is_done: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the third, the queue redelivers: only this message may name the task."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    left = [races]

    def race() -> None:
        left[0] -= 1
        standing = world.job(job)
        world.jobs.jobs[job.id] = replace(standing, version=standing.version + 1)
        if left[0] > 0:
            hook.once_at("jobs.save", race)

    hook.once_at("jobs.save", race)
    if is_done:
        assert world.check_task(job).state is State.COMPLETED
    else:
        with pytest.raises(StoreBusyError):
            world.check_task(job)


def test_a_job_that_has_expired_after_a_race_is_no_longer_tracked() -> None:
    """There is nothing to write to."""
    hook = Hook()
    world = World(step=hook)
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    hook.once_at("jobs.save", world.jobs.jobs.clear)
    world.track_task.check(TaskCheck(job_id=job.id, attempt=1))
    assert world.jobs.jobs == {}


@pytest.mark.parametrize(
    ("state", "is_taken"), [(State.STORING, True), (State.QUEUED, False), (State.COMPLETED, False)]
)
def test_only_a_job_that_is_storing_is_completed_from_the_cache(
    state: State,
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its lease is taken and its try counted, since decoding the result may crash workers."""
    world = World()
    job = job_in(
        world, state, reused=REUSED, reason=Reason.RETRIED_BY_PERSON, message="text",
        failures=2, cut_short=1, is_announced=state is State.COMPLETED,
    )  # fmt: skip
    taken: list[Job] = []
    follow = watching(world, taken)
    follow.check(TaskCheck(job_id=job.id, attempt=1))
    assert [
        (one.due_at, one.failures, one.cut_short, one.reason, one.message) for one in taken
    ] == ([(START + TIMING.lease, 3, 2, job.reason, "text")] if is_taken else [])


@pytest.mark.parametrize("tries", [0, 1])
def test_a_cached_result_is_stored_before_it_is_due_in_the_first_entry_alone(tries: int) -> None:
    """The clock of Submit may be fast; later, another worker has the lease."""
    world = World()
    job = job_in(world, State.STORING, reused=REUSED, tries=tries)
    world.jobs.jobs[job.id] = replace(job, due_at=START + MINUTE)
    taken: list[Job] = []
    watching(world, taken).check(TaskCheck(job_id=job.id, attempt=0))
    assert [one.id for one in taken] == ([job.id] if tries == 0 else [])


@pytest.mark.parametrize("is_poll", [True, False])
def test_a_callback_of_another_attempt_is_delivered_again_after_the_result_is_stored(
    is_poll: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Another worker has the lease. Only the callback may name its task; a poll comes again."""
    world = World()
    unnamed = an_attempt(1, started_at=START, outcome=AttemptOutcome.UNKNOWN)
    job = job_in(world, State.STORING, unnamed, known(2), storing_attempt=2)
    job = replace(job, due_at=START + MINUTE)
    world.jobs.jobs[job.id] = job
    with nullcontext() if is_poll else pytest.raises(StoreBusyError):
        check(world, job, 1, task_id=None if is_poll else "task-1", is_poll=is_poll)
    assert world.job(job) == job


def test_a_retry_reads_each_earlier_task_before_it_makes_a_call() -> None:
    """If a result is lost, the next task is read; after the last, Submit makes the call."""
    world = World()
    job = job_in(
        world, State.STORING, known(1), known(2, not_found_since=START - 10 * MINUTE),
        reason=Reason.RETRIED_BY_PERSON, storing_attempt=2,
    )  # fmt: skip
    second = check(world, job, 2)
    assert (second.state, second.reason) == (State.STORING, Reason.RETRIED_BY_PERSON)
    assert (second.storing_attempt, world.submissions.job_ids) == (1, [])
    gone = replace(second.attempts[0], not_found_since=START - 10 * MINUTE)
    first = replace(second, attempts=(gone, second.attempts[1]))
    world.jobs.jobs[job.id] = first
    after = check(world, first, 1)
    assert (after.state, after.reason) == (State.QUEUED, Reason.RETRIED_BY_PERSON)
    assert world.submissions.job_ids == [job.id]


def test_a_callback_naming_anothers_task_does_not_end_the_recheck_of_another_attempt() -> None:
    """The result that the retry reads may still come."""
    world = World()
    completed_task(world)
    other = world.job(world.arrives("b.jpg"))
    claim = TaskClaim(
        task_id="task-1", job_id=other.id, attempt=1, is_certain=True, expires_at=START + MINUTE
    )
    world.jobs.save(other, tasks=[claim])
    unnamed = an_attempt(1, started_at=START, outcome=AttemptOutcome.UNKNOWN)
    job = job_in(
        world, State.STORING, unnamed, known(2), reason=Reason.RETRIED_BY_PERSON, storing_attempt=2
    )
    after = check(world, job, 1, task_id="task-1")
    assert (after.attempts, after.due_at) == (job.attempts, job.due_at)
    assert world.telemetry.counts[Metric.TASK_TAKEN] == 1


@pytest.mark.parametrize(
    ("state", "reason", "ended"),
    [
        (State.PROCESSING, None, Reason.DEADLINE_PASSED),
        (State.STORING, None, Reason.RESULT_LOST),
        (State.STORING, Reason.RETRIED_BY_PERSON, Reason.DEADLINE_PASSED),
    ],
)
def test_a_task_that_runs_past_the_deadline_ends_its_job_with_the_reason(
    state: State, reason: Reason | None, ended: Reason
) -> None:
    """A result that existed and cannot be had differs from one that never came."""
    world = World()
    world.evolink.take('{"image_urls": ["u"], "callback_url": "c"}', "key")
    task = world.evolink.tasks["task-unified-000001"]
    world.evolink.tasks["task-1"] = replace(task, id="task-1")
    job = job_in(world, state, known(1), reason=reason, storing_attempt=1)
    job = replace(job, entered_at=START - TIMING.job_deadline)
    world.jobs.jobs[job.id] = job
    after = check(world, job)
    assert (after.state, after.reason) == (State.FAILED, ended)


def completed_task(world: World, status: str = "") -> None:
    """Let the provider have a task `task-1` that is completed, or failed with a code."""
    world.evolink.take('{"image_urls": ["u"], "callback_url": "c"}', "key")
    task_id, task = world.evolink.tasks.popitem()
    world.evolink.tasks[task_id] = task
    if status:
        world.evolink.fail(task_id, status)
    else:
        world.evolink.complete(task_id)
    world.evolink.tasks["task-1"] = replace(world.evolink.tasks[task_id], id="task-1")


@pytest.mark.parametrize(
    ("state", "failures", "cut_short"), [(State.PROCESSING, 1, 1), (State.STORING, 3, 2)]
)
def test_a_lease_on_a_result_counts_only_the_tries_of_this_result(
    state: State, failures: int, cut_short: int
) -> None:
    """Failures while the task was polled do not count."""
    world = World()
    completed_task(world)
    job = job_in(world, state, known(1), failures=2, cut_short=1, reason=Reason.RESULT_UNREADABLE)
    leased: list[Job] = []
    follow = watching(world, leased)
    follow.check(TaskCheck(job_id=job.id, attempt=1))
    assert [(one.failures, one.cut_short, one.reason) for one in leased] == [
        (failures, cut_short, job.reason if state is State.STORING else None)
    ]


@pytest.mark.parametrize(
    ("code", "transport"),
    [("service_error", None), ("image_processing_error", Transport.FILES)],
)
@pytest.mark.parametrize("before", [None, Transport.PRESIGNED])
def test_a_photo_tried_again_uses_the_transport_that_the_failure_requires(
    code: str, transport: Transport | None, before: Transport | None
) -> None:
    """Or the same as before."""
    world = World()
    completed_task(world, code)
    job = job_in(world, State.PROCESSING, known(1), transport=before)
    after = check(world, job)
    assert (after.state, after.transport) == (State.QUEUED, transport or before)


@pytest.mark.parametrize("state", [State.FAILED, State.PROCESSING])
def test_a_task_that_belongs_to_another_call_ends_a_job_once(state: State) -> None:
    """A settled job stays as it is."""
    world = World()
    completed_task(world)
    adopted = known(1, is_adopted=True)
    job = job_in(world, state, adopted, reason=Reason.TASK_LOST, is_announced=True)
    world.jobs.tasks["task-1"] = TaskClaim(
        task_id="task-1", job_id="another", attempt=1, is_certain=True, expires_at=START
    )
    after = check(world, job)
    ended = Reason.TASK_LOST if state is State.FAILED else Reason.OUTCOME_UNKNOWN
    assert (after.state, after.reason) == (State.FAILED, ended)
    kept = adopted if state is State.FAILED else adopted.without_task()
    assert after.attempts == (kept,)
