"""Many cases of one step each: a row as it may be, what happens, and what changes.

The cases are taken from all combinations at an even distance: every value meets many others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from itertools import islice, product
from typing import Any

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import ResponseLostError, SourceDeniedError, StoreBusyError
from cutout.domain.gate.gate import Gate, Pause, PauseReason
from cutout.domain.gate.shards import ShardChange, holder
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.result import DedupRecord, Kept, Reuse
from cutout.domain.job.source import LatestVersion, Photo, Prepared, Upright
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider_outcomes import Accepted, NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, Pixels, State, Transport
from cutout.ports.jobs_table import CallBody, TaskClaim
from cutout.usecases.shared.step_failures import Step
from tests.support.builders import a_shard
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE, answering
from tests.support.fakes.world import TIMING, World, png
from tests.support.recorded_lives import changes, gate_changed, line

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Cases:
    """One step of one use case.

    Attributes:
        values: for each thing that may differ, its values by name.
        run: does it in a world, with one value of each.
        every: one combination in so many is a case.
    """

    values: dict[str, dict[str, Any]]
    run: Callable[..., object]
    every: int

    def told(self) -> Iterator[str]:
        """A line for each case."""
        for names in islice(product(*self.values.values()), 0, None, self.every):
            chosen = zip(self.values.items(), names, strict=True)
            facts = {what: values[name] for (what, values), name in chosen}
            world = World(**facts.pop("world", {}))
            yield line(
                ", ".join(filter(None, names)), effects(world, partial(self.run, world, **facts))
            )


def effects(world: World, prepare: Callable[[], Any]) -> dict[str, object]:
    """All that a step changes, and what it raises.

    Args:
        world: where it happens.
        prepare: makes the rows; returns the step.
    """
    step = prepare()
    rows, gate, heads = dict(world.jobs.jobs), world.jobs.read_gate(), dict(world.jobs.heads)
    posts = len(world.evolink.posts)
    world.telemetry.counts.clear()
    told: dict[str, object] = {}
    try:
        told["answers"] = step()
    except Exception as exc:  # noqa: BLE001 - whatever it raises is recorded
        told["raises"] = type(exc).__name__
    if isinstance(told.get("answers"), Job):
        told["answers"] = told["answers"].state  # type: ignore[attr-defined]
    elif not isinstance(told.get("answers"), bool | dict | Kept | Enum | DedupRecord):
        told.pop("answers", None)
    for job in world.jobs.jobs.values():
        if job is not rows.get(job.id):
            told[f"{job.source.key} {job.source.version_id}"] = changes(rows.get(job.id), job)
    return told | {
        name: it
        for name, it in {
            "gate": gate_changed(gate, world.jobs.read_gate()),
            "claims": [
                (task, one.attempt, one.is_certain)
                for task, one in world.jobs.tasks.items()
                if one.job_id in world.jobs.jobs
            ],
            "heads": {
                ref: (head.order[:18], head.job_id is None)
                for ref, head in world.jobs.heads.items()
                if head != heads.get(ref)
            },
            "bodies": [
                name if name.startswith(_KNOWN_BODY) else "new" for _job, name in world.jobs.bodies
            ],
            "posts": len(world.evolink.posts) - posts,
            "files": [*world.files.copies, *world.files.deleted],
            "announced": [job.state for job in world.announcements.jobs],
            "bought": list(world.bought.items.values()),
            "results": list(world.results.objects),
            "Submit": world.submissions.job_ids,
            "StoreResult": [*world.callbacks.wakes, *world.callbacks.removals],
            "Prepare": [(one.wanted, one.ask) for one in world.preparations.requests],
            "notes": [(key, one.note.job_id) for key, one in world.notes.stored.items()],
            "tags": [
                dict(it.labels.tags) for it in world.uploads.versions.values() if it.labels.tags
            ],
            "metrics": {name: it for name, it in world.telemetry.counts.items() if it},
        }.items()
        if it
    }


UPLOADED = png()
SHA256 = "7ca7430eae8451efb5db0b77be64c3dbc2d97da9b3186f7d99ea9f9a70559fa5"
PHOTO = Photo(format="png", width=600, height=400, sha256=SHA256)
BEGAN = START - 20 * MINUTE


_KNOWN_BODY = "body-"
SEALED = Gate(version=7).sealed(BEGAN)
"""The gate's item, once this version has written it."""
OF_AN_EARLIER_VERSION = Gate(
    version=7, carried_in_flight=1, carried_day=START.date(), carried_spent=Decimal(20)
)


def attempt(number: int = 1, **facts: Any) -> Attempt:
    """An attempt that was begun with the job."""
    known: dict[str, Any] = {
        "idempotency_key": f"key-{number}",
        "started_at": BEGAN,
        "credits_reserved": PRICE,
        "body_name": f"{_KNOWN_BODY}{number}",
        "shard": 0,
    }
    return Attempt(number=number, **(known | facts))


def job_in(world: World, facts: Facts, key: str = "a.jpg", data: bytes = UPLOADED) -> Job:
    """A photo whose row says this; another one holds a slot, and others came and went before."""
    source = world.uploads.add(key, data)
    job = Job.begin(source, now=BEGAN, due_at=START)
    known: dict[str, Any] = {"photo": PHOTO, "result_key": "a.png", "version": 5}
    job = replace(job, **(known | dict(facts)))
    world.jobs.jobs[job.id] = job
    world.jobs.heads[source.ref] = LatestVersion(
        source_ref=source.ref, order=source.order, job_id=job.id
    )
    world.jobs.gate = world.jobs.gate or SEALED
    shard = world.jobs.shards.get(0, a_shard(1, spent=20, at=START))
    if job.state.holds_slot and job.attempt is not None:
        name = holder(job.id, job.attempt.number, job.attempt.started_at)
        shard = replace(shard, holders=shard.holders | {name})
    world.jobs.shards[0] = shard
    for one in job.attempts:
        if one.task_id is not None:
            world.jobs.tasks[one.task_id] = TaskClaim(
                task_id=one.task_id,
                job_id=job.id,
                attempt=one.number,
                is_certain=not one.is_adopted,
                expires_at=START,
            )
    return job


STATES = {state.value: {"state": state} for state in State}
ATTEMPTS: dict[str, tuple[Attempt, ...]] = {
    "open": (attempt(),),
    "unknown": (attempt(outcome=AttemptOutcome.UNKNOWN),),
    "known": (attempt(outcome=AttemptOutcome.ACCEPTED, task_id="task-1"),),
    "adopted": (attempt(outcome=AttemptOutcome.ACCEPTED, task_id="task-1", is_adopted=True),),
    "adopted and failed": (
        attempt(outcome=AttemptOutcome.FAILED, task_id="task-1", is_adopted=True),
    ),
    "taken": (attempt(outcome=AttemptOutcome.UNKNOWN, is_taken=True),),
    "named": (attempt(outcome=AttemptOutcome.UNKNOWN, named_task="task-1"),),
    "repeated": (attempt(outcome=AttemptOutcome.UNKNOWN, posts=2, repeat_day=START.date()),),
    "handed over": (attempt(file_id="file-1"),),
    "not found": (
        attempt(
            outcome=AttemptOutcome.ACCEPTED,
            task_id="task-1",
            not_found_since=START - 10 * MINUTE,
        ),
    ),
    "just not found": (
        attempt(
            outcome=AttemptOutcome.ACCEPTED,
            task_id="task-1",
            not_found_since=START - 10 * MINUTE + SECOND,
        ),
    ),
    "before another": (
        attempt(outcome=AttemptOutcome.UNKNOWN),
        attempt(2, outcome=AttemptOutcome.ACCEPTED, task_id="task-2"),
    ),
    "after a failed one": (
        attempt(2, outcome=AttemptOutcome.FAILED, credits_used=Decimal(0)),
        attempt(),
    ),
    "adopted and repeated": (
        attempt(outcome=AttemptOutcome.ACCEPTED, task_id="task-1", is_adopted=True, posts=2),
    ),
    "refused": (attempt(outcome=AttemptOutcome.REFUSED),),
    "of no price": (attempt(credits_reserved=None),),
    "of an earlier version": (attempt(body_name=None, shard=None),),
    "young": (attempt(outcome=AttemptOutcome.UNKNOWN, started_at=START - MINUTE),),
    "none": (),
}


def _outcome(world: World, state: Facts, attempts: Any, at: Facts, outcome: Any) -> object:
    job = job_in(world, {**state, **at, "attempts": attempts})
    return lambda: world.submit.call_outcomes.record(job, 1, outcome)


OUTCOMES = {
    "accepted": Accepted(task_id="task-1", credits_reserved=Decimal(6)),
    "accepted as a replay": Accepted(task_id="task-1", credits_reserved=PRICE, is_replay=True),
    "accepted for no price": Accepted(task_id="task-9", credits_reserved=None),
    **{
        f"refused {status} {code}": refusal(status=status, code=code, message="text")
        for status, code in (
            (422, "invalid_request"), (402, "insufficient_quota"), (401, "unauthorized"),
            (409, "conflict"), (400, "invalid_media_url"),
        )
    },
    "refused for a while": refusal(status=429, code="x", message="m", retry_after_seconds=90),
    "not sent": NotSent(message="ConnectError"),
    "unknown": OutcomeUnknown(message="ReadTimeout"),
}  # fmt: skip
TRYING = {
    "": {},
    "tried till the deadline": {"trying_since": START - TIMING.job_deadline},
    "tried nearly as long": {"trying_since": START - TIMING.job_deadline + SECOND},
    "by a link": {"transport": Transport.PRESIGNED, "due_at": START + 2 * MINUTE},
    "due late": {"due_at": START + 60 * MINUTE, "tries": 3},
}


def _check(
    world: World, state: Facts, attempts: Any, row: Facts, answer: Any, check: Facts
) -> object:
    job = job_in(world, {**state, **row, "attempts": attempts})
    answer(world)
    return lambda: world.follow.check(TaskCheck(job_id=job.id, **check))


def _task(world: World, **facts: Any) -> None:
    for name in ("task-1", "task-2"):
        world.evolink.take('{"image_urls": ["u"], "callback_url": "c"}', name)
        task = world.evolink.tasks.popitem()[1]
        world.evolink.tasks[name] = replace(task, id=name)
        if facts.get("fails"):
            world.evolink.fail(name, facts["fails"], "text")
        elif "result" in facts:
            world.evolink.complete(name, facts["result"])


def _taken_by_another(world: World) -> None:
    _task(world)
    world.jobs.tasks["task-1"] = TaskClaim(
        task_id="task-1", job_id="another", attempt=1, is_certain=True, expires_at=START
    )


def _busy(world: World) -> None:
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")


ANSWERS = {
    "running": _task,
    "completed": partial(_task, result=b"png 600 400 0 255"),
    "opaque": partial(_task, result=b"png 600 400 255 255"),
    "failed": partial(_task, fails="service_error"),
    "failed to read": partial(_task, fails="image_processing_error"),
    "failed for good": partial(_task, fails="content_policy_violation"),
    "another's": _taken_by_another,
    "not known": lambda _world: None,
    "not to be read": _busy,
}
ROWS = {
    "": {},
    "not due": {"due_at": START + SECOND},
    "asking": {"reason": Reason.RETRIED_BY_PERSON, "storing_attempt": 1, "failures": 2},
    "long": {"entered_at": START - TIMING.job_deadline, "message": "text"},
    "nearly as long": {"entered_at": START - TIMING.job_deadline + SECOND, "tries": 2},
    "announced": {"is_announced": True, "due_at": None},
    "storing the second": {"storing_attempt": 2, "cut_short": 1},
}
CHECKS = {
    "polled": {"attempt": 1, "is_poll": True},
    "called back": {"attempt": 1, "is_taken": True, "task_id": "task-1"},
    "called back without a name": {"attempt": 1, "is_taken": True},
    "told": {"attempt": 1, "task_id": "task-1"},
    "about the second": {"attempt": 2, "is_taken": True},
}


def _advance(world: World, row: Facts, attempts: Any, gate: Any, head: Any, trouble: Any) -> object:
    job = job_in(world, {**row, "attempts": attempts})
    _keep_bodies(world, job)
    gate(world)
    head(world, job)
    trouble(world)
    return lambda: world.advance(job)


def _keep_bodies(world: World, job: Job) -> None:
    text = '{"image_urls": ["u"], "callback_url": "c"}'
    for name in [one.body_name for one in job.attempts if one.body_name is not None]:
        world.jobs.bodies[job.id, name] = CallBody(name=name, text=text, expires_at=START)


def paused(reason: PauseReason, until: timedelta | None) -> Callable[[World], object]:
    """Have the gate be paused since a while ago."""
    end = None if until is None else START + until
    pause = Pause(reason=reason, since=BEGAN, until=end)
    return with_gate(replace(SEALED, pause=pause))


def with_gate(gate: Gate | None) -> Callable[[World], object]:
    """Have the table hold this item of the gate."""
    return lambda world: setattr(world.jobs, "gate", gate)


def spent_yesterday(world: World) -> None:
    """Have so much been spent yesterday that today would be over the cap."""
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


def _turn(world: World, row: Facts, standing: Any, holder: Any, act: str) -> object:
    job = job_in(world, {**QUEUED, **row})
    if holder is not None:
        key, row_of_holder = holder
        other = replace(job_in(world, row_of_holder, key, png(salt=1)), id="holder")
        world.jobs.jobs[other.id] = other
        if other.state is State.STORING:
            world.jobs.newer[other.id] = START
    item = DedupRecord(picture=f"{SHA256}#mj-v7-remove-bg", owner="holder", version=3)
    if standing is not None:
        names = {"own": job.id}
        changed = {name: names.get(str(it), it) for name, it in standing.items()}
        world.bought.items[item.picture] = item = replace(item, **changed)
    purchases = world.job_writer.deduplication
    assert purchases is not None
    acts: dict[str, Callable[[], object]] = {
        "turn": lambda: purchases.decide(job, purchases.find(job)),
        "waits": lambda: purchases.wait(job, item),
        "settled": lambda: purchases.job_settled(job),
        "may keep": lambda: purchases.may_cache(job),
        "kept": lambda: purchases.cache(job, KEPT),
        "kept of": lambda: purchases.kept_result_of(job),
        "lost": lambda: purchases.forget_lost(job),
    }

    return acts[act]


KEPT = Kept(key="kept", sha256="k" * 64, job_id="holder", task_id="task-1", credits=PRICE)
REUSED = Reuse(job_id="holder", key="kept", sha256="k" * 64, task_id="task-1", credits_saved=PRICE)
TURNS = {
    "new": {},
    "tried before": {"attempts": (attempt(outcome=AttemptOutcome.FAILED),)},
    "fresh": {"bypass_cache": True},
    "in the backfill": {"lane": Lane.BACKFILL},
    "never read": {"photo": None},
    "reviewed": {"state": State.REVIEW},
    "reused": {"reused": REUSED},
    "reused another": {"reused": replace(REUSED, sha256="other")},
}
STANDING = {
    "unknown": None,
    "another's": {},
    "own": {"owner": "own"},
    "kept": {"kept": KEPT},
    "kept for it": {"kept": replace(KEPT, job_id="x"), "owner": "own"},
    "kept in doubt": {"kept": replace(KEPT, is_doubted=True), "waiting": ("x",)},
    "waited for": {"waiting": ("x", "own")},
    "waited for by many": {"waiting": tuple(map(str, range(50)))},
    "waited for by nearly as many": {"waiting": tuple(map(str, range(49)))},
}
HOLDERS = {
    "that is gone": None,
    "that waits": ("b.jpg", {**QUEUED, "lane": Lane.BACKFILL}),
    "that is live": ("b.jpg", QUEUED),
    "of the same key": ("a.jpg", QUEUED),
    "that has called": ("b.jpg", {"state": State.PROCESSING, "lane": Lane.BACKFILL}),
    "that is done": ("b.jpg", {"state": State.COMPLETED}),
    "of a newer version": ("b.jpg", {"state": State.STORING}),
}


def _step(world: World, state: Facts, row: Facts, error: Any, of: Any) -> object:
    job = job_in(world, {**state, **row, "attempts": ATTEMPTS["known"]})
    failures = replace(world.submit.failures, states=of)

    def fails() -> Job:
        raise error

    def take() -> Step:
        with failures.guard(job) as step:
            step.job = fails()
        return step

    return take


def _write(world: World, state: Facts, attempts: Any, to: Facts, then: Any, row: Facts) -> object:
    job = job_in(world, {**state, **row, "attempts": attempts})
    _keep_bodies(world, job)
    job_in(world, {**QUEUED, "is_waiting": True, "due_at": None}, "b.jpg")
    job_in(world, {**QUEUED, "is_waiting": True, "due_at": None}, "c.jpg")
    job_in(world, {**QUEUED, "is_waiting": True, "due_at": None}, "d.jpg")
    after = replace(job, attempts=then, updated_at=START, **to)
    return lambda: world.job_writer.record(job, after)


WRITTEN = {
    "": {},
    "storing the first": {"storing_attempt": 1},
    "after failures": {"failures": 5},
    "after fewer": {"failures": 4},
    "reused": {"reused": REUSED, "entered_at": START - MINUTE},
    "announced": {"is_announced": True},
}
ENDED = {
    "closed": (attempt(outcome=AttemptOutcome.FAILED, file_id="file-1", task_id="task-1"),),
    "of no use": (attempt(outcome=AttemptOutcome.REFUSED, file_id="file-1"),),
}
FAILED_BEFORE = {
    "for the first time": {},
    "for the seventh time": {"failures": 6, "cut_short": 2},
    "for the eighth time": {"failures": 7, "storing_attempt": 1, "cut_short": 1},
    "for the ninth time": {"failures": 8, "is_announced": True},
    "not due": {"due_at": START + SECOND, "reason": Reason.BACKING_OFF},
}
ERRORS = {
    "it is broken": RuntimeError("broken"),
    "it is denied": SourceDeniedError("AccessDenied"),
    "the table is busy": StoreBusyError("throttled"),
}
FUNCTIONS = {
    "Submit": frozenset({State.QUEUED, State.SUBMITTING, State.UNCONFIRMED}),
    "StoreResult": frozenset({State.PROCESSING, State.STORING, State.UNCONFIRMED}),
}

CASES = {
    "call_outcome": Cases(
        {"state": STATES, "attempts": ATTEMPTS, "at": TRYING, "outcome": OUTCOMES}, _outcome, 29
    ),
    "track_task": Cases(
        {
            "state": STATES, "attempts": ATTEMPTS, "row": ROWS, "answer": ANSWERS,
            "check": CHECKS, "world": {"": {}, "reuse": {"reuse": True}},
        },
        _check,
        241,
    ),
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
    "deduplication": Cases(
        {
            "row": TURNS, "standing": STANDING, "holder": HOLDERS,
            "act": {
                it: it
                for it in ("turn", "waits", "settled", "may keep", "kept", "kept of", "lost")
            },
            "world": {"": {"reuse": True}},
        },
        _turn,
        11,
    ),
    "job_writer": Cases(
        {
            "state": STATES, "attempts": ATTEMPTS,
            "to": {f"to {it}": row for it, row in STATES.items()},
            "then": {f"with {it}": row for it, row in (ATTEMPTS | ENDED).items()}, "row": WRITTEN,
        },
        _write,
        1039,
    ),
    "step_failures": Cases(
        {"state": STATES, "row": FAILED_BEFORE, "error": ERRORS, "of": FUNCTIONS}, _step, 3
    ),
}  # fmt: skip
