"""What happens to a task: pending, processing, its end, the charge, the callback."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from infra.local.evolink.faults.task_faults import MODERATED, task_effect
from infra.local.evolink.standin_clock import Clock
from infra.local.evolink.tasks.activity_log import ActivityLog
from infra.local.evolink.tasks.callback_delivery import CallbackDelivery
from infra.local.evolink.tasks.cutout_worker import CutoutWorker
from infra.local.evolink.tasks.input_photo import InputPhotos, UnusableInputError
from infra.local.evolink.tasks.task_store import Status, Task, TaskStore

_logger = logging.getLogger(__name__)

_PENDING_SHARE = 0.1
_MESSAGES = {
    "service_error": "The service is temporarily abnormal, please try again later",
    "generation_timeout": "The generation took too long",
    "generation_failed_no_content": "The generation returned no content",
    "resource_exhausted": "Resources are temporarily exhausted",
    "quota_exceeded": "Request rate or quota exceeded",
    "request_cancelled": "The request was cancelled",
    "image_processing_error": "Failed to process the input image.\nThe URL is not reachable",
    MODERATED: "Content policy violation.\nThe image may contain a real person",
}


class TaskLifecycle:
    """Runs every task from its creation to its callback, one coroutine each."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: TaskStore,
        activity: ActivityLog,
        inputs: InputPhotos,
        worker: CutoutWorker,
        callbacks: CallbackDelivery,
        is_own_file: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._activity = activity
        self._inputs = inputs
        self._worker = worker
        self._callbacks = callbacks
        self._is_own_file = is_own_file
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, task: Task) -> asyncio.Task[None]:
        """Start or resume a task and return its coroutine's handle."""
        running = asyncio.create_task(self._run(task))
        self._running.add(running)
        running.add_done_callback(self._ended)
        return running

    def resume(self) -> None:
        """Resume every task that was interrupted."""
        for task in self._tasks.every():
            if task.is_unfinished:
                self.begin(task)

    async def close(self) -> None:
        """Interrupt all tasks."""
        interrupted = tuple(self._running)
        for running in interrupted:
            running.cancel()
        await asyncio.gather(*interrupted, return_exceptions=True)
        await self._worker.close()

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            _logger.error("running a task failed", exc_info=error)

    async def _run(self, task: Task) -> None:
        if task.is_running:
            task = await self._process(task)
        await self._callbacks.deliver(task)
        self._tasks.save(replace(task, is_callback_done=True))

    async def _process(self, task: Task) -> Task:
        duration = task.finish_at - task.created
        await self._clock.wait_until(task.created + duration * _PENDING_SHARE)
        task = replace(task, status=Status.PROCESSING)
        self._tasks.save(task)
        ended = await self._end(task)
        await self._clock.wait_until(_end_time(task))
        ended = replace(ended, finished_at=self._clock.now())
        # The charge and the end of the task: a process that is killed has done both or neither.
        with self._tasks.transaction():
            self._activity.settle(
                task.id,
                task.photo,
                status=ended.status,
                reserved=task.credits_reserved,
                used=ended.credits_used,
            )
            self._tasks.save(ended)
        return ended

    async def _end(self, task: Task) -> Task:
        """Return the task as it will be at its end."""
        effect = task_effect(task.task_rule)
        if not effect.ends:
            # Never done; closing the stand-in cancels it.
            await asyncio.get_running_loop().create_future()
        if not effect.can_fetch and not self._is_own_file(task.image_url):
            return _failed(task, "image_processing_error")
        try:
            photo = await self._inputs.fetch(task)
            task = replace(task, input_sha256=photo.sha256)
            if effect.error_code is not None:
                return _failed(task, effect.error_code)
            if effect.cancelled_as is not None:
                return replace(task, status=effect.cancelled_as)
            return _completed(task, await self._worker.cut_out(photo))
        except UnusableInputError as error:
            return _failed(task, error.code, error.message)


def _failed(task: Task, code: str, message: str | None = None) -> Task:
    if task.task_rule is not None:
        code = task.task_rule.code or code
        message = task.task_rule.message or message
    return replace(
        task,
        status=Status.FAILED,
        error_code=code,
        error_message=message or _MESSAGES.get(code, code.replace("_", " ").capitalize()),
        # The model's page says that results filtered by moderation are not refunded.
        credits_used=task.credits_reserved if code == MODERATED else 0.0,
    )


def _completed(task: Task, result_sha256: str) -> Task:
    status: str = Status.COMPLETED
    unknown_status = task_effect(task.task_rule).unknown_status
    if task.task_rule is not None and unknown_status is not None:
        status = task.task_rule.message or unknown_status
    return replace(
        task,
        status=status,
        credits_used=task.credits_reserved,
        result_sha256=result_sha256,
        result_name=f"standin/images/{task.created:%Y/%m/%d}/{task.id.rpartition('-')[2]}.png",
    )


def _end_time(task: Task) -> datetime:
    seconds = task_effect(task.task_rule).more_seconds
    if task.task_rule is not None and seconds:
        seconds = task.task_rule.seconds or seconds
    return task.finish_at + timedelta(seconds=seconds)
