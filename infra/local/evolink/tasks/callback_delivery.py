"""Telling the end of a task to its callback URL."""

import asyncio
import json
from collections.abc import Callable

from infra.local.evolink.clock import Clock
from infra.local.evolink.faults.fault_table import Fault
from infra.local.evolink.tasks.activity_log import Kind, Ledger
from infra.local.evolink.tasks.outgoing_http import Outgoing, UnreachableError
from infra.local.evolink.tasks.task_store import Task

_RETRY_AFTER_SECONDS = (1.0, 2.0, 4.0)
_LATE_SECONDS = 60.0
_HUGE_BODY = 1024 * 1024

_NO_JSON: dict[Fault | None, bytes] = {
    Fault.CALLBACK_GARBAGE: b"\xff\xfe<html>not what you expect",
    Fault.CALLBACK_EMPTY: b"",
}

Describe = Callable[[Task], dict[str, object]]


class Callbacks:
    """Delivers callbacks: 2xx is delivered, anything else is tried again after 1, 2 and 4 s."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        outgoing: Outgoing,
        describe: Describe,
        timeout_seconds: float,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._outgoing = outgoing
        self._describe = describe
        self._timeout_seconds = timeout_seconds

    async def tell(self, task: Task) -> None:
        """Deliver the callback of a task that has ended, or give up after the last retry."""
        fault = None if task.telling is None else task.telling.kind
        if task.callback_url is None or fault is Fault.CALLBACK_LOST:
            return
        if task.telling is not None and fault is Fault.CALLBACK_LATE:
            await self._clock.wait(task.telling.seconds or _LATE_SECONDS)
        body = self._body(task)
        deliveries = 2 if fault is Fault.CALLBACK_DOUBLED else 1
        async with asyncio.TaskGroup() as group:
            for _ in range(deliveries):
                group.create_task(self._deliver(task, task.callback_url, body, fault))

    async def _deliver(self, task: Task, url: str, body: bytes, fault: Fault | None) -> None:
        for attempt, pause in enumerate((0.0, *_RETRY_AFTER_SECONDS), start=1):
            await self._clock.wait(pause)
            is_delivered = await self._attempt(task, url, body, attempt)
            if is_delivered and fault is not Fault.CALLBACK_AFTER_FAILURE:
                return

    async def _attempt(self, task: Task, url: str, body: bytes, attempt: int) -> bool:
        status, failure = None, ""
        try:
            answer = await self._outgoing.post(
                url,
                body,
                {"content-type": "application/json"},
                timeout_seconds=self._timeout_seconds,
            )
            status = answer.status
        except UnreachableError as error:
            failure = str(error)
        is_delivered = status is not None and 200 <= status < 300  # noqa: PLR2004 -- the 2xx
        self._ledger.enter(
            Kind.CALLBACK,
            task=task.id,
            photo=task.photo,
            attempt=attempt,
            status=status,
            failure=failure,
            delivered=is_delivered,
        )
        return is_delivered

    def _body(self, task: Task) -> bytes:
        document = self._describe(task)
        fault = task.telling and task.telling.kind
        if fault in _NO_JSON:
            return _NO_JSON[fault]
        match fault:
            case Fault.CALLBACK_NO_ID:
                document |= {"id": [task.id]}
            case Fault.CALLBACK_HUGE:
                document |= {"padding": "x" * _HUGE_BODY}
            case Fault.CALLBACK_OTHER_TASK:
                message = task.telling.message if task.telling else None
                document |= {"id": message or f"{task.id}-other"}
            case Fault.CALLBACK_SAYS_FAILED:
                document |= {"status": "failed", "error": {"code": "service_error"}}
            case Fault.CALLBACK_SAYS_PROCESSING:
                document |= {"status": "processing", "progress": 40}
            case Fault.CALLBACK_SPARSE:
                document = {"id": task.id, "status": task.status}
        return json.dumps(document).encode()
