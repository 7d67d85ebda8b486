"""Jobs of a stack in memory, and the names of its buckets."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.result import Result
from cutout.domain.job.source import Source
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.cli.clock import NOON

UPLOADS = "the-uploads"
RESULTS = "the-results"
PNG = b"\x89PNG the cut-out"
WAY = (State.QUEUED, State.SUBMITTING, State.PROCESSING, State.STORING)
"""The states before the end, in order."""


def make_job(
    key: str = "a.jpg",
    *,
    state: State = State.COMPLETED,
    reason: Reason | None = None,
    message: str | None = None,
    code: str | None = None,
    credits_used: str | None = "5.4",
    at: datetime = NOON,
) -> Job:
    """Return a job that went straight to a state, a second a step; `at` is when it began."""
    way = [*WAY[: WAY.index(state)], state] if state in WAY else [*WAY, state]
    history = tuple(
        HistoryEntry(state=step, at=at + timedelta(seconds=number), reason=None)
        for number, step in enumerate(way)
    )
    result_key = key.rpartition(".")[0] + ".png"
    done = state is State.COMPLETED
    digest = hashlib.sha256(PNG).hexdigest()
    return Job(
        id=f"job-of-{key}",
        source=Source(
            bucket=UPLOADS, key=key, version_id="v1", etag="e1", sequencer="0A", size=1000
        ),
        state=state,
        result_key=result_key,
        created_at=at,
        updated_at=history[-1].at,
        entered_at=history[-1].at,
        due_at=None if state.is_settled else history[-1].at + timedelta(seconds=150),
        is_announced=state.is_settled,
        reason=reason,
        code=code,
        message=message,
        attempts=(
            Attempt(
                number=1,
                idempotency_key="k",
                started_at=at,
                outcome=AttemptOutcome.SUCCEEDED,
                task_id="task-1",
                credits_used=None if credits_used is None else Decimal(credits_used),
            ),
        ),
        result=Result(
            bucket=RESULTS, key=result_key, size=len(PNG), width=600, height=400, sha256=digest
        )
        if done
        else None,
        history=history,
    )


def failed(key: str, reason: Reason = Reason.TASK_FAILED, hours_ago: int = 0) -> Job:
    """Return a photo that failed so long ago."""
    return make_job(key, state=State.FAILED, reason=reason, at=NOON - timedelta(hours=hours_ago))


def reviewed(key: str = "a.jpg", hours_ago: int = 0, **facts: Any) -> Job:
    """Return a photo whose result is doubtful since so long ago."""
    at = NOON - timedelta(hours=hours_ago)
    job = make_job(key, state=State.REVIEW, reason=Reason.RESULT_OPAQUE, at=at)
    place = f"review/{job.result_key}"
    result = Result(bucket=RESULTS, key=place, size=10, width=600, height=400, sha256="ab" * 32)
    return replace(job, result=result, storing_attempt=1, **facts)
