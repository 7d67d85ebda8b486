"""The stack's queues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.e2e.deployed import Deployed

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_WORK = ("Submissions", "Callbacks")


class Queues:
    """The two queues of work and where their undeliverable messages end.

    Args:
        deployed: The stack.
    """

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._sqs = deployed.client("sqs")
        self._outputs = deployed.cloud.outputs

    def submit(self, body: str, times: int = 1) -> None:
        """Put a message into the submissions queue, so many times."""
        for _ in range(times):
            url = self._outputs["SubmissionsQueueUrl"]
            self._sqs.send_message(QueueUrl=url, MessageBody=body)

    def wait_until_empty(self) -> None:
        """Wait until no message is visible, delayed or being processed."""
        # A message of one queue may send one to a queue that was counted before.
        looks = (*_WORK, *_WORK)
        self._deployed.wait(
            lambda: not any(self._count(f"{name}QueueUrl") for name in looks),
            "the queues to be worked off",
        )

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Let messages be delivered again after 3 seconds with a worker, for a while."""
        with ExitStack() as stack:
            for name in _WORK:
                stack.enter_context(self._impatient(self._outputs[f"{name}QueueUrl"]))
            yield

    @contextmanager
    def _impatient(self, url: str) -> Iterator[None]:
        named = "VisibilityTimeout"
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[named])
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={named: "3"})
        try:
            yield
        finally:
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes=answer["Attributes"])

    def take_dead_letters(self) -> list[str]:
        """Return the messages among the dead letters of submissions, and remove them."""
        url = self._outputs["SubmissionsDeadLetterQueueUrl"]
        answer = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", ())
        for message in messages:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [str(message["Body"]) for message in messages]

    def forget(self) -> None:
        """Empty the queues of messages of earlier tests: Sweep sends again what is due."""
        for name in _WORK:
            self._sqs.purge_queue(QueueUrl=self._outputs[f"{name}QueueUrl"])

    def dead_letters(self) -> int:
        """Count the dead letters."""
        return sum(self._count(f"{name}DeadLetterQueueUrl") for name in _WORK)

    def _count(self, output: str) -> int:
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._outputs[output], AttributeNames=list(_COUNTS)
        )
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)
