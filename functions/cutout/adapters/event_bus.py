"""Completion events on EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.messages import completion_events
from cutout.domain.serialization import json_fields
from cutout.domain.states import State

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SCHEMA_VERSION = "1.2"
"""Of `events/schema`: a new field raises the minor number, an incompatible change the major one."""
_MOST_BYTES = 255 * 1024  # an entry of PutEvents may have 256 KB, its kind and source included
_LONGEST_PROBLEM = 300
_PICTURE = ("size", "width", "height")
_DECISION = ("verdict", "by", "at", "over", "problem")


class EventBus:
    """Sends an event for each settled job."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client = client
        self._name = name

    def announce(self, job: Job) -> None:
        """Send `Cutout Completed` or `Cutout Failed`; receivers dedupe by `detail.job`."""
        is_completed = job.state is State.COMPLETED
        detail_type = completion_events.COMPLETED if is_completed else completion_events.FAILED
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": completion_events.SOURCE,
                    "DetailType": detail_type,
                    "Time": job.updated_at,
                    "Detail": _text(job),
                },
            ],
        )
        # PutEvents answers 200 even if it took no entry.
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        if answer["FailedEntryCount"]:
            raise StoreBusyError(answer["Entries"][0].get("ErrorCode", "the event was not taken"))


def detail(job: Job) -> dict[str, Any]:
    """The `detail` of a job's completion event."""
    source = job.source
    is_completed = job.state is State.COMPLETED
    variants = job.variants if is_completed else ()
    return {
        "schema": SCHEMA_VERSION,
        "job": job.id,
        "state": job.state.value,
        # Receivers of version 1 rely on completed jobs having neither reason nor message.
        "reason": None if is_completed or job.reason is None else job.reason.value,
        "code": job.code,
        "message": None if is_completed else job.message,
        "source": {"bucket": source.bucket, "key": source.key, "version": source.version_id},
        "result": None
        if job.result is None or job.state is State.FAILED
        else json_fields(job.result, "bucket", "key", *_PICTURE),
        "variants": [
            json_fields(one, "recipe", "key", "format", *_PICTURE)
            for one in variants
            if one.problem is None
        ],
        "variants_failed": [_failed(one) for one in variants if one.problem is not None],
        "credits": float(job.credits),
        # The schema of failed events has null: a result under review completed no job.
        "reused": None
        if job.reused is None or not is_completed
        else {"job": job.reused.job_id, "credits_saved": float(job.reused.credits_saved)},
        "decision": None if job.decision is None else json_fields(job.decision, *_DECISION),
        "seconds": round((job.updated_at - job.created_at).total_seconds(), 3),
    }


def _failed(variant: Variant) -> dict[str, Any]:
    return {"recipe": variant.recipe, "problem": (variant.problem or "")[:_LONGEST_PROBLEM]}


def _text(job: Job) -> str:
    """The detail as JSON; without variants if the bus would refuse the event for its size."""
    fields = detail(job)
    # An escaped letter would take six bytes of the limit.
    text = json.dumps(fields, ensure_ascii=False)
    if len(text.encode()) <= _MOST_BYTES:
        return text
    return json.dumps(fields | {"variants": None, "variants_failed": None}, ensure_ascii=False)
