"""The two queues in SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cutout.errors import StoreBusyError
from cutout.ports import Wake

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10
"""SendMessageBatch takes 10 messages."""
_LONGEST_DELAY_SECONDS = 900


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
            if answer.get("Failed"):
                raise StoreBusyError(f"SQS did not take {len(answer['Failed'])} messages")


class SqsSubmissions(_Queue):
    """The queue that Submit reads."""

    def wake(self, job_ids: Sequence[str], *, delay: timedelta = timedelta(0)) -> None:
        """Have Submit look at these jobs."""
        seconds = min(int(delay.total_seconds()), _LONGEST_DELAY_SECONDS)
        self._send([{"job": job_id} for job_id in job_ids], seconds)


class SqsCallbacks(_Queue):
    """The queue that StoreResult reads."""

    def wake(self, wakes: Sequence[Wake]) -> None:
        """Have StoreResult look at these tasks."""
        self._send(
            [
                {
                    "job": wake.job_id,
                    "attempt": wake.attempt,
                    "task_id": wake.task_id,
                    "is_poll": wake.is_poll,
                }
                for wake in wakes
            ],
        )
