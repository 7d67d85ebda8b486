"""StoreResult's handler: takes callbacks, polls, and requests to render or remove variants."""

from __future__ import annotations

from cutout.domain.messages.message_parsing import read_callback
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.wiring.lambda_app import LambdaApp, Message
from cutout.wiring.store_result_function import StoreResultUseCases, build


def take(store_result: StoreResultUseCases, message: Message) -> None:
    """Act on one message."""
    wanted = read_callback(message.body)
    attempt = wanted.attempt if isinstance(wanted, TaskCheck) else None
    with app.telemetry.about(job_id=wanted.job_id, attempt=attempt):
        store_result.take(wanted)


app = LambdaApp(build)
handler = app.on_messages(take)
