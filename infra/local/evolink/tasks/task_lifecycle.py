"""The life of a task: pending, processing, its end, the bill, the callback."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from infra.local.evolink.clock import Clock
from infra.local.evolink.cutting.cutout_worker import Workshop
from infra.local.evolink.faults.fault_table import Fault
from infra.local.evolink.tasks.activity_log import Ledger
from infra.local.evolink.tasks.callback_delivery import Callbacks
from infra.local.evolink.tasks.input_photo import Inputs, UnusableInputError
from infra.local.evolink.tasks.task_store import Status, Task, TaskBook

_logger = logging.getLogger(__name__)

_PENDING_SHARE = 0.1
_SLOW_SECONDS = 60.0
_UNDOCUMENTED_STATUS = "archived"
_MODERATED = "content_policy_violation"
_MESSAGES = {
    "service_error": "The service is temporarily abnormal, please try again later",
    "generation_timeout": "The generation took too long",
    "generation_failed_no_content": "The generation returned no content",
    "resource_exhausted": "Resources are temporarily exhausted",
    "quota_exceeded": "Request rate or quota exceeded",
    "request_cancelled": "The request was cancelled",
    "image_processing_error": "Failed to process the input image.\nThe URL is not reachable",
    _MODERATED: "Content policy violation.\nThe image may contain a real person",
}


class Lives:
    """Lets tasks live, one coroutine each."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: TaskBook,
        ledger: Ledger,
        inputs: Inputs,
        workshop: Workshop,
        callbacks: Callbacks,
        is_own_file: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._ledger = ledger
        self._inputs = inputs
        self._workshop = workshop
        self._callbacks = callbacks
        self._is_own_file = is_own_file
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, task: Task) -> asyncio.Task[None]:
        """Start or resume a task's life and return its coroutine's handle."""
        running = asyncio.create_task(self._live(task))
        self._running.add(running)
        running.add_done_callback(self._over)
        return running

    def resume(self) -> None:
        """Go on with every task that was interrupted."""
        for task in self._tasks.every():
            if task.is_unfinished:
                self.begin(task)

    async def close(self) -> None:
        """Stop all lives where they are."""
        lives = tuple(self._running)
        for running in lives:
            running.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await self._workshop.close()

    def _over(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            _logger.error("a task's life broke off", exc_info=error)

    async def _live(self, task: Task) -> None:
        if task.is_running:
            task = await self._process(task)
        await self._callbacks.tell(task)
        self._tasks.save(replace(task, told=True))

    async def _process(self, task: Task) -> Task:
        life = task.finish_at - task.created
        await self._clock.wait_until(task.created + life * _PENDING_SHARE)
        task = replace(task, status=Status.PROCESSING)
        self._tasks.save(task)
        ended = await self._end(task)
        await self._clock.wait_until(_end_time(task))
        ended = replace(ended, finished_at=self._clock.now())
        with self._tasks.at_once():
            self._ledger.settle(
                task.id,
                task.photo,
                status=ended.status,
                reserved=task.credits_reserved,
                used=ended.credits_used,
            )
            self._tasks.save(ended)
        return ended

    async def _end(self, task: Task) -> Task:
        """Return the task as it will be when its time is over."""
        if task.ends_by(Fault.TASK_STUCK):
            await asyncio.get_running_loop().create_future()
        if task.ends_by(Fault.TASK_UNREACHABLE) and not self._is_own_file(task.image_url):
            return _failed(task, "image_processing_error")
        try:
            photo = await self._inputs.fetch(task)
            task = replace(task, input_sha256=photo.sha256)
            if (broken := _broken(task)) is not None:
                return broken
            return _completed(task, await self._workshop.cut(photo))
        except UnusableInputError as error:
            return _failed(task, error.code, error.message)


def _broken(task: Task) -> Task | None:
    """Return the task as a fault ends it, or None when it may complete."""
    match task.outcome and task.outcome.kind:
        case Fault.TASK_FAILED:
            return _failed(task, "service_error")
        case Fault.TASK_MODERATED:
            return _failed(task, _MODERATED)
        case Fault.TASK_CANCELLED:
            return replace(task, status=Status.CANCELLED)
        case Fault.TASK_CANCELED:
            return replace(task, status=Status.CANCELED)
        case _:
            return None


def _failed(task: Task, code: str, message: str | None = None) -> Task:
    if task.outcome is not None:
        code = task.outcome.code or code
        message = task.outcome.message or message
    return replace(
        task,
        status=Status.FAILED,
        error_code=code,
        error_message=message or _MESSAGES.get(code, code.replace("_", " ").capitalize()),
        # The page of the model says that what moderation filters is not refunded.
        credits_used=task.credits_reserved if code == _MODERATED else 0.0,
    )


def _completed(task: Task, result_sha256: str) -> Task:
    status: str = Status.COMPLETED
    if task.outcome is not None and task.ends_by(Fault.TASK_UNKNOWN):
        status = task.outcome.message or _UNDOCUMENTED_STATUS
    return replace(
        task,
        status=status,
        credits_used=task.credits_reserved,
        result_sha256=result_sha256,
        result_name=f"standin/images/{task.created:%Y/%m/%d}/{task.id.rpartition('-')[2]}.png",
    )


def _end_time(task: Task) -> datetime:
    if task.outcome is not None and task.ends_by(Fault.TASK_SLOW):
        return task.finish_at + timedelta(seconds=task.outcome.seconds or _SLOW_SECONDS)
    return task.finish_at
