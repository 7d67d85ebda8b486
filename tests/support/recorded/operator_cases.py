"""Cases of an operator's commands: costs, a retry, a list of jobs, an audit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.job.source import LatestVersion
from cutout.domain.object_keys import SOURCE_ORDER, SOURCE_VERSION
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from cutout.operator.audit import Audit, Rules
from cutout.operator.costs import By, Costs, Period
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.fakes.clock import START
from tests.support.fakes.listing import MemoryObjects
from tests.support.fakes.world import World
from tests.support.recorded.cases import (
    ATTEMPTS,
    BEGAN,
    MINUTE,
    SECOND,
    STATES,
    Cases,
    Facts,
    attempt,
    job_in,
)
from tests.support.recorded.upload_cases import DAY, RESULT
from tests.support.recorded.write_cases import REUSED


def _costs(world: World, state: Facts, attempts: Any, row: Facts, by: By, period: Any) -> object:
    job = job_in(world, {**state, **row, "attempts": attempts}, "shoes/red/a.jpg")

    def added() -> object:
        costs = Costs(by=by, depth=1 + (by is By.DAY), period=Period(**period))
        costs.add(job)
        numbers = [[one.attempt.number for one in ones] for ones in (costs.lost, costs.doubtful)]
        lines = dict(sorted(costs.lines.items()))
        return {"lines": lines, "total": costs.total, "lost, doubtful": numbers}

    return added


CHARGED = ATTEMPTS | {
    "paid": (attempt(outcome=AttemptOutcome.SUCCEEDED, credits_used=Decimal(5)),),
    "paid twice": (
        attempt(outcome=AttemptOutcome.SUCCEEDED, credits_used=Decimal(5)),
        attempt(2, outcome=AttemptOutcome.SUCCEEDED, started_at=START, posts=3),
    ),
    "free": (attempt(outcome=AttemptOutcome.ACCEPTED, credits_reserved=None, posts=2),),
}
STORED = {
    "": {},
    "stored": {"storing_attempt": 1},
    "stored the second": {"storing_attempt": 2},
    "reused": {"reused": REUSED, "entered_at": START},
}
PERIODS = {
    "ever": {},
    "since": {"since": BEGAN},
    "after": {"since": BEGAN + SECOND},
    "until": {"until": BEGAN},
    "before": {"until": BEGAN - SECOND},
}


def _listed(world: World, wanted: Facts, after: Any) -> object:
    rows = (
        ("a.jpg", State.FAILED, Reason.TASK_FAILED, 0),
        ("shoes/b.jpg", State.FAILED, Reason.RESULT_LOST, 1),
        ("shoes/c.jpg", State.COMPLETED, None, 1),
        ("d.jpg", State.REVIEW, Reason.RESULT_EMPTY, 2),
    )
    for key, state, reason, minutes in rows:
        facts = {"state": state, "reason": reason, "updated_at": START + minutes * MINUTE}
        job_in(world, facts, key)
    world.jobs._write(next(iter(world.jobs.jobs.values())))  # noqa: SLF001 - the index sees them all
    cursor = None if after is None else Cursor(at=START + after[0] * MINUTE, job_id=after[1])
    looked_at: list[int] = []
    browse = ListJobs(records=world.jobs, on_read=looked_at.append)
    return lambda: {
        "jobs": [
            (job.source.key, str(Cursor.of(job)))
            for job in browse.jobs(JobFilter(**wanted), cursor)
        ],
        "looked at": looked_at,
    }


WANTED = {
    "all": {},
    "failed": {"states": (State.FAILED,)},
    "lost": {"reasons": frozenset({Reason.RESULT_LOST})},
    "shoes": {"prefix": "shoes/"},
    "late": {"since": START + MINUTE},
    "early": {"until": START + MINUTE},
    "between": {"since": START + SECOND, "until": START + MINUTE, "prefix": "shoes/"},
}
CURSORS = {
    "": None,
    "after the first minute": (1, ""),
    "after all of it": (1, "z"),
    "after the second": (2, "z"),
    "after the start": (0, "0"),
}


def _retry(
    world: World, state: Facts, attempts: Any, row: Facts, how: Facts, others: Any
) -> object:
    job = job_in(world, {**state, **row, "attempts": attempts})
    return lambda: world.operate.retry(job, **how, is_one_of_many=bool(others))


ENDED = {
    "": {},
    "with a lost result": {"reason": Reason.RESULT_LOST, "storing_attempt": 1},
    "fresh": {"bypass_cache": True, "transport": Transport.FILES},
}
TRIED = ATTEMPTS | {
    "asked": (attempt(outcome=AttemptOutcome.ACCEPTED, task_id="task-1", is_asked_again=True),),
    "closed": (attempt(outcome=AttemptOutcome.SUCCEEDED, task_id="task-1"),),
    "named and known": (
        attempt(outcome=AttemptOutcome.UNKNOWN, named_task="task-1"),
        attempt(2, outcome=AttemptOutcome.ACCEPTED, task_id="task-2"),
    ),
}
HOW = {
    "": {},
    "bought anew": {"bypass_cache": True},
    "through files": {"transport": Transport.FILES},
}


def _survey(world: World, listed: Facts, row: Any, head: Any, made: Any, now: Any) -> object:
    uploads, results = MemoryObjects("uploads"), MemoryObjects("results")
    known: dict[str, Any] = {"key": "a.jpg", "at": START, "version_id": "v1"}
    one = uploads.add(**(known | dict(listed)))
    source = one.source("uploads", "0B")
    if row is not None:
        job = job_in(world, {"id": source.job_id, "source": source, **row})
        world.jobs.jobs = {job.id: job}
    if head is not None:
        order, named = head
        world.jobs.heads[source.ref] = LatestVersion(
            source_ref=source.ref, order=order, job_id=source.job_id if named == "own" else named
        )
    else:
        world.jobs.heads.clear()
    if made is not None:
        results.add("a.png")
        results.metadata["a.png"] = {
            "cutout-job": source.job_id, SOURCE_ORDER: source.order, SOURCE_VERSION: "v1", **made
        }  # fmt: skip
    world.clock.advance(now)
    watch = UploadFilter(
        uploads_bucket="uploads", upload_prefix="", upload_suffixes=(".jpg", "/"),
        results_bucket="results", result_prefix="",
    )  # fmt: skip
    survey = Audit(
        uploads=uploads,
        results=results,
        records=world.jobs,
        clock=world.clock,
        rules=Rules(upload_filter=watch, max_bytes=1000, retention=90 * DAY),
    )
    return lambda: {
        found.finding.value: (found.reason, found.order, found.finding.is_trouble)
        for page in survey.look("")
        for found in page
    }


OBJECTS = {
    "a version": {},
    "no version": {"version_id": None},
    "empty": {"size": 0},
    "as large as may be": {"size": 1000},
    "too large": {"size": 1001},
    "of another kind": {"key": "a.txt"},
    "a folder": {"key": "a/"},
}
ROWS: dict[str, Any] = {"": None} | {
    state.value: {"state": state, "result": RESULT if state is State.COMPLETED else None}
    for state in (State.COMPLETED, State.FAILED, State.SUPERSEDED, State.PROCESSING)
}
OLDEST = {
    "": None,
    "own": ("0B", "own"),
    "of a newer one": ("0C", "newer"),
    "deleted": ("0D", None),
}
MADE: dict[str, Any] = {
    "": None,
    "made": {},
    "made of another": {SOURCE_VERSION: "v0", "cutout-job": "other"},
}
AGES = {
    "now": timedelta(0),
    "15 min": 15 * MINUTE,
    "90 days": 90 * DAY,
    "more": 90 * DAY + SECOND,
}
CASES = {
    "costs": Cases(
        {
            "state": STATES, "attempts": CHARGED, "row": STORED, "by": {by.value: by for by in By},
            "period": PERIODS,
        },
        _costs,
        67,
    ),
    "control": Cases(
        {
            "state": {it: STATES[it] for it in ("failed", "review", "rejected", "completed")},
            "attempts": TRIED, "row": ENDED, "how": HOW,
            "others": {"": False, "behind others": True},
        },
        _retry,
        7,
    ),
    "list_jobs": Cases({"wanted": WANTED, "after": CURSORS}, _listed, 1),
    "audit": Cases(
        {"listed": OBJECTS, "row": ROWS, "head": OLDEST, "made": MADE, "now": AGES}, _survey, 11
    ),
}  # fmt: skip
