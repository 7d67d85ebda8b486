"""The life of a task: pending, processing, its end, the bill, the callback."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO

from PIL import Image

from cutout.local.evolink.background import encode_png, remove_background
from cutout.local.evolink.callbacks import Callbacks
from cutout.local.evolink.clock import Clock
from cutout.local.evolink.faults import Fault
from cutout.local.evolink.inputs import Input, UnusableInputError, check_input, unreadable
from cutout.local.evolink.ledger import Kind, Ledger
from cutout.local.evolink.options import Options
from cutout.local.evolink.outgoing import Outgoing, UnreachableError
from cutout.local.evolink.state import Blobs
from cutout.local.evolink.tasks import Status, Task, TaskBook

_logger = logging.getLogger(__name__)

_PENDING_SHARE = 0.1
_MODERATED = "content_policy_violation"
_MESSAGES = {
    "service_error": "The service is temporarily abnormal, please try again later",
    "generation_timeout": "The generation took too long",
    "resource_exhausted": "Resources are temporarily exhausted",
    "quota_exceeded": "Request rate or quota exceeded",
    "request_cancelled": "The request was cancelled",
    "image_processing_error": "Failed to process the input image.\nThe URL is not reachable",
    _MODERATED: "Content policy violation.\nThe image may contain a real person",
}


class Lives:
    """Lets tasks live: one coroutine each, the heavy work in a few threads."""

    def __init__(
        self,
        *,
        options: Options,
        clock: Clock,
        tasks: TaskBook,
        ledger: Ledger,
        blobs: Blobs,
        outgoing: Outgoing,
        callbacks: Callbacks,
        is_own_file: Callable[[str], bool],
    ) -> None:
        self._options = options
        self._clock = clock
        self._tasks = tasks
        self._ledger = ledger
        self._blobs = blobs
        self._outgoing = outgoing
        self._callbacks = callbacks
        self._is_own_file = is_own_file
        self._workers = ThreadPoolExecutor(options.workers, "evolink-cutting")
        self._cuts: dict[str, asyncio.Task[str]] = {}
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
        for running in tuple(self._running):
            running.cancel()
        await asyncio.gather(*self._running, *self._cuts.values(), return_exceptions=True)
        self._workers.shutdown(cancel_futures=True)

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
                task.id, task.photo, reserved=task.credits_reserved, used=ended.credits_used
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
            photo = await self._fetch(task)
            task = replace(task, input_sha256=photo.sha256)
            return await self._finish(task, photo)
        except UnusableInputError as error:
            return _failed(task, error.code, error.message)

    async def _finish(self, task: Task, photo: Input) -> Task:
        match task.outcome and task.outcome.kind:
            case Fault.TASK_FAILED:
                return _failed(task, "service_error")
            case Fault.TASK_MODERATED:
                return _failed(task, _MODERATED)
            case Fault.TASK_CANCELLED:
                return replace(task, status=Status.CANCELLED)
            case Fault.TASK_CANCELED:
                return replace(task, status=Status.CANCELED)
        status = Status.COMPLETED.value
        if task.outcome is not None and task.ends_by(Fault.TASK_UNKNOWN):
            status = task.outcome.message or "archived"
        return replace(
            task,
            status=status,
            credits_used=task.credits_reserved,
            result_sha256=await self._cut_once(photo),
            result_name=_result_name(task),
        )

    async def _fetch(self, task: Task) -> Input:
        content = b""
        for _ in range(self._options.fetches):
            content = await self._fetch_once(task)
        return check_input(content, self._options.side_limits)

    async def _fetch_once(self, task: Task) -> bytes:
        status, size, failure = None, 0, ""
        try:
            answer = await self._outgoing.get(
                task.image_url, timeout_seconds=self._options.fetch_timeout_seconds
            )
            status, size = answer.status, len(answer.body)
        except UnreachableError as error:
            failure = str(error)
        self._ledger.enter(
            Kind.FETCH,
            task=task.id,
            photo=task.photo,
            status=status,
            bytes=size,
            failure=failure,
        )
        if status is None:
            raise unreadable(f"Failed to download the image: {failure}")
        if status != 200:  # noqa: PLR2004 -- OK
            raise unreadable(f"Failed to download the image: HTTP {status}")
        return answer.body

    async def _cut_once(self, photo: Input) -> str:
        """Return the SHA-256 of the cut-out; equal photos share one."""
        if photo.sha256 not in self._cuts:
            self._cuts[photo.sha256] = asyncio.create_task(self._cut(photo.content))
        return await asyncio.shield(self._cuts[photo.sha256])

    async def _cut(self, content: bytes) -> str:
        loop = asyncio.get_running_loop()
        return self._blobs.put(await loop.run_in_executor(self._workers, cut_out, content))


def cut_out(content: bytes) -> bytes:
    """Return the cut-out of a photo as a PNG.

    Raises:
        UnusableInputError: The photo is damaged.
    """
    try:
        with Image.open(BytesIO(content)) as photo:
            return encode_png(remove_background(photo))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(f"The image is damaged: {error}") from error


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


def _end_time(task: Task) -> datetime:
    if task.outcome is not None and task.ends_by(Fault.TASK_SLOW):
        return task.finish_at + timedelta(seconds=task.outcome.seconds or 60.0)
    return task.finish_at


def _result_name(task: Task) -> str:
    return f"standin/images/{task.created:%Y/%m/%d}/{task.id.rpartition('-')[2]}.png"
