"""Prepare's handler: takes requests for copies of photos."""

from __future__ import annotations

from cutout.domain.messages.message_parsing import read_request
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.wiring.lambda_app import LambdaApp, Message
from cutout.wiring.prepare_function import build


def take(prepare: PrepareCopy, message: Message) -> None:
    """Act on one message."""
    request = read_request(message.body)
    with app.telemetry.about(job_id=request.job_id):
        prepare.prepare(request)


app = LambdaApp(build)
handler = app.on_messages(take)
