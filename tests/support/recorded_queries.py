"""Cases of what looks at uploads and rows from outside: events, Sweep, notes and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.gate.gate import Limits, PauseReason
from cutout.domain.gate.shards import ShardChange
from cutout.domain.job.result import Result
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.object_keys import SOURCE_ORDER, SOURCE_VERSION
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State, Transport
from cutout.operator.audit import Audit, Rules
from cutout.operator.costs import By, Costs, Period
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs
from cutout.ports.buckets import CurrentNote, NoteRevision
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.builders import holders
from tests.support.fakes.buckets import StoredNote
from tests.support.fakes.clock import START
from tests.support.fakes.listing import MemoryObjects
from tests.support.fakes.world import World
from tests.support.recorded_cases import (
    ATTEMPTS,
    BEGAN,
    MINUTE,
    OF_AN_EARLIER_VERSION,
    REUSED,
    SEALED,
    SECOND,
    STATES,
    Cases,
    Facts,
    attempt,
    job_in,
    paused,
    spent_yesterday,
    with_gate,
)

DAY = timedelta(days=1)
WATCHED = UploadFilter(
    uploads_bucket="uploads",
    upload_prefix="in/",
    upload_suffixes=(".JPG", ".png"),
    results_bucket="uploads",
    result_prefix="in/out/",
)


def _register(world: World, source: Facts, row: Any, head: Any, at: Any, act: str) -> object:
    event = Source(**(UPLOAD | dict(source)))
    job = job_in(world, {"state": State.PROCESSING}, "in/other.jpg")
    if row is not None:
        known = replace(event, **row)
        job = replace(job, id=known.job_id, source=known, created_at=START)
        world.jobs.jobs[job.id] = job
    if head is not None:
        order, named = head
        world.jobs.heads[event.ref] = LatestVersion(
            source_ref=event.ref,
            order=event.order if order is None else order.ljust(32, "0"),
            job_id={"row": job.id, "event": event.job_id}.get(named),
        )
    arrive = replace(world.arrive, upload_filter=WATCHED)
    acts: dict[str, Callable[[], object]] = {
        "created": lambda: _id(getattr(arrive.created(event, at=at), "job", None)),
        "deleted": lambda: arrive.deleted(event, at=at),
        "version deleted": lambda: arrive.version_deleted(event),
    }
    return acts[act]


def _id(job: Any) -> object:
    return {"job": job and job.id}


UPLOAD: dict[str, Any] = {
    "bucket": "uploads", "key": "in/a.jpg", "version_id": "v1", "etag": "e1",
    "sequencer": "00000000000000000B", "size": 9,
}  # fmt: skip
SOURCES = {
    "of a version": {},
    "without versions": {"version_id": None},
    "found": {"sequencer": "", "modified_at": START - 30 * MINUTE, "version_id": None},
    "of another kind": {"key": "in/a.txt"},
    "elsewhere": {"key": "a.jpg"},
    "of ours": {"key": "in/out/a.png"},
    "for review": {"key": "review/a.png"},
    "in another bucket": {"bucket": "others"},
}
KNOWN = {
    "": None,
    "known": {},
    "known from a listing": {"sequencer": "", "modified_at": START - 10 * MINUTE},
    "known from a later listing": {"sequencer": "", "modified_at": START},
    "known with other bytes": {"etag": "e2", "sequencer": ""},
    "known for an older one": {"sequencer": "00000000000000000A", "version_id": "v0"},
}
NAMED = {
    "": None,
    "older": ("00000000000000000A", "row"),
    "the same": (None, "event"),
    "of the row": (None, "row"),
    "a later deletion": ("00000000000000000C", "none"),
}
TIMES = {
    "at no time": None,
    "just now": START,
    "5 min ago": START - 5 * MINUTE,
    "a little less": START - 5 * MINUTE + SECOND,
    "15 min ago": START - 15 * MINUTE,
    "24 days ago": START - 24 * DAY,
    "a little later": START - 24 * DAY + SECOND,
}


def _follow(world: World, state: Facts, row: Facts, head: Any, note: Any) -> object:
    job = job_in(world, {"is_announced": True, **state, **row})
    if head is not None:
        world.jobs.heads[job.source.ref] = LatestVersion(
            source_ref=job.source.ref, order=head[0].ljust(32, "0"), job_id=head[1]
        )
    if note is not None:
        occasion = NoteRevision(order=job.source.order, version=4, at=job.updated_at)
        standing = CurrentNote(etag="e", occasion=replace(occasion, **note), job_id="other")
        if note.get("at") == START:
            standing = replace(standing, occasion=None)
        world.notes.stored["a.jpg.error.json"] = StoredNote(text="{}", note=standing)
    return lambda: world.job_writer.reapply_effects(job)


RESULT = Result(bucket="results", key="a.png", size=9, width=6, height=4, sha256="0f" * 32)
SETTLED = {
    "": {},
    "with a result": {"result": RESULT, "attempts": ATTEMPTS["known"]},
    "first of its key": {"is_first": True},
    "our own": {"reason": Reason.OWN_OUTPUT},
    "not announced": {"is_announced": False},
    "gone": {"reason": Reason.TASK_FAILED, "code": "code", "message": "text"},
}
HEADS = {
    "": None,
    "replaced": ("0000000000000000FF", "newer"),
    "deleted": ("0000000000000000FF", None),
    "deleted before": ("0", None),
}
NOTES = {
    "": None,
    "told before": {"version": 3},
    "told then": {},
    "told later": {"version": 9},
    "told of a newer one": {"order": "F"},
    "somebody's object": {"at": START},
}


def _sweep(world: World, state: Facts, attempts: Any, due: Any, gate: Any, waits: bool) -> object:  # noqa: FBT001 - one of the values
    job_in(world, {**state, "attempts": attempts, "due_at": START - due})
    if waits:
        row = {"state": State.QUEUED, "is_waiting": True, "due_at": None, "id": "waits"}
        job_in(world, row, "b.jpg")
    for job in world.jobs.jobs.values():
        world.jobs.look_at |= {job.id: job.due_at} if job.due_at else {}
    gate(world)
    return lambda: {"due": world.sweep.sweep(), "then": dict(world.jobs.look_at)}


DUE = {
    "due now": timedelta(0),
    "due for an hour": 60 * MINUTE,
    "due for a day": DAY,
    "not due": -SECOND,
}


def _leave_a_slot(world: World) -> None:
    (name,) = holders(1, BEGAN - 3 * DAY)
    world.jobs.change_shard(ShardChange(shard=0, takes=name))


LIMITED = Limits(max_in_flight=1, daily_credit_cap=Decimal(30))
GATES: dict[str, Callable[[World], object]] = {
    "open": with_gate(SEALED),
    "never written": with_gate(None),
    "held by a job that is gone": _leave_a_slot,
    "full": with_gate(replace(SEALED, limits=LIMITED)),
    "closed": with_gate(replace(SEALED, limits=replace(LIMITED, daily_credit_cap=Decimal(0)))),
    "paused": paused(PauseReason.KEY_REFUSED, MINUTE),
    "paused till now": paused(PauseReason.OPERATOR, 0 * MINUTE),
    "of yesterday": spent_yesterday,
    "of an earlier version": with_gate(OF_AN_EARLIER_VERSION),
}


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
    browse = ListJobs(records=world.jobs, tell=looked_at.append)
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
DELETING = {"reuse": True, "delete_with_source": True, "tag_sources": True}

CASES = {
    "register_upload": Cases(
        {
            "source": SOURCES, "row": KNOWN, "head": NAMED, "at": TIMES,
            "act": {it: it for it in ("created", "deleted", "version deleted")},
            "world": {"": DELETING},
        },
        _register,
        19,
    ),
    "settlement_effects": Cases(
        {
            "state": STATES, "row": SETTLED, "head": HEADS, "note": NOTES,
            "world": {"": DELETING, "plain": {}},
        },
        _follow,
        13,
    ),
    "sweep": Cases(
        {
            "state": STATES, "attempts": ATTEMPTS, "due": DUE, "gate": GATES,
            "waits": {"": False, "and one waits": True},
        },
        _sweep,
        131,
    ),
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
