"""The gate, claims and records as items of the table, and the conditions of their writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cutout.adapters.dynamodb.item_table import Item, LostError, Put, Table, Update
from cutout.adapters.dynamodb.job_item import job_in, understood
from cutout.adapters.dynamodb.stored_limits import bounded
from cutout.domain.errors import LostRaceError
from cutout.domain.gate.gate import Gate
from cutout.domain.gate.pauses_and_slots import FreeSlot, Shard, ShardChange
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.serialization import STORED_AS, from_row, to_row
from cutout.ports.jobs_table import (
    CallBody,
    DedupRecordMovedError,
    GateMovedError,
    JobMovedError,
    ResultKeyTakenError,
    TaskClaim,
    TaskTakenError,
)

GATE = "gate"
SAME_VERSION = "#version = :version"
_NEW_OR_SAME_VERSION = f"attribute_not_exists(pk) OR {SAME_VERSION}"
_SPENT = "spent#"


def gate_put(gate: Gate) -> Put:
    """The write of the gate's item, on condition that it has not been written since it was read."""
    changed = bounded(replace(gate, version=gate.version + 1, shards=()))
    row = to_row(changed)
    del row["newer"], row["shards"], row["usual_price"]
    return Put(
        item={"pk": GATE, "version": changed.version, "gate": changed.newer | row},
        condition=SAME_VERSION if gate.version else _NEW_OR_SAME_VERSION,
        values={":version": gate.version},
    )


def shard_key(number: int) -> str:
    """The key of a shard of the gate."""
    return f"{GATE}#{number}"


def spent_name(day: date) -> str:
    """The attribute of a shard that holds the credits of a day."""
    return f"{_SPENT}{day}"


def shard_update(change: ShardChange, slot: FreeSlot | None) -> Update:
    """The change of a shard; with a free slot, on condition that it is still free.

    The holders are a set of strings, so that taking or freeing a slot twice changes nothing.
    """
    if change.shard is None:
        # A version without shards admitted the job, and counted its slot in the gate's own item.
        return Update(
            pk=GATE,
            expression="SET gate.in_flight = gate.in_flight - :one, #version = #version + :one, "
            "gate.#version = #version + :one",
            values={":one": 1},
        )
    # ADD makes the item and the attribute where there is none: a shard needs no first write.
    names = {f"#spent{n}": spent_name(day) for n, day in enumerate(change.charges)}
    values: dict[str, Any] = {f":spent{n}": it for n, it in enumerate(change.charges.values())}
    added = [f"#spent{number} :spent{number}" for number in range(len(change.charges))]
    condition = ""
    if change.takes is not None:
        added.append("holders :takes")
        values[":takes"] = {change.takes}
    clauses = [f"ADD {', '.join(added)}"] if added else []
    if change.frees is not None:
        clauses.append("DELETE holders :frees")
        values[":frees"] = {change.frees}
    if slot is not None and slot.shard == change.shard:
        names["#spent"] = spent_name(slot.day)
        values |= {":most": slot.most_holders, ":spent": slot.most_spent}
        # DynamoDB stores no empty set: the attribute disappears with its last element, and a
        # comparison with the size of a missing attribute is false.
        condition = (
            "(attribute_not_exists(holders) OR size(holders) <= :most)"
            " AND (attribute_not_exists(#spent) OR #spent <= :spent)"
        )
    return Update(
        pk=shard_key(change.shard),
        expression=" ".join(clauses),
        condition=condition,
        names=names,
        values=values,
    )


def shard_in(item: Item | None) -> Shard:
    """A shard; an empty one if there is no item."""
    found = item or {}
    return Shard(
        holders=frozenset(found.get("holders", ())),
        spent={
            date.fromisoformat(name.removeprefix(_SPENT)): spent
            for name, spent in found.items()
            if name.startswith(_SPENT)
        },
    )


def dedup_put(record: DedupRecord) -> Put:
    """The write of a record, on condition that it has not been written since it was read."""
    saved = bounded(replace(record, version=record.version + 1))
    item: Item = {
        "pk": f"picture#{saved.picture}",
        "version": saved.version,
        "purchase": to_row(saved),
    }
    if saved.expires_at is not None:
        # Time to live ignores an item whose attribute is not a number of seconds since 1970.
        item["expires_at"] = int(saved.expires_at.timestamp())
    if record.version < 0:
        return Put(item=item, condition="attribute_not_exists(pk)")
    return Put(item=item, condition=SAME_VERSION, values={":version": record.version})


def dedup_record_in(item: Item) -> DedupRecord:
    """The record."""
    return from_row(DedupRecord, item["purchase"])


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


def result_key_put(result_key: str, source_ref: str) -> Put:
    """The write of a claim: the key is free, or the source's own."""
    return Put(
        item={"pk": f"claim#{result_key}", "claimed_by": source_ref},
        condition="attribute_not_exists(pk) OR claimed_by = :source",
        values={":source": source_ref},
    )


def write(table: Table, *writes: Put | Update) -> Item:
    """Write items as `Table.write` does; LostRaceError says which kind of item lost a condition."""
    try:
        return table.write(*writes)
    except LostError as lost:
        raise _lost_race(lost) from lost


def _lost_race(lost: LostError) -> LostRaceError:
    match lost.pk.partition("#")[0]:
        case "job":
            # A person may have deleted the row.
            return JobMovedError(job_in(lost.old) if lost.old else None)
        case "picture":
            return DedupRecordMovedError(dedup_record_in(lost.old) if lost.old else None)
        case "task":
            return TaskTakenError("the task belongs to another attempt")
        case "claim":
            return ResultKeyTakenError("the result key belongs to another photo")
    return GateMovedError("the gate was written, the slot taken, or the credits spent")


def gate_in(item: Item | None, shards: Sequence[Item | None], usual_price: Decimal) -> Gate:
    """The gate; a new one if there is none. Fields of another version are kept with it.

    NewerRowError: this version cannot read what it needs of it.
    """
    row = {} if item is None else item["gate"]
    known = {field.metadata.get(STORED_AS, field.name) for field in fields(Gate)}
    newer = {name: value for name, value in row.items() if name not in known}
    with understood("the gate"):
        counted = tuple(map(shard_in, shards))
        gate = from_row(Gate, {"price": usual_price, **row, "usual_price": usual_price})
        return replace(gate, newer=newer, shards=counted)


class DynamoDedupRecords:
    """One record for each picture; a write names the version that it read."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The picture's record (strongly consistent)."""
        item = self._table.get(f"picture#{picture}")
        return None if item is None else dedup_record_in(item)

    def save_dedup_record(self, record: DedupRecord) -> DedupRecord:
        """Write the record if it has not been written since it was read."""
        put = dedup_put(record)
        write(self._table, put)
        return dedup_record_in(put.item)

    def cache_result(
        self, picture: str, owner: str, kept: Kept, expires_at: datetime
    ) -> DedupRecord:
        """Record a cached result if the record has this owner; returns the record before."""
        update = Update(
            pk=f"picture#{picture}",
            expression="SET purchase.kept = :kept, expires_at = :at, purchase.expires_at = :time, "
            "#version = #version + :one, purchase.#version = #version + :one",
            condition="purchase.buyer = :owner",
            values={
                ":kept": to_row(kept),
                ":at": int(expires_at.timestamp()),
                ":time": expires_at.isoformat(),
                ":one": 1,
                ":owner": owner,
            },
        )
        return dedup_record_in(write(self._table, update))


class DynamoCallBodies:
    """The bodies of calls, in a table of their own."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep_body(self, job_id: str, body: CallBody) -> None:
        """Store the body of a call."""
        item: Item = {"pk": f"{job_id}.{body.name}", "body": body.text}
        self._table.write(Put(item=item | {"expires_at": int(body.expires_at.timestamp())}))

    def find_body(self, job_id: str, name: str) -> str | None:
        """The body of a call, or None if it has expired."""
        item = self._table.get(f"{job_id}.{name}")
        return None if item is None else str(item["body"])
