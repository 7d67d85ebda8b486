"""Jobs, the gate and task claims as items of the table, and the conditions of their writes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime

from cutout.adapters.dynamodb.item_table import Item, Put
from cutout.adapters.dynamodb.row_reader import understood
from cutout.domain.gate import Gate
from cutout.domain.job.job import Job
from cutout.domain.job.stored_limits import bounded
from cutout.domain.serialization import from_row, to_row
from cutout.domain.states import Lane
from cutout.ports.jobs_table import CallBody, NewerRow, TaskClaim

GATE = "gate"
DUE = ("due_shard", "due")
HOLDING = ("lane", "holding")
SAME_VERSION = "#version = :version"
_NEW_OR_SAME_VERSION = f"attribute_not_exists(pk) OR {SAME_VERSION}"


def newer_in(item: Item) -> NewerRow:
    """Read the id, due time and version of a row that a newer release wrote.

    The due time is the job's own if it can be read, since `postpone` moves the one beside it.
    """
    due_at = datetime.fromtimestamp(int(item["due_at"]) / 1000, UTC)
    with suppress(KeyError, TypeError, ValueError):
        due_at = datetime.fromisoformat(item["job"]["due_at"])
    return NewerRow(
        job_id=item["pk"].removeprefix("job#"), due_at=due_at, version=int(item["version"])
    )


def job_item(job: Job) -> Item:
    """The job's item: the job itself under `job`, beside it what indexes and conditions need.

    `due_at` beside the job is when Sweep looks; `postpone` moves it and leaves the job's own alone,
    so that a worker that Sweep woke still finds the job due.
    """
    item: Item = {
        "pk": f"job#{job.id}",
        "version": job.version,
        "state": job.state.value,
        "source_ref": job.source.ref,
        "sequencer": job.source.order,
        "updated_at": milliseconds(job.updated_at),
        "job": to_row(job),
    }
    if job.due_at is not None:
        item |= {DUE[0]: DUE[1], "due_at": milliseconds(job.due_at)}
    if job.is_waiting:
        item |= {"lane": waiting_lane(job.lane), "lane_at": milliseconds(job.waiting_since)}
    elif job.state.holds_slot:
        item |= {"lane": HOLDING[1], "lane_at": milliseconds(job.updated_at)}
    if job.expires_at is not None:
        item["expires_at"] = int(job.expires_at.timestamp())
    return item


def gate_put(gate: Gate) -> Put:
    """The write of the gate, on condition that it has not been written since it was read."""
    changed = bounded(replace(gate, version=gate.version + 1))
    row = to_row(changed)
    del row["newer"]
    return Put(
        item={"pk": GATE, "version": changed.version, "gate": changed.newer | row},
        condition=SAME_VERSION if gate.version else _NEW_OR_SAME_VERSION,
        values={":version": gate.version},
    )


def task_put(claim: TaskClaim) -> Put:
    """The write of a claim: the task is free, the attempt's own, or less certainly claimed."""
    owner = f"{claim.job_id}.{claim.attempt}"
    condition = "attribute_not_exists(pk) OR owner_ref = :owner"
    values: Item = {":owner": owner}
    if claim.is_certain:
        condition += " OR is_certain = :no"
        values[":no"] = False
    return Put(
        item={
            "pk": f"task#{claim.task_id}",
            "owner_ref": owner,
            "is_certain": claim.is_certain,
            "expires_at": int(claim.expires_at.timestamp()),
        },
        condition=condition,
        values=values,
    )


def body_put(job_id: str, body: CallBody, table: str) -> Put:
    """The write of a call's body, in the table of its own."""
    return Put(
        item={
            "pk": body_key(job_id, body.attempt),
            "body": body.text,
            "expires_at": int(body.expires_at.timestamp()),
        },
        table=table,
    )


def body_key(job_id: str, attempt: int) -> str:
    """The key of a call's body."""
    return f"{job_id}.{attempt}"


def gate_in(item: Item | None) -> Gate:
    """The gate; a new one if there is none. Fields of a newer version are kept with it.

    Raises:
        NewerRowError: what this version needs of it is written in a way that it cannot read.
    """
    if item is None:
        return Gate()
    row = item["gate"]
    known = {field.name for field in fields(Gate)}
    newer = {name: value for name, value in row.items() if name not in known}
    with understood("the gate's item"):
        return replace(from_row(Gate, row), newer=newer)


def waiting_lane(lane: Lane) -> str:
    """The partition of the index `lane` that holds the waiting jobs."""
    return f"waiting#{lane}"


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, by which indexes sort."""
    return int(at.timestamp() * 1000)
