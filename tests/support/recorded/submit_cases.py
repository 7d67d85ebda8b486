"""Cases of a job that is submitted, and of copies that Prepare made for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.gate.gate import Gate
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason, ShardChange
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.source import Prepared, Upright
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, Pixels, State, Transport
from cutout.ports.jobs_table import CallBody
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import answering
from tests.support.fakes.world import World
from tests.support.recorded.cases import (
    ATTEMPTS,
    BEGAN,
    MINUTE,
    OF_AN_EARLIER_VERSION,
    PHOTO,
    SEALED,
    SECOND,
    SHA256,
    Cases,
    Facts,
    job_in,
)


def _advance(world: World, row: Facts, attempts: Any, gate: Any, head: Any, trouble: Any) -> object:
    job = job_in(world, {**row, "attempts": attempts})
    keep_bodies(world, job)
    gate(world)
    head(world, job)
    trouble(world)
    return lambda: world.advance(job)


def keep_bodies(world: World, job: Job) -> None:
    """Store a body of each attempt's call."""
    text = '{"image_urls": ["u"], "callback_url": "c"}'
    for name in [one.body_name for one in job.attempts if one.body_name is not None]:
        world.jobs.bodies[job.id, name] = CallBody(name=name, text=text, expires_at=START)


def paused(reason: PauseReason, until: timedelta | None) -> Callable[[World], object]:
    """Let the gate be paused since a while ago."""
    end = None if until is None else START + until
    pause = Pause(reason=reason, since=BEGAN, until=end)
    return with_gate(replace(SEALED, pause=pause))


def with_gate(gate: Gate | None) -> Callable[[World], object]:
    """Put this item of the gate into the table."""
    return lambda world: setattr(world.jobs, "gate", gate)


def spent_yesterday(world: World) -> None:
    """Let so much be spent yesterday that today would be over the cap."""
    charges = {(START - timedelta(days=1)).date(): Decimal(4999)}
    world.jobs.change_shard(ShardChange(shard=0, charges=charges))


QUEUED = {"state": State.QUEUED}
TURNED = replace(PHOTO, orientation=6)
COPY = Prepared(key="copy", format="jpeg", size=9, width=600, height=400, made_at=BEGAN)
ADVANCED = {
    "new": {**QUEUED, "photo": None, "result_key": None},
    "looked at": QUEUED,
    "turned": {**QUEUED, "photo": TURNED, "read_sha256": SHA256},
    "with a copy": {**QUEUED, "photo": TURNED, "prepared": COPY},
    "with an old copy": {
        **QUEUED, "photo": TURNED,
        "prepared": replace(COPY, made_at=START - timedelta(hours=20)),
    },
    "waiting": {**QUEUED, "is_waiting": True, "reason": Reason.GATE_FULL, "due_at": None},
    "waiting for a pause": {
        **QUEUED, "is_waiting": True, "reason": Reason.GATE_PAUSED, "due_at": None
    },
    "backing off": {**QUEUED, "reason": Reason.BACKING_OFF, "due_at": START + SECOND},
    "backed off": {**QUEUED, "reason": Reason.BACKING_OFF, "handovers_failed": 40},
    "found damaged": {**QUEUED, "reason": Reason.DAMAGED_PHOTO, "message": "text"},
    "found gone": {**QUEUED, "reason": Reason.SOURCE_DELETED},
    "prepared too often": {
        **QUEUED, "photo": TURNED, "preparations": 10, "reason": Reason.PREPARING
    },
    "prepared once": {**QUEUED, "photo": TURNED, "preparations": 6, "reason": Reason.PREPARING},
    "through files": {**QUEUED, "transport": Transport.FILES, "handovers_failed": 2},
    "submitting": {"state": State.SUBMITTING},
    "submitting, not due": {"state": State.SUBMITTING, "due_at": START + SECOND},
    "unconfirmed": {"state": State.UNCONFIRMED, "message": "text"},
    "unconfirmed, not due": {"state": State.UNCONFIRMED, "due_at": START + SECOND},
    "processing": {"state": State.PROCESSING},
    "failed": {"state": State.FAILED, "reason": Reason.TASK_FAILED, "is_announced": True},
}  # fmt: skip
GATES: dict[str, Callable[[World], object]] = {
    "open": with_gate(SEALED),
    "full": lambda world: world.occupy(3),
    "spent": lambda world: world.occupy(1, spent=4979),
    "spent yesterday": spent_yesterday,
    "dear": with_gate(replace(SEALED, price=Decimal(9999))),
    "of an earlier version": with_gate(OF_AN_EARLIER_VERSION),
    "paused": paused(PauseReason.OPERATOR, None),
    "paused for a minute": paused(PauseReason.RATE_LIMITED, MINUTE),
    "paused for an hour": paused(PauseReason.OUT_OF_CREDITS, 60 * MINUTE),
    "paused till now": paused(PauseReason.OUT_OF_CREDITS, timedelta(0)),
}
HEADS: dict[str, Callable[[World, Job], object]] = {
    "": lambda _world, _job: None,
    "replaced": lambda world, job: job_in(world, {"state": State.PROCESSING}, job.source.key),
    "behind another": lambda world, _job: job_in(
        world, {**QUEUED, "is_waiting": True, "due_at": None, "id": "other"}, "b.jpg"
    ),
}
TROUBLES: dict[str, Callable[[World], object]] = {
    "": lambda _world: None,
    "not sent": lambda world: world.evolink.create_faults.append(
        answering(NotSent(message="ConnectError"))
    ),
    "refused": lambda world: world.evolink.create_faults.append(
        answering(refusal(status=402, code="insufficient_quota", message="text"))
    ),
    "not ready": lambda world: setattr(
        world.evolink, "unready", refusal(status=401, code="unauthorized", message="text")
    ),
    "files not sent": lambda world: world.files.answers.append(NotSent(message="ConnectError")),
    "files refused": lambda world: world.files.answers.append(
        refusal(status=422, code="invalid_request", message="text")
    ),
    "gone": lambda world: world.uploads.versions.clear(),
}


def _report(world: World, row: Facts, report: Facts) -> object:
    photo = row.get("photo", PHOTO)
    waiting = {
        **QUEUED, "reason": Reason.PREPARING, "preparations": 1, "photo": photo,
        "history": (HistoryEntry(state=State.QUEUED, at=BEGAN, reason=Reason.PREPARING),),
    }  # fmt: skip
    job = job_in(world, waiting | dict(row))
    known: dict[str, Any] = {
        "job_id": job.id,
        "ask": int(BEGAN.timestamp() * 1000),
        "version": job.source.version_id,
        "photo": PHOTO,
        "copies": (MODEL_COPY,),
    }
    told = PrepareReport(**(known | dict(report)))
    return lambda: world.submit.copy_requests.accept(told)


MODEL_COPY = MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=9, width=600, height=400)
WHOLE_COPY = MadeCopy(kind=CopyKind.FULL_SIZE, format="png", size=9, width=600, height=400)
REPORTED = {
    "never read": {"photo": None},
    "read": {"photo": None, "read_sha256": SHA256, "failures": 3},
    "other bytes": {"photo": None, "read_sha256": "0f" * 32},
    "looked at": {"lane": Lane.BACKFILL, "bypass_cache": True},
    "looked at otherwise": {"photo": replace(PHOTO, sha256="0f" * 32)},
    "transparent": {"photo": replace(PHOTO, has_alpha=True, orientation=6)},
    "turned": {"photo": TURNED, "upright": Upright(made_at=BEGAN)},
    "with a copy": {"photo": TURNED, "prepared": COPY},
    "not asked": {"reason": Reason.BACKING_OFF},
}
REPORTS = {
    "well": {},
    "transparent": {
        "photo": replace(PHOTO, has_alpha=True),
        "copies": (MODEL_COPY, WHOLE_COPY),
        "bypass_cache": True,
    },
    "both copies": {"copies": (MODEL_COPY, WHOLE_COPY), "is_backfill": True},
    "whole copy": {"copies": (WHOLE_COPY,), "bypass_cache": True},
    "no whole copy": {"problem": "text"},
    "no copy at all": {"copies": (), "problem": "text"},
    "damaged": {
        "photo": None,
        "copies": (),
        "reason": Reason.DAMAGED_PHOTO,
        "message": "text",
        "bypass_cache": True,
        "is_backfill": True,
    },
    "of another version": {"version": "v9"},
    "of another wish": {"ask": 1},
    "not possible": {"photo": replace(PHOTO, width=0)},
}
CASES = {
    "submit_job": Cases(
        {
            "row": ADVANCED, "attempts": ATTEMPTS, "gate": GATES, "head": HEADS,
            "trouble": TROUBLES,
            "world": {"": {}, "own pixels": {"pixels": Pixels.SOURCE, "reuse": True}},
        },
        _advance,
        401,
    ),
    "copy_requests": Cases(
        {
            "row": REPORTED, "report": REPORTS,
            "world": {"": {}, "own pixels": {"pixels": Pixels.SOURCE}},
        },
        _report,
        1,
    ),
}  # fmt: skip
