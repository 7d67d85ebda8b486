"""Runs of photos, each recorded in full by `changes`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import FetchRefusedError, ResponseLostError, SourceDeniedError
from cutout.domain.job.job import Job
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.recipes import Fit, Recipe
from cutout.domain.states import Pixels, Transport
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.copier import tiff
from tests.support.fakes.evolink import CUT_OUT, answering, taken_but_unanswered
from tests.support.fakes.world import LIMITS, TIMING, World, png

if TYPE_CHECKING:
    pass


MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SHORT = replace(TIMING, job_deadline=HOUR)
WEB = Recipe(name="web", format="webp", fit=Fit(width=30, height=20))
OWN = Recipe(name="own", pixels=Pixels.SOURCE)


def _done(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """Complete the newest task, send its callback, and deliver all messages."""
    world.evolink.complete(world.task_of(job), result)
    world.check_task(job, is_taken=True, task_id=world.task_of(job))
    world.deliver_all()
    return world.job(job)


def _failed(world: World, job: Job, code: str) -> Job:
    world.evolink.fail(world.task_of(job), code, "Not this one.")
    world.check_task(job, is_taken=True)
    return world.job(job)


def _again(world: World, job: Job) -> None:
    world.operate.retry(world.job(job))
    world.deliver_all()


def called_back() -> World:
    """A run without faults; the second photo waits for the slot of the first."""
    world = World(limits=replace(LIMITS, max_in_flight=1))
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg", png(salt=1))
    world.clock.advance(MINUTE)
    _done(world, first)
    world.clock.advance(MINUTE)
    _done(world, second)
    return world


def polled() -> World:
    """No callback comes; the task is polled once while it runs."""
    world = World(uploads=MemoryUploads(is_versioned=False))
    job = world.arrives()
    world.passes(4 * MINUTE)
    world.evolink.complete(world.task_of(job))
    world.passes(10 * MINUTE)
    return world


def handed_over() -> World:
    """Through the Files API, which is busy at first."""
    world = World(transport=Transport.FILES)
    world.files.answers.append(NotSent(message="ConnectError"))
    job = world.arrives()
    world.passes(10 * MINUTE)
    _done(world, job)
    return world


def prepared() -> World:
    """A small TIFF is enlarged for the model, and its cut-out has its own size again."""
    world = World()
    job = world.arrives("a.tif", tiff(60, 40, orientation=6))
    world.deliver_all()
    _done(world, job, b"png 360 240 0 255")
    return world


def with_own_pixels() -> World:
    """The photo's own pixels, variants, and one of them made again once its copy is gone."""
    world = World(pixels=Pixels.SOURCE, recipes=(WEB, OWN), reuse=True)
    job = world.arrives()
    world.deliver_all()
    _done(world, job)
    world.clock.advance(HOUR)
    world.render.render(RenderRequest(job_id=job.id, recipes=("web", "poster")))
    world.copies.objects.clear()
    world.pictures.faults["own"] = "no room"
    world.render.render(RenderRequest(job_id=job.id, recipes=("own",), tries=2))
    return world


def without_answer() -> World:
    """The call's answer is lost and no callback comes: it is repeated, and known by its key."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(30 * MINUTE)
    _done(world, job)
    return world


def paid_twice_perhaps() -> World:
    """The provider does not know the key of the repeat; the first task is named late."""
    world = World()
    world.evolink.honours_keys = False
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.passes(30 * MINUTE)
    world.check_task(job, task_id="task-unified-000001", is_taken=True)
    _done(world, job)
    return world


def named_by_its_callback() -> World:
    """The answer is lost; the callback names the task, which the API does not know at first."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    task = world.evolink.tasks.pop("task-unified-000001")
    world.check_task(job, task_id=task.id, is_taken=True)
    world.passes(MINUTE)
    world.evolink.tasks[task.id] = task
    world.evolink.complete(task.id)
    world.passes(30 * MINUTE)
    return world


def refused() -> World:
    """The photo's own fault; a person retries the job, and it is completed."""
    world = World(tag_sources=True, reuse=True)
    no = refusal(status=422, code="invalid_request", message="no such model")
    world.evolink.create_faults.append(answering(no))
    job = world.arrives()
    world.clock.advance(HOUR)
    _again(world, job)
    _done(world, job)
    return world


def out_of_credits() -> World:
    """402 pauses the gate; a probe opens it again, and the next photo follows."""
    world = World()
    no = refusal(status=402, code="insufficient_quota", message="top up")
    world.evolink.create_faults.append(answering(no))
    first = world.arrives("a.jpg")
    second = world.arrives("b.jpg", png(salt=1))
    world.passes(20 * MINUTE)
    for job in (first, second):
        _done(world, job)
    return world


def rate_limited() -> World:
    """429 with a time to wait."""
    world = World()
    no = refusal(status=429, code="rate_limit", message="slow down", retry_after_seconds=90)
    world.evolink.create_faults.append(answering(no))
    job = world.arrives()
    world.passes(5 * MINUTE)
    _done(world, job)
    return world


def not_sent() -> World:
    """The network is down for a while: nothing was paid."""
    world = World()
    fault = answering(NotSent(message="ConnectError"))
    world.evolink.create_faults.extend([fault, fault])
    job = world.arrives()
    world.passes(10 * MINUTE)
    _done(world, job)
    return world


def task_failed() -> World:
    """Repeated as often as the policy says, then through the Files API, then given up."""
    world = World()
    job = world.arrives()
    for code in ("service_error", "image_processing_error", "content_policy_violation"):
        _failed(world, job, code)
        world.passes(10 * MINUTE)
    return world


def task_lost() -> World:
    """The provider forgets a task that was running; a person's retry asks for it first."""
    world = World()
    job = world.arrives()
    task = world.evolink.tasks.pop(world.task_of(job))
    world.passes(HOUR)
    _again(world, job)
    world.evolink.tasks[task.id] = task
    _done(world, job)
    return world


def never_ends() -> World:
    """The task runs past the deadline; a retry still gets what was paid for."""
    world = World(timing=SHORT)
    job = world.arrives()
    world.passes(2 * HOUR)
    world.evolink.complete(world.task_of(job))
    _again(world, job)
    world.passes(5 * MINUTE)
    return world


def reviewed() -> World:
    """An opaque result waits for a person, who retries the job."""
    world = World(tag_sources=True, reuse=True)
    job = world.arrives()
    _done(world, job, b"png 600 400 255 255")
    world.clock.advance(HOUR)
    _again(world, job)
    _done(world, job)
    return world


def result_lost() -> World:
    """The result cannot be fetched for hours; a person's retry fetches it."""
    world = World(timing=SHORT)
    world.downloads.rule = lambda: FetchRefusedError("the link answers 404")
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.passes(2 * HOUR)
    world.downloads.rule = lambda: None
    _again(world, job)
    world.passes(10 * MINUTE)
    return world


def api_unreadable() -> World:
    """The task cannot be read for a while."""
    world = World()
    job = world.arrives()
    world.evolink.read_faults.extend([ResponseLostError("ReadTimeout")] * 3)
    world.evolink.complete(world.task_of(job))
    world.passes(HOUR)
    return world


def superseded() -> World:
    """A newer upload comes while the older one is processed; then the key is deleted."""
    world = World(delete_with_source=True)
    old = world.arrives()
    world.clock.advance(MINUTE)
    new = world.arrives("a.jpg", png(salt=1))
    _done(world, old)
    _done(world, new)
    world.clock.advance(MINUTE)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    for removal in world.callbacks.removals:
        world.remove_results.remove(removal)
    return world


def rejected() -> World:
    """An upload that is no photo, and one whose result key belongs to another photo."""
    world = World(tag_sources=True)
    world.arrives("a.jpg")
    world.arrives("a.png", png(salt=1))
    world.arrives("b.jpg", b"a text, renamed")
    world.arrives("empty.jpg", b"")
    return world


def reused() -> World:
    """One picture three times: paid for once, and once more when the cached result is damaged."""
    world = World(reuse=True)
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    _done(world, first)
    world.clock.advance(HOUR)
    for key in world.cached_results.objects:
        world.cached_results.objects[key] = b"damaged"
    third = world.arrives("c.jpg")
    world.deliver_all()
    _done(world, third)
    assert len(world.jobs.jobs) == len({first.id, second.id, third.id})
    return world


def denied() -> World:
    """A policy keeps the photo from Submit until the job is given up."""
    world = World()
    world.uploads.errors["a.jpg"] = SourceDeniedError("AccessDenied")
    world.arrives()
    world.passes(12 * HOUR)
    return world


def storing_fails() -> World:
    """Whatever is done with the result raises, until the job is given up; then it is stored."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: RuntimeError("broken")
    world.passes(12 * HOUR)
    world.downloads.rule = lambda: None
    _again(world, job)
    world.passes(10 * MINUTE)
    return world


LIVES: dict[str, Callable[[], World]] = {
    life.__name__: life
    for life in (
        called_back, polled, handed_over, prepared, with_own_pixels, without_answer,
        paid_twice_perhaps, named_by_its_callback, refused, out_of_credits, rate_limited, not_sent,
        task_failed, task_lost, never_ends, reviewed, result_lost, api_unreadable, superseded,
        rejected, reused, denied, storing_fails,
    )
}  # fmt: skip
