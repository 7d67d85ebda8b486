"""A job as JSON, as commands print it."""

from typing import Any

from cutout.cli.output.job_text import lasted, settled_at
from cutout.cli.output.next_step import next_step
from cutout.domain.job.job import Job
from cutout.domain.serialization import json_fields

_RESULT = ("bucket", "key", "size", "width", "height", "sha256", "pixels", "remark")
_DECISION = ("verdict", "by", "at", "over", "problem")
_VARIANT = ("recipe", "key", "format", "size", "width", "height", "sha256", "problem", "made_at")
_ATTEMPT = ("number", "started_at", "outcome", "posts", "code", "message")
_STEP = ("state", "at", "reason")


def job_as_json(job: Job) -> dict[str, Any]:
    """Return the JSON of a job; a test compares that of a whole one."""
    step, ended = next_step(job), settled_at(job)
    return {
        "job": job.id,
        "key": job.source.key,
        "bucket": job.source.bucket,
        "version": job.source.version_id,
        "size": job.source.size,
        **json_fields(job, "state", "reason", "code", "message"),
        "attempts": [
            {
                **json_fields(attempt, *_ATTEMPT),
                "task": attempt.task_id,
                **json_fields(attempt, "credits_reserved", "credits_used"),
                "possible_double_charge": attempt.is_possible_double_charge,
            }
            for attempt in job.attempts
        ],
        "credits": float(job.credits),
        "reused": job.reused
        and {"job": job.reused.job_id, "credits_saved": float(job.reused.credits_saved)},
        "result": job.result and json_fields(job.result, *_RESULT),
        "decision": job.decision and json_fields(job.decision, *_DECISION),
        "variants": [json_fields(one, *_VARIANT) for one in job.variants],
        "next": step and json_fields(step, "what", "at"),
        **json_fields(job, "created_at", "updated_at"),
        "settled_at": ended.isoformat() if ended else None,
        "seconds": round(lasted(job).total_seconds(), 3),
        "history": [json_fields(one, *_STEP) for one in job.history],
    }
