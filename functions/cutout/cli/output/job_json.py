"""A job as JSON, as commands print it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutout.cli.output.describe import lasted, next_step, settled_at

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from cutout.domain.job.attempt import Attempt
    from cutout.domain.job.job import Job
    from cutout.domain.job.variant import Variant


def job_as_json(job: Job) -> dict[str, Any]:
    """Return the JSON of a job."""
    step = next_step(job)
    return {
        "job": job.id,
        "key": job.source.key,
        "bucket": job.source.bucket,
        "version": job.source.version_id,
        "size": job.source.size,
        "state": job.state.value,
        "reason": job.reason.value if job.reason else None,
        "code": job.code,
        "message": job.message,
        "attempts": [_attempt_as_json(attempt) for attempt in job.attempts],
        "credits": _number(job.credits),
        "reused": _reused_as_json(job),
        "result": _result_as_json(job),
        "decision": _decision_as_json(job),
        "variants": [_variant_as_json(one) for one in job.variants],
        "next": {"what": step.what, "at": _iso(step.at)} if step else None,
        "created_at": _iso(job.created_at),
        "updated_at": _iso(job.updated_at),
        "settled_at": _iso(settled_at(job)),
        "seconds": round(lasted(job).total_seconds(), 3),
        "history": [
            {
                "state": step.state.value,
                "at": _iso(step.at),
                "reason": step.reason.value if step.reason else None,
            }
            for step in job.history
        ],
    }


def _result_as_json(job: Job) -> dict[str, Any] | None:
    if job.result is None:
        return None
    return {
        "bucket": job.result.bucket,
        "key": job.result.key,
        "size": job.result.size,
        "width": job.result.width,
        "height": job.result.height,
        "sha256": job.result.sha256,
        "pixels": job.result.pixels.value,
        "remark": job.result.remark,
    }


def _decision_as_json(job: Job) -> dict[str, Any] | None:
    if job.decision is None:
        return None
    return {
        "verdict": job.decision.verdict.value,
        "by": job.decision.by,
        "at": _iso(job.decision.at),
        "over": job.decision.over.value,
        "problem": job.decision.problem,
    }


def _reused_as_json(job: Job) -> dict[str, Any] | None:
    if job.reused is None:
        return None
    return {"job": job.reused.job_id, "credits_saved": _number(job.reused.credits_saved)}


def _attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": _iso(attempt.started_at),
        "outcome": attempt.outcome.value,
        "posts": attempt.posts,
        "task": attempt.task_id,
        "credits_reserved": _number(attempt.credits_reserved),
        "credits_used": _number(attempt.credits_used),
        "code": attempt.code,
        "message": attempt.message,
        "possible_double_charge": attempt.is_possible_double_charge,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _variant_as_json(variant: Variant) -> dict[str, Any]:
    return {
        "recipe": variant.recipe,
        "key": variant.key,
        "format": variant.format,
        "size": variant.size,
        "width": variant.width,
        "height": variant.height,
        "sha256": variant.sha256,
        "problem": variant.problem,
        "made_at": _iso(variant.made_at),
    }
