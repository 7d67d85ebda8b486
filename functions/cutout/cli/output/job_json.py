"""A job as JSON, as commands print it."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from cutout.cli.output.job_text import lasted, settled_at
from cutout.cli.output.next_step import next_step
from cutout.domain.job.job import Job

_RESULT = ("bucket", "key", "size", "width", "height", "sha256", "pixels", "remark")
_DECISION = ("verdict", "by", "at", "over", "problem")
_VARIANT = ("recipe", "key", "format", "size", "width", "height", "sha256", "problem", "made_at")
_ATTEMPT = ("number", "started_at", "outcome", "posts", "code", "message")
_STEP = ("state", "at", "reason")


def job_as_json(job: Job) -> dict[str, Any]:
    """Return the JSON of a job."""
    step = next_step(job)
    return {
        "job": job.id,
        "key": job.source.key,
        "bucket": job.source.bucket,
        "version": job.source.version_id,
        "size": job.source.size,
        **_facts(job, "state", "reason", "code", "message"),
        "attempts": [
            {
                **_facts(attempt, *_ATTEMPT),
                "task": attempt.task_id,
                **_facts(attempt, "credits_reserved", "credits_used"),
                "possible_double_charge": attempt.is_possible_double_charge,
            }
            for attempt in job.attempts
        ],
        "credits": float(job.credits),
        "reused": job.reused
        and {"job": job.reused.job_id, "credits_saved": float(job.reused.credits_saved)},
        "result": job.result and _facts(job.result, *_RESULT),
        "decision": job.decision and _facts(job.decision, *_DECISION),
        "variants": [_facts(one, *_VARIANT) for one in job.variants],
        "next": step and _facts(step, "what", "at"),
        **_facts(job, "created_at", "updated_at"),
        "settled_at": _as_json(settled_at(job)),
        "seconds": round(lasted(job).total_seconds(), 3),
        "history": [_facts(one, *_STEP) for one in job.history],
    }


def _facts(one: object, *names: str) -> dict[str, Any]:
    """Return these attributes; a test compares the JSON of a whole job."""
    return {name: _as_json(getattr(one, name)) for name in names}


def _as_json(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return float(value)
        case Enum():
            return value.value
    return value
