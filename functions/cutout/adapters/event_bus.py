"""Completion events on EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cutout.errors import StoreBusyError
from cutout.job import Job
from cutout.states import State

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "cutout"


class EventBus:
    """Says what became of each job."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client = client
        self._name = name

    def announce(self, job: Job) -> None:
        """Send `Cutout Completed` or `Cutout Failed`; receivers dedupe by `detail.job`."""
        is_completed = job.state is State.COMPLETED
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": SOURCE,
                    "DetailType": "Cutout Completed" if is_completed else "Cutout Failed",
                    "Time": job.updated_at,
                    "Detail": json.dumps(detail(job)),
                },
            ],
        )
        if answer["FailedEntryCount"]:
            raise StoreBusyError(answer["Entries"][0].get("ErrorCode", "the event was not taken"))


def detail(job: Job) -> dict[str, Any]:
    """The `detail` of a job's completion event."""
    source, result = job.source, job.result
    return {
        "job": job.id,
        "state": job.state.value,
        "reason": None if job.reason is None else job.reason.value,
        "code": job.code,
        "message": job.message,
        "source": {"bucket": source.bucket, "key": source.key, "version": source.version_id},
        "result": None
        if result is None
        else {
            "bucket": result.bucket,
            "key": result.key,
            "size": result.size,
            "width": result.width,
            "height": result.height,
        },
        "credits": float(job.credits),
        "reused": None
        if job.reused is None
        else {"job": job.reused.job_id, "credits_saved": float(job.reused.credits_saved)},
        "seconds": round((job.updated_at - job.created_at).total_seconds(), 3),
    }
