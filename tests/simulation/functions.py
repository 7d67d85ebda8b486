"""The functions' own handlers, on the world's use cases."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from callback import receive as receive_callback
from callback import store as store_result
from cutout.wiring.store import StoreApp
from cutout.wiring.submit import SubmitApp
from prepare import handler as prepare
from submit import handler as submit
from tests.simulation import events
from tests.simulation.breaking import replaced
from tests.support.fakes.world import World

_WORKERS: dict[str, Any] = {
    "submissions": submit,
    "preparations": prepare,
    "callbacks": store_result,
}


@contextmanager
def deployed(world: World) -> Iterator[None]:
    """The handlers, put together of the world's use cases in place of what wiring makes."""
    apps: dict[Any, object] = {
        submit: SubmitApp(
            arrive=world.arrive,
            jobs=world.jobs,
            submit=world.submit,
            preparations=world.submit.preparations,
            prepare_role_id="",
        ),
        prepare: world.prepare,
        store_result: StoreApp(follow=world.follow, render=world.render, removing=world.removing),
        receive_callback: world.receive,
    }
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        stack.callback(logging.disable, logging.NOTSET)
        for module, app in apps.items():
            stack.enter_context(replaced(module, "_app", lambda app=app: app))
        yield


def work(queue: str, body: str) -> None:
    """The function that reads the queue works on one message."""
    _WORKERS[queue].record_handler(SQSRecord({"body": body}))


def receive(token: str, body: str) -> int:
    """ReceiveCallback's answer to a request: an HTTP status."""
    request = APIGatewayProxyEventV2(events.callback(token, body))
    return receive_callback._answer(request)  # noqa: SLF001 - beneath what writes metrics
