"""The stack's queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_WORK = ("Submissions", "Callbacks")


class Queues:
    """The two queues of work and where their undeliverable messages end.

    Args:
        sqs: A client of SQS.
        outputs: The stack's outputs.
    """

    def __init__(self, sqs: Any, outputs: Mapping[str, str]) -> None:
        self._sqs = sqs
        self._outputs = outputs

    def submit(self, body: str, times: int = 1) -> None:
        """Put a message into the submissions queue, so many times."""
        for _ in range(times):
            url = self._outputs["SubmissionsQueueUrl"]
            self._sqs.send_message(QueueUrl=url, MessageBody=body)

    def are_empty(self) -> bool:
        """Say whether nothing waits, is delayed or is being worked on."""
        return not any(self._count(f"{name}QueueUrl") for name in _WORK)

    def dead_letters(self) -> int:
        """Count the messages that were given up."""
        return sum(self._count(f"{name}DeadLetterQueueUrl") for name in _WORK)

    def _count(self, output: str) -> int:
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._outputs[output], AttributeNames=list(_COUNTS)
        )
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)
