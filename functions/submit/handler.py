"""Submit's handler: takes uploads, deletions, jobs that are due, and reports of Prepare."""

from __future__ import annotations

from cutout.domain.messages.message_parsing import read_report, read_submission
from cutout.wiring.lambda_app import LambdaApp, Message
from cutout.wiring.submit_function import SubmitUseCases, build


def take(submit: SubmitUseCases, message: Message) -> None:
    """Act on one message."""
    is_report = _is_sent_by(message, submit.prepare_role_id)
    submit.take((read_report if is_report else read_submission)(message.body))


def _is_sent_by(message: Message, role_id: str) -> bool:
    """Whether a function of this role sent it: Prepare may have been taken over by a photo."""
    # SQS itself notes the sender, as ROLE-ID:SESSION (Amazon SQS API Reference, ReceiveMessage).
    return bool(role_id) and message.sender_id.partition(":")[0] == role_id


app = LambdaApp(build)
handler = app.on_messages(take)
