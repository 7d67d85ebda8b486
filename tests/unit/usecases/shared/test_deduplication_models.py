"""The setting `model` may change while a task runs: a result is of the model that was asked."""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.deduplicating import deduplicating, finish, settled
from tests.support.fakes.evolink import MODEL
from tests.support.fakes.world import World

OLDER = "mj-v6-remove-bg"


def asked_of_the_older_model(world: World) -> Job:
    """A job whose call was made before the setting changed, and one that waits for its result."""
    job = world.arrives("a.jpg")
    waiting = world.arrives("b.jpg")
    assert (job.attempt and job.attempt.model, waiting.reason) == (MODEL, Reason.SAME_PICTURE)
    assert job.attempt is not None
    older = job.with_attempt(replace(job.attempt, model=OLDER))
    world.jobs.jobs[job.id] = older
    record = world.dedup_records.items.pop(picture(job, MODEL))
    world.dedup_records.items[picture(job, OLDER)] = replace(record, picture=picture(job, OLDER))
    return older


def picture(job: Job, model: str) -> str:
    """The name of the photo's deduplication record."""
    assert job.photo is not None
    return f"{job.photo.sha256}#{model}"


def test_a_result_is_labelled_and_cached_as_that_of_the_model_that_was_asked() -> None:
    """The next upload of the photo gets a result of the new model."""
    world = deduplicating()
    job = finish(world, asked_of_the_older_model(world))
    assert job.state is State.COMPLETED
    assert world.results.objects["a.png"].labels.metadata["cutout-model"] == OLDER
    record = world.dedup_records.items[picture(job, OLDER)]
    assert record.kept is not None
    assert record.kept.job_id == job.id
    assert record.expires_at is not None
    third = settled(world, world.arrives("c.jpg"))
    assert (third.reused, len(world.evolink.charges)) == (None, 2)


def test_a_job_that_fails_ends_its_record_of_the_model_that_was_asked() -> None:
    """The record expires, and the jobs that wait are enqueued."""
    world = deduplicating()
    job = asked_of_the_older_model(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    assert world.check_task(job).state is State.FAILED
    record = world.dedup_records.items[picture(job, OLDER)]
    assert record.kept is None
    assert record.expires_at is not None
    assert len(world.submissions.job_ids) == 1


def test_a_retry_ends_the_records_of_both_models() -> None:
    """Its second call was made for the new model."""
    world = deduplicating()
    job = asked_of_the_older_model(world)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    world.check_task(job)
    world.submissions.job_ids.clear()
    world.operate.retry(world.job(job))
    world.deliver_all()
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    assert world.check_task(job).state is State.FAILED
    ends = [world.dedup_records.items[picture(job, model)].expires_at for model in (OLDER, MODEL)]
    assert None not in ends


def test_an_attempt_of_an_earlier_version_is_of_the_model_of_today() -> None:
    """Its row names no model."""
    world = deduplicating()
    job = world.arrives("a.jpg")
    assert job.attempt is not None
    world.jobs.jobs[job.id] = job.with_attempt(replace(job.attempt, model=None))
    finish(world, job)
    assert world.results.objects["a.png"].labels.metadata["cutout-model"] == MODEL
    assert settled(world, world.arrives("b.jpg")).reused is not None
