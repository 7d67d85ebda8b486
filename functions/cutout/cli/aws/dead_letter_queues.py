"""Dead-letter queues in SQS. A message is sent before it is deleted, so that none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # the most messages that SQS receives, sends or deletes in one request
_TOO_LONG = "BatchRequestTooLong"
_LOOK_SECONDS = 30
# How long other consumers do not see the messages. If this command is interrupted, SQS makes them
# visible again after that time.
_MOVE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that could not be processed.

    Attributes:
        attributes: the message attributes that its sender wrote, as text.
        received: how often it was received, in its first queue and here.
    """

    id: str
    body: str
    sent_at: datetime
    received: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MoveResult:
    """The outcome for a batch of dead letters.

    Attributes:
        taken: how many left the queue.
        refused: why SQS did not accept each of the others, which stay in the queue.
    """

    taken: int = 0
    refused: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many messages were received; 0 if none was left."""
        return self.taken + len(self.refused)


class SqsLetters:
    """Messages of any queue.

    SQS can move dead letters by itself (StartMessageMoveTask), but not those that EventBridge could
    not deliver, and without a report of its progress.
    """

    def __init__(self, client: SQSClient) -> None:
        self._client = client

    def look(self, url: str, limit: int) -> Sequence[DeadLetter]:
        """Return up to `limit` messages, and make them visible to others again."""
        found: dict[str, DeadLetter] = {}
        try:
            seen: list[Any] = []
            while len(found) < limit and (some := self._receive(url, _LOOK_SECONDS, limit)):
                seen += some
                known = len(found)
                found.update({one["MessageId"]: _letter(one) for one in some})
                if len(found) == known:
                    break  # The first messages became visible again in the meantime.
        finally:
            self._make_visible(url, seen)
        return list(found.values())[:limit]

    def move(self, url: str, to: str, limit: int) -> MoveResult:
        """Send up to `limit` messages to the queue with that ARN, then delete them here."""
        # A message that SQS does not accept stays in the queue and is invisible for a while, so
        # that the next call receives others.
        messages = self._receive(url, _MOVE_SECONDS, limit)
        if not messages:
            return MoveResult()
        taken: list[Any] = []
        refused: list[str] = []
        try:
            target = self._client.get_queue_url(QueueName=to.rpartition(":")[2])["QueueUrl"]
            for some, why in self._sent(target, messages):
                taken += some
                refused += why
        # Also after Ctrl-C: otherwise the next run would not see these messages for a minute.
        except BaseException:
            self._make_visible(url, [one for one in messages if one not in taken])
            raise
        finally:
            self._delete(url, taken)
        return MoveResult(taken=len(taken), refused=refused)

    def _sent(self, url: str, messages: list[Any]) -> Iterator[tuple[list[Any], list[str]]]:
        """Send the messages, in smaller batches if they are too large for one request.

        Yields the messages that SQS accepted, and why it did not accept the others.
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
        # The answer is a success even if SQS refused some of the entries.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
        taken = [messages[int(one["Id"])] for one in answer.get("Successful", ())]
        yield taken, [one.get("Message", one["Code"]) for one in answer.get("Failed", ())]

    def purge(self, url: str, limit: int) -> MoveResult:
        """Delete up to `limit` messages."""
        messages = self._receive(url, _MOVE_SECONDS, limit)
        self._delete(url, messages)
        return MoveResult(taken=len(messages))

    def _receive(self, url: str, seconds: int, limit: int) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_BATCH, limit),
            VisibilityTimeout=seconds,
            # A short poll asks some of the servers only: it may find nothing though there is more.
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", ()))

    def _delete(self, url: str, messages: Sequence[Any]) -> None:
        if messages:
            self._client.delete_message_batch(QueueUrl=url, Entries=_entries(messages))

    def _make_visible(self, url: str, messages: Sequence[Any]) -> None:
        for start in range(0, len(messages), _BATCH):
            entries = _entries(messages[start : start + _BATCH], VisibilityTimeout=0)
            self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _entries(messages: Sequence[Any], **settings: int) -> Any:  # noqa: ANN401 - the SDK's
    return [
        {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"], **settings}
        for number, one in enumerate(messages)
    ]


def _letter(message: Any) -> DeadLetter:  # noqa: ANN401 - the SDK's message
    system = message.get("Attributes", {})
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        id=message["MessageId"],
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        received=int(system.get("ApproximateReceiveCount", 0)),
        attributes={name: one.get("StringValue", "") for name, one in attributes.items()},
    )
