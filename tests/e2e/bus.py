"""Events on the bus: a queue of the tests behind a rule for one source."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.deployed import Deployed
from tests.e2e.photos import Upload


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event; `body` is the whole of it, as a queue gets it."""

    kind: str
    detail: Mapping[str, Any]
    body: str = field(compare=False)


class Listener:
    """Receives every event of a source from when it was created.

    Args:
        events: A client of EventBridge.
        sqs: A client of SQS.
        source: The events' source.
    """

    def __init__(self, events: Any, sqs: Any, source: str) -> None:
        self._sqs = sqs
        self._heard: list[Event] = []
        self._lock = threading.Lock()
        name = f"e2e-{source.replace('.', '-')}"
        self._queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
        policy = _let_send(rule["RuleArn"], arn)
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def of(self, job_id: str) -> Sequence[Event]:
        """Return the events of a job until now."""
        return [event for event in self.all() if event.detail.get("job") == job_id]

    def about(self, key: str) -> Sequence[Event]:
        """Return S3's events of a key until now."""
        return [event for event in self.all() if event.detail["object"]["key"] == key]

    def all(self) -> Sequence[Event]:
        """Return all events until now."""
        with self._lock:
            while batch := self._next_batch():
                self._heard += batch
            return list(self._heard)

    def _next_batch(self) -> Sequence[Event]:
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        messages = answer.get("Messages", ())
        for message in messages:
            handle = message["ReceiptHandle"]
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=handle)
        return [_event(message["Body"]) for message in messages]


@contextmanager
def events_lost(deployed: Deployed, s3_events: Listener) -> Iterator[list[Upload]]:
    """No event of an upload arrives meanwhile; the uploads are added to the list.

    The local cloud sends events after it has answered, so they are waited for.
    """
    rule, events = deployed.resource("AWS::Events::Rule", "Upload"), deployed.client("events")
    lost: list[Upload] = []

    def are_over() -> bool:
        heard = {event.detail["object"].get("version-id") for event in s3_events.all()}
        return heard >= {upload.version_id for upload in lost}

    events.disable_rule(Name=rule)
    try:
        yield lost
        deployed.wait(are_over, "S3's events")
    finally:
        events.enable_rule(Name=rule)


def _event(body: str) -> Event:
    said = json.loads(body)
    return Event(kind=said["detail-type"], detail=said["detail"], body=body)


def _let_send(rule_arn: str, queue_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
