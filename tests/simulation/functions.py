"""The functions' own handlers, on the world's use cases."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from callback import receive as receive_callback
from callback import store as store_result
from cutout.wiring.lambda_app import Message
from prepare import handler as prepare
from submit import handler as submit
from tests.simulation import events
from tests.support.fakes.world import World


@contextmanager
def quiet() -> Iterator[None]:
    """Handlers write no log."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def work(world: World, queue: str, body: str) -> None:
    """The function that reads the queue processes one message."""
    message = Message(body=body)
    match queue:
        case "submissions":
            submit.take(world.submit_use_cases, message)
        case "preparations":
            prepare.take(world.prepare, message)
        case "callbacks":
            store_result.take(world.store_result_use_cases, message)


def receive(world: World, token: str, body: str) -> int:
    """ReceiveCallback's answer to a request: an HTTP status."""
    answer = receive_callback.answer(world.receive_callback, events.callback(token, body))
    return int(answer["statusCode"])
