"""Dead letters in SQS: looked at where they lie, sent before they are deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.cli.aws.deployment import Letter, Moved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs import SQSClient

_BATCH = 10
"""What SQS hands out, takes and deletes at once."""
_TOO_LONG = "BatchRequestTooLong"
_LOOKING_SECONDS = 30
_MOVING_SECONDS = 60
"""So long are messages ours alone; of whoever is interrupted, they come back by themselves."""


class SqsLetters:
    """Messages of any queue.

    SQS can move dead letters by itself (StartMessageMoveTask), but only those of other queues, not
    what EventBridge could not deliver; and a task that goes on by itself cannot be followed here.
    """

    def __init__(self, client: SQSClient) -> None:
        self._client = client

    def look(self, url: str, limit: int) -> Sequence[Letter]:
        """Return so many messages, and let everybody see them again at once."""
        found: dict[str, Letter] = {}
        try:
            seen: list[Any] = []
            while len(found) < limit and (some := self._receive(url, _LOOKING_SECONDS, limit)):
                seen += some
                known = len(found)
                found.update({one["MessageId"]: _letter(one) for one in some})
                if len(found) == known:
                    break  # It has taken so long that the first come back.
        finally:
            self._let_go(url, seen)
        return list(found.values())[:limit]

    def move(self, url: str, to: str, limit: int) -> Moved:
        """Send up to so many messages to the queue of that ARN, then delete them here.

        What SQS does not take stays where it is, out of sight for `_MOVING_SECONDS`, so that the
        next call receives others.
        """
        messages = self._receive(url, _MOVING_SECONDS, limit)
        if not messages:
            return Moved()
        taken: list[Any] = []
        refused: list[str] = []
        try:
            target = self._client.get_queue_url(QueueName=to.rpartition(":")[2])["QueueUrl"]
            for some, why in self._sent(target, messages):
                taken += some
                refused += why
        except BaseException:
            self._let_go(url, [one for one in messages if one not in taken])
            raise
        finally:
            self._delete(url, taken)
        return Moved(taken=len(taken), refused=refused)

    def _sent(self, url: str, messages: list[Any]) -> Iterator[tuple[list[Any], list[str]]]:
        """Send them, in smaller batches where they are too long together.

        Yields the messages that SQS took, and why it did not take the others.
        """
        entries: Any = [
            {"Id": str(number), "MessageBody": one["Body"]} for number, one in enumerate(messages)
        ]
        try:
            answer = self._client.send_message_batch(QueueUrl=url, Entries=entries)
        except ClientError as error:
            if _TOO_LONG not in error.response["Error"]["Code"]:
                raise
            if len(messages) == 1:
                yield [], [str(error)]
                return
            half = len(messages) // 2
            yield from self._sent(url, messages[:half])
            yield from self._sent(url, messages[half:])
            return
        taken = [messages[int(one["Id"])] for one in answer.get("Successful", ())]
        yield taken, [one.get("Message", one["Code"]) for one in answer.get("Failed", ())]

    def purge(self, url: str, limit: int) -> int:
        """Delete up to so many messages."""
        messages = self._receive(url, _MOVING_SECONDS, limit)
        self._delete(url, messages)
        return len(messages)

    def _receive(self, url: str, seconds: int, limit: int) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_BATCH, limit),
            VisibilityTimeout=seconds,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", ()))

    def _delete(self, url: str, messages: Sequence[Any]) -> None:
        if messages:
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]}
                for number, one in enumerate(messages)
            ]
            self._client.delete_message_batch(QueueUrl=url, Entries=entries)

    def _let_go(self, url: str, messages: Sequence[Any]) -> None:
        for start in range(0, len(messages), _BATCH):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, one in enumerate(messages[start : start + _BATCH])
            ]
            self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _letter(message: Any) -> Letter:  # noqa: ANN401 - the SDK's message
    system = message.get("Attributes", {})
    told = message.get("MessageAttributes", {})
    return Letter(
        id=message["MessageId"],
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        received=int(system.get("ApproximateReceiveCount", 0)),
        attributes={name: one.get("StringValue", "") for name, one in told.items()},
    )
