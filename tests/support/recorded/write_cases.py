"""Cases of one payment for equal pictures, of writes, and of steps that fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cutout.domain.errors import SourceDeniedError, StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept, Reuse
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, State
from cutout.usecases.shared.step_failures import Step
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import World, png
from tests.support.recorded.cases import (
    ATTEMPTS,
    MINUTE,
    SECOND,
    SHA256,
    STATES,
    Cases,
    Facts,
    attempt,
    job_in,
)
from tests.support.recorded.submit_cases import QUEUED, keep_bodies


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
        world.dedup_records.items[item.picture] = item = replace(item, **changed)
    purchases = world.job_writer.deduplication
    assert purchases is not None
    acts: dict[str, Callable[[], object]] = {
        "turn": lambda: purchases.decide(job, purchases.find(job)),
        "waits": lambda: purchases.wait(job, item),
        "settled": lambda: purchases.job_settled(job),
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
    keep_bodies(world, job)
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
    "deduplication": Cases(
        {
            "row": TURNS, "standing": STANDING, "holder": HOLDERS,
            "act": {
                it: it
                for it in ("turn", "waits", "settled", "kept", "kept of", "lost")
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
