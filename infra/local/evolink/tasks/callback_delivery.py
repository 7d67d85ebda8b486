"""Reporting the end of a task to its callback URL."""

import asyncio

from infra.local.evolink.faults.task_faults import callback_effect
from infra.local.evolink.tasks.activity_log import EntryKind
from infra.local.evolink.tasks.service import Service
from infra.local.evolink.tasks.task import Task

_TIMEOUT_SECONDS = 10.0  # real ones, which a receiver may take to answer
_DELIVERED = range(200, 300)
_RETRY_AFTER_SECONDS = (1.0, 2.0, 4.0)


async def deliver(service: Service, task: Task) -> None:
    """Deliver the callback of a task that has ended, or give up after the last retry.

    2xx is delivered, anything else is retried after 1, 2 and 4 s.
    """
    rule, effect = task.callback_rule, callback_effect(task.callback_rule)
    if task.callback_url is None or not effect.deliveries:
        return
    if effect.delay_seconds:
        await service.clock.wait((rule and rule.seconds) or effect.delay_seconds)
    body = effect.body(service.describe(task), rule)
    async with asyncio.TaskGroup() as group:
        # At once, as a provider with two workers would.
        for _ in range(effect.deliveries):
            group.create_task(_send(service, task, task.callback_url, body))


async def _send(service: Service, task: Task, url: str, body: bytes) -> None:
    for attempt, pause in enumerate((0.0, *_RETRY_AFTER_SECONDS), start=1):
        await service.clock.wait(pause)
        answer = await service.outgoing.send(
            "POST", url, body=body, timeout_seconds=_TIMEOUT_SECONDS
        )
        # Redirects are not documented: by the rule for 2xx, a 3xx is a failure.
        is_delivered = answer.status in _DELIVERED
        service.activity.enter(
            EntryKind.CALLBACK,
            task,
            attempt=attempt,
            status=answer.status,
            failure=answer.failure,
            delivered=is_delivered,
        )
        if is_delivered and not callback_effect(task.callback_rule).ignores_answers:
            return
