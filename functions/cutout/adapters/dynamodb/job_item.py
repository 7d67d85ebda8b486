"""Each job as one small item of the jobs table, whatever its fields are.

A write unit is 1 KB, and each move writes the whole job. So an item holds nothing twice, and no
defaults: with usual names, it stays below 1 KB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cutout.adapters.dynamodb.item_table import Item, Table
from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job
from cutout.domain.serialization import from_row, to_small_row
from cutout.domain.states import HOLDING, Lane

DUE = ("due_shard", "due")
WAITING = ("lane", "waiting")
MOVING = "moving"
"""The partition of the index `state` that holds every job that has not ended."""
BEHIND_LIVE = 10**15
"""Added to `lane_at` of jobs of low priority, so that they come after all others."""
LATEST = 2 * BEHIND_LIVE
"""In milliseconds, later than any time, whatever the lane."""
_BESIDE = frozenset({"id", "version", "state", "look_at", "expires_at"})
"""Fields of a job that are stored beside its row."""


def job_item(job: Job) -> Item:
    """The job's item: the job itself under `row`, beside it what indexes and conditions need.

    Earlier versions look under `job` and leave alone what is not there: they do not know the slot
    that the job holds. `due_at` beside the row is when Sweep looks, `due_at` in it when the job is
    due.
    """
    item: Item = {
        "pk": f"job#{job.id}",
        "version": job.version,
        "source_ref": job.source.ref,
        "sequencer": job.source.order,
        "row": _shrunk(job),
    }
    # The index `state` shows jobs that move by when they began, which their moves do not change.
    if job.state.is_settled:
        item |= {"state": job.state.value, "updated_at": milliseconds(job.updated_at)}
    else:
        item |= {"state": MOVING, "phase": job.state.value}
        item["updated_at"] = milliseconds(job.created_at)
    if job.due_at is not None:
        item |= {DUE[0]: DUE[1], "due_at": milliseconds(job.look_at or job.due_at)}
    if job.is_waiting:
        behind = BEHIND_LIVE if job.lane is Lane.BACKFILL else 0
        item |= {WAITING[0]: WAITING[1], "lane_at": milliseconds(job.waiting_since) + behind}
    elif job.state in HOLDING and job.attempt is not None and job.attempt.shard is None:
        # An earlier version admitted it, and may still count such jobs in this index.
        item |= {"lane": "holding", "lane_at": milliseconds(job.updated_at)}
    if job.expires_at is not None:
        item["expires_at"] = int(job.expires_at.timestamp())
    return item


def job_in(item: Item) -> Job:
    """The job; NewerRowError if only a newer version can read it."""
    job_id = job_id_in(item["pk"])
    with understood(f"the row of job {job_id}"):
        return from_row(Job, _whole(job_id, item))


def stored_items(table: Table, job_ids: Sequence[str]) -> list[Item]:
    """The items of those of these jobs that exist, in this order (strongly consistent)."""
    # An index may name a job twice while it moves; BatchGetItem refuses a repeated key.
    pks = [f"job#{job_id}" for job_id in job_ids]
    found = table.get_all(list(dict.fromkeys(pks)))
    return [found[pk] for pk in pks if pk in found]


def job_id_in(pk: str) -> str:
    """The id of the job whose item has this key."""
    return pk.removeprefix("job#")


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Raises NewerRowError for unknown states, reasons or fields, and for one that is missing."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NewerRowError(f"{what} is of a newer version: {error}") from error


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, by which indexes sort."""
    return int(at.timestamp() * 1000)


def time_at(number: int) -> datetime:
    """The time of so many milliseconds since 1970."""
    return datetime.fromtimestamp(int(number) / 1000, UTC)


def _shrunk(job: Job) -> dict[str, Any]:
    """The job's row without what the item says elsewhere; `_whole` undoes it."""
    row: dict[str, Any] = {
        name: value for name, value in to_small_row(job).items() if name not in _BESIDE
    }
    source = row["source"]
    del source["bucket"], source["key"]
    if _sequencer(job.source.order) == job.source.sequencer:
        del source["sequencer"]
    if "result" in row and row["result"]["key"] == job.result_key:
        del row["result"]["key"]
    for attempt in row.get("attempts", ()):
        attempt["idempotency_key"] = attempt["idempotency_key"].removeprefix(_prefix(job.id))
    row["history"] = [list(step.values()) for step in row.get("history", ())]
    return row


def _whole(job_id: str, item: Item) -> dict[str, Any]:
    """The job's row with what is stored beside it; earlier versions stored it whole, as `job`.

    The first versions wrote no `entered_at`: their finished jobs ended with their last move.
    """
    # When Sweep looks at the job, in microseconds.
    look_at = {"look_at": int(item["due_at"]) * 1000} if "due_at" in item else {}
    if "row" not in item:
        return {"entered_at": item["job"]["updated_at"], **item["job"], **look_at}
    row: dict[str, Any] = {"entered_at": item["row"]["updated_at"], **item["row"]}
    bucket, _, key = item["source_ref"].partition("/")
    sequencer = _sequencer(item["sequencer"])
    row["source"] = {"bucket": bucket, "key": key, "sequencer": sequencer} | row["source"]
    if "result" in row:
        row["result"] = {"key": row.get("result_key")} | row["result"]
    if "attempts" in row:
        row["attempts"] = [_with_key(attempt, job_id) for attempt in row["attempts"]]
    row["history"] = [
        dict(zip(("state", "at", "reason"), step, strict=False)) for step in row["history"]
    ]
    if "expires_at" in item:
        row["expires_at"] = int(item["expires_at"]) * 1_000_000
    state = item.get("phase", item["state"])
    return row | {"id": job_id, "version": item["version"], "state": state} | look_at


def _with_key(attempt: dict[str, Any], job_id: str) -> dict[str, Any]:
    key = attempt["idempotency_key"]
    whole = _prefix(job_id) + key if key.startswith("-") else key
    return attempt | {"idempotency_key": whole}


def _prefix(job_id: str) -> str:
    """What keys begin with, up to a hyphen; see `CallIdentity`."""
    return f"cutout-{job_id}"


def _sequencer(order: str) -> str:
    """The usual sequencer of this order: S3's own are shorter, and do not end in a zero."""
    return order.rstrip("0")
