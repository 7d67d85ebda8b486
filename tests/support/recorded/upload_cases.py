"""Cases of an upload that is registered, of what follows the end of a job, and of Sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import PauseReason, ShardChange
from cutout.domain.job.result import Result
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.buckets import NoteRevision, StoredResult
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.builders import holders
from tests.support.fakes.buckets import StoredNote
from tests.support.fakes.clock import START
from tests.support.fakes.world import World
from tests.support.recorded.cases import (
    ATTEMPTS,
    BEGAN,
    MINUTE,
    OF_AN_EARLIER_VERSION,
    SEALED,
    SECOND,
    STATES,
    Cases,
    Facts,
    job_in,
)
from tests.support.recorded.submit_cases import paused, spent_yesterday, with_gate

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
    arrive = replace(world.register_upload, upload_filter=WATCHED)
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
        if head[0] > job.source.order:
            world.uploads.add(job.source.key, b"newer")
    if note is not None:
        occasion = NoteRevision(order=job.source.order, version=4, at=job.updated_at)
        standing = StoredResult(etag="e", occasion=replace(occasion, **note), job_id="other")
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
}  # fmt: skip
