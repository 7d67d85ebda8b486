"""Reporting the end of a task to its callback URL."""

import asyncio
import json
from collections.abc import Callable, Mapping

from infra.local.evolink.faults.callback_faults import CallbackEffect, callback_effect
from infra.local.evolink.standin_clock import Clock
from infra.local.evolink.tasks.activity_log import ActivityLog, Kind
from infra.local.evolink.tasks.outgoing_http import OutgoingHttp, UnreachableError
from infra.local.evolink.tasks.task_store import Task

_RETRY_AFTER_SECONDS = (1.0, 2.0, 4.0)
_JSON = {"content-type": "application/json"}

Describe = Callable[[Task], Mapping[str, object]]


class CallbackDelivery:
    """Delivers callbacks: 2xx is delivered, anything else is retried after 1, 2 and 4 s."""

    def __init__(
        self,
        *,
        clock: Clock,
        activity: ActivityLog,
        outgoing: OutgoingHttp,
        describe: Describe,
        timeout_seconds: float,
    ) -> None:
        self._clock = clock
        self._activity = activity
        self._outgoing = outgoing
        self._describe = describe
        self._timeout_seconds = timeout_seconds

    async def deliver(self, task: Task) -> None:
        """Deliver the callback of a task that has ended, or give up after the last retry."""
        effect = callback_effect(task.callback_rule)
        if task.callback_url is None or not effect.deliveries:
            return
        if task.callback_rule is not None and effect.delay_seconds:
            await self._clock.wait(task.callback_rule.seconds or effect.delay_seconds)
        body = self._body(task, effect)
        async with asyncio.TaskGroup() as group:
            # At once, as a provider with two workers would.
            for _ in range(effect.deliveries):
                group.create_task(self._send(task, task.callback_url, body, effect))

    async def _send(self, task: Task, url: str, body: bytes, effect: CallbackEffect) -> None:
        for attempt, pause in enumerate((0.0, *_RETRY_AFTER_SECONDS), start=1):
            await self._clock.wait(pause)
            if await self._attempt(task, url, body, attempt) and not effect.ignores_answers:
                return

    async def _attempt(self, task: Task, url: str, body: bytes, attempt: int) -> bool:
        status, failure = None, ""
        try:
            answer = await self._outgoing.post(
                url, body, _JSON, timeout_seconds=self._timeout_seconds
            )
            status = answer.status
        except UnreachableError as error:
            failure = str(error)
        is_delivered = status is not None and 200 <= status < 300  # noqa: PLR2004 - any 2xx
        self._activity.enter(
            Kind.CALLBACK,
            task=task.id,
            photo=task.photo,
            attempt=attempt,
            status=status,
            failure=failure,
            delivered=is_delivered,
        )
        return is_delivered

    def _body(self, task: Task, effect: CallbackEffect) -> bytes:
        document = self._describe(task)
        if task.callback_rule is None or effect.body is None:
            return json.dumps(document).encode()
        return effect.body(document, task.callback_rule)
