"""The queues in SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.source import Source
from cutout.domain.messages.queue_messages import Removal, RenderRequest, TaskCheck
from cutout.domain.serialization import to_row
from cutout.domain.states import Lane

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from cutout.domain.messages.preparation import PrepareReport, PrepareRequest

_BATCH = 10  # SendMessageBatch takes 10 messages
_LONGEST_DELAY_SECONDS = 900  # SQS's limit


class _Queue:
    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def _send(self, bodies: Sequence[dict[str, Any]], delay_seconds: int = 0) -> None:
        for start in range(0, len(bodies), _BATCH):
            entries: Any = [
                {"Id": str(number), "MessageBody": json.dumps(body), "DelaySeconds": delay_seconds}
                for number, body in enumerate(bodies[start : start + _BATCH])
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            # SQS answers 200 for a batch even if it took only a part of it.
            if answer.get("Failed"):
                raise StoreBusyError(f"SQS did not take {len(answer['Failed'])} messages")


class SqsSubmissions(_Queue):
    """The queue that Submit reads."""

    def enqueue(self, job_ids: Sequence[str]) -> None:
        """Have Submit look at these jobs."""
        self._send([{"job": job_id} for job_id in job_ids])

    def report(self, report: PrepareReport) -> None:
        """Have Submit continue a job with the copies that Prepare made, or their refusal."""
        self._send([written_report(report)])

    def queue(self, sources: Sequence[Source], lane: Lane) -> None:
        """Have Submit make jobs of these uploads, which were found in a bucket, in this lane."""
        self._send([_found(source, lane) for source in sources])

    def length(self) -> int:
        """The approximate number of messages in the queue."""
        answer = self._client.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


class SqsPreparations(_Queue):
    """The queue that Prepare reads."""

    def prepare(self, request: PrepareRequest) -> None:
        """Have Prepare make copies of a photo."""
        self._send([written_request(request)])


class SqsCallbacks(_Queue):
    """The queue that StoreResult reads."""

    def enqueue(self, checks: Sequence[TaskCheck]) -> None:
        """Have StoreResult look at these tasks."""
        self._send([to_row(check) for check in checks])

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Have StoreResult make these."""
        seconds = min(int(delay.total_seconds()), _LONGEST_DELAY_SECONDS)
        self._send([to_row(request) for request in requests], delay_seconds=seconds)

    def remove(self, removal: Removal) -> None:
        """Have StoreResult remove what was made of a source."""
        self._send([{"removed": to_row(removal)}])


def written_request(request: PrepareRequest) -> dict[str, object]:
    """The message that `read_request` parses."""
    return {"job": request.job_id, "prepare": to_row(request)}


def written_report(report: PrepareReport) -> dict[str, object]:
    """The message that `read_report` parses."""
    return {"job": report.job_id, "report": to_row(report)}


def _found(source: Source, lane: Lane) -> dict[str, Any]:
    """The event that EventBridge would send for the upload, as far as known, and its lane."""
    obj: dict[str, Any] = {
        "key": source.key,
        "size": source.size,
        "etag": source.etag,
        "sequencer": source.sequencer,
    }
    if source.version_id is not None:
        obj["version-id"] = source.version_id
    at = source.modified_at
    return {
        "source": "cutout",
        "detail-type": "Object Created",
        "time": None if at is None else at.isoformat(),
        "lane": lane.value,
        "detail": {"bucket": {"name": source.bucket}, "object": obj},
    }
