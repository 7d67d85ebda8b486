"""StoreResult's handler: takes callbacks, polls, and requests to render or remove variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cutout.domain.messages.message_parsing import read_callback
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.wiring.lambda_app import LambdaApp
from cutout.wiring.store_result_function import build

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from cutout.wiring.store_result_function import StoreResultUseCases


def take(store_result: StoreResultUseCases, record: SQSRecord) -> None:
    """Act on one message."""
    message = read_callback(record.body)
    attempt = message.attempt if isinstance(message, TaskCheck) else None
    with app.telemetry.about(job_id=message.job_id, attempt=attempt):
        store_result.take(message)


app = LambdaApp(build)
handler = app.on_messages(take)
