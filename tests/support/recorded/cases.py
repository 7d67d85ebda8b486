"""Cases of one step each: a row as it may be, what happens, and what changes.

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

from cutout.domain.gate.gate import holder
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import LatestVersion, Photo
from cutout.domain.states import HOLDING, AttemptOutcome, State
from cutout.ports.jobs_table import TaskClaim
from tests.support.builders import a_shard, new_gate
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import World, png
from tests.support.recorded.changes import changes, gate_changed, line

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
        """Return a line for each case."""
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
            "bought": list(world.dedup_records.items.values()),
            "results": list(world.results.objects),
            "Submit": world.submissions.job_ids,
            "StoreResult": [*world.callbacks.checks, *world.callbacks.removals],
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
SEALED = new_gate(version=7).sealed(BEGAN)
"""The gate's item, once this version has written it."""
OF_AN_EARLIER_VERSION = new_gate(
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
    """Upload a photo whose job has these values; another holds a slot, others have ended."""
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
    if job.state in HOLDING and job.attempt is not None:
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
