"""What happens to a task: pending, processing, its end, the charge, the callback."""

import asyncio
import hashlib
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from infra.local.evolink.faults.task_faults import MODERATED, task_effect
from infra.local.evolink.tasks import input_photo
from infra.local.evolink.tasks.activity_log import EntryKind
from infra.local.evolink.tasks.callback_delivery import deliver
from infra.local.evolink.tasks.service import Service
from infra.local.evolink.tasks.task import Status, Task

_logger = logging.getLogger(__name__)

_PENDING_SHARE = 0.1  # of a task's duration, in which clients see `pending`
_FETCH_TIMEOUT_SECONDS = 30.0  # real ones, which the input's server may take
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

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: set[asyncio.Task[None]] = set()
        self._cuts: dict[str, asyncio.Task[str]] = {}

    def begin(self, task: Task) -> asyncio.Task[None]:
        """Start or resume a task and return its coroutine's handle."""
        running = asyncio.create_task(self._run(task))
        self._running.add(running)
        running.add_done_callback(self._ended)
        return running

    def resume(self) -> None:
        """Resume every task that was interrupted, or whose callback was."""
        for task in list(self._service.tasks.values()):
            if task.is_running or not task.is_callback_done:
                self.begin(task)

    async def close(self) -> None:
        """Interrupt all tasks."""
        interrupted = (*self._running, *self._cuts.values())
        for running in interrupted:
            running.cancel()
        await asyncio.gather(*interrupted, return_exceptions=True)

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            _logger.error("running a task failed", exc_info=error)

    async def _run(self, task: Task) -> None:
        if task.is_running:
            task = await self._process(task)
        await deliver(self._service, task)
        self._service.tasks[task.id] = replace(task, is_callback_done=True)

    async def _process(self, task: Task) -> Task:
        duration = task.finish_at - task.created
        await self._service.clock.wait_until(task.created + duration * _PENDING_SHARE)
        task = replace(task, status=Status.PROCESSING)
        self._service.tasks[task.id] = task
        # The work may take longer than the duration, which a test has set to nothing.
        ended = await self._end(task)
        await self._service.clock.wait_until(_end_time(task))
        ended = replace(ended, finished_at=self._service.clock.now())
        # The charge and the end of the task: a process that is killed has done both or neither.
        with self._service.state.atomic():
            self._service.activity.settle(ended)
            self._service.tasks[task.id] = ended
        return ended

    async def _end(self, task: Task) -> Task:
        """Return the task as it will be at its end."""
        effect = task_effect(task.task_rule)
        if not effect.ends:
            # Never done; closing the stand-in cancels it.
            await asyncio.get_running_loop().create_future()
        is_own_file = task.image_url.startswith(f"{self._service.base_url}/files/")
        if not effect.can_fetch and not is_own_file:
            return _failed(task, "image_processing_error")
        try:
            photo = await self._fetch(task)
            input_photo.check_input(photo, self._service.options.side_limits)
            if effect.error_code is not None:
                return _failed(task, effect.error_code)
            if effect.cancelled_as is not None:
                return replace(task, status=effect.cancelled_as)
            return _completed(task, await self._cut_out(photo))
        except input_photo.UnusableInputError as error:
            return _failed(task, error.code, error.message)

    async def _fetch(self, task: Task) -> bytes:
        answer = await self._service.outgoing.send(
            "GET", task.image_url, timeout_seconds=_FETCH_TIMEOUT_SECONDS
        )
        self._service.activity.enter(
            EntryKind.FETCH,
            task,
            status=answer.status,
            bytes=len(answer.content),
            sha256=hashlib.sha256(answer.content).hexdigest(),
            failure=answer.failure,
        )
        if answer.status != HTTPStatus.OK:
            reason = answer.failure or f"HTTP {answer.status}"
            raise input_photo.unreadable(f"Failed to download the image: {reason}")
        return answer.content

    async def _cut_out(self, photo: bytes) -> str:
        """Return the SHA-256 of the photo's cut-out; equal photos share one."""
        sha256 = hashlib.sha256(photo).hexdigest()
        if sha256 not in self._cuts:
            self._cuts[sha256] = asyncio.create_task(self._store_cut_out(photo))
        # Another task may wait for the same cut-out: an interrupted one must not cancel it.
        return await asyncio.shield(self._cuts[sha256])

    async def _store_cut_out(self, photo: bytes) -> str:
        content = await asyncio.to_thread(input_photo.cut_out, photo)
        digest = hashlib.sha256(content).hexdigest()
        self._service.blobs[digest] = content
        return digest


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
    )


def _end_time(task: Task) -> datetime:
    seconds = task_effect(task.task_rule).more_seconds
    if task.task_rule is not None and seconds:
        seconds = task.task_rule.seconds or seconds
    return task.finish_at + timedelta(seconds=seconds)
