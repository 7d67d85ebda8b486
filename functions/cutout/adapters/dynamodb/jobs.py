"""Jobs, the gate, latest versions and claims of result keys, as items of the jobs table.

Every write is conditional. Rows carry a version, and a write names the one that it read. A losing
write gets the winner with the refusal, without a second read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice

from cutout.adapters.dynamodb.gate_and_claim_items import (
    GATE,
    SAME_VERSION,
    dedup_put,
    gate_in,
    gate_put,
    result_key_put,
    shard_key,
    shard_update,
    spent_name,
    task_put,
    write,
)
from cutout.adapters.dynamodb.item_table import Item, LostError, Put, Table, Update
from cutout.adapters.dynamodb.job_item import (
    BEHIND_LIVE,
    DUE,
    LATEST,
    WAITING,
    job_id_in,
    job_in,
    job_item,
    milliseconds,
    stored_items,
    time_at,
)
from cutout.adapters.dynamodb.stored_limits import bounded
from cutout.domain.errors import NewerRowError, StoreBusyError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord
from cutout.domain.job.source import LatestVersion
from cutout.domain.serialization import from_row, to_row
from cutout.domain.states import Lane
from cutout.ports.jobs_table import (
    MOST_COUNTED,
    Advance,
    BacklogStatus,
    Due,
    JobMovedError,
    NewerRow,
    TaskClaim,
)

_SHORTEST_PAGE = 10
MOST_CARRIED = 200
"""Waiting jobs of an earlier version that one run of Sweep writes again."""
_EARLIER_LANES = ("waiting#live", "waiting#backfill")


class DynamoJobs:
    """All ports of the jobs table but that of deduplication records."""

    def __init__(self, table: Table, usual_price: Decimal) -> None:
        self._table = table
        self._usual_price = usual_price

    def claim(self, job: Job) -> Job:
        """Insert a new job, or return the one that is stored under its id."""
        job = bounded(job)
        try:
            self._table.write(Put(item=job_item(job), condition="attribute_not_exists(pk)"))
        except LostError as lost:
            return job_in(lost.old)
        return job

    def find(self, job_id: str) -> Job | None:
        """The job (strongly consistent)."""
        item = self._table.get(f"job#{job_id}")
        return None if item is None else job_in(item)

    def find_at_gate(self, job_id: str) -> tuple[Job | None, bool]:
        """The job and the gate's note (strongly consistent)."""
        pk = f"job#{job_id}"
        items = self._table.get_all([pk, GATE])
        # Only the note: a gate that a newer version wrote must not stop a job.
        has_waiting = bool(items.get(GATE, {}).get("gate", {}).get("has_waiting"))
        return job_in(items[pk]) if pk in items else None, has_waiting

    def save(
        self,
        job: Job,
        *,
        gate: Sequence[ShardChange] = (),
        slot: FreeSlot | None = None,
        picture: DedupRecord | None = None,
        tasks: Sequence[TaskClaim] = (),
        result_key: str | None = None,
    ) -> Job:
        """Write the job and what belongs to it in one transaction."""
        saved = _to_be_saved(job)
        row = Put(item=job_item(saved), condition=SAME_VERSION, values={":version": job.version})
        shards = [shard_update(change, slot) for change in gate]
        pictures = [] if picture is None else [dedup_put(picture)]
        keys = [] if result_key is None else [result_key_put(result_key, job.source.ref)]
        claims = [task_put(bounded(claim)) for claim in tasks]
        # The job comes first: of several lost conditions, the first one is reported.
        write(self._table, row, *shards, *pictures, *keys, *claims)
        return saved

    def read_gate(self, deployed: Limits | None = None) -> Gate:
        """The gate (strongly consistent), in one request unless limits have changed."""
        known = 1 if deployed is None else deployed.shards
        items = self._table.get_all([GATE, *map(shard_key, range(known))])
        gate = gate_in(items.get(GATE), [], self._usual_price)
        count = max(known, gate.most_shards, gate.limits.shards if gate.limits else 1)
        if count > known:
            items |= self._table.get_all([shard_key(number) for number in range(known, count)])
        shards = [items.get(shard_key(number)) for number in range(count)]
        gate = gate_in(items.get(GATE), shards, self._usual_price)
        return replace(gate, deployed=deployed or gate.deployed)

    def write_gate(self, gate: Gate) -> Gate:
        """Write the gate's item if it has not been written since it was read."""
        write(self._table, gate_put(gate))
        return bounded(replace(gate, version=gate.version + 1))

    def free_slot(self, shard: int, holder: str) -> None:
        """Free a slot; without effect if the holder does not hold it."""
        self._table.write(shard_update(ShardChange(shard=shard, frees=holder), None))

    def forget_day(self, shard: int, day: date) -> None:
        """Remove the credits of a day."""
        names = {"#spent": spent_name(day)}
        self._table.write(Update(pk=shard_key(shard), expression="REMOVE #spent", names=names))

    def waiting(self, limit: int, lane: Lane = Lane.BACKFILL) -> list[str]:
        """Ids of jobs that wait at the gate: live before backfill, oldest first."""
        last = BEHIND_LIVE - 1 if lane is Lane.LIVE else LATEST
        page = max(limit, _SHORTEST_PAGE)
        entries = self._table.entries("lane", WAITING[1], between=(0, last), page=page)
        found: list[str] = []
        # Rows of a newer version are passed over, however many come first.
        while len(found) < limit and (pks := list(islice(entries, limit))):
            jobs = self._understood([job_id_in(pk) for pk, _lane_at in pks])
            found += [job.id for job in jobs if job.is_waiting]
        return found[:limit]

    def carry_over(self) -> int:
        """Write waiting jobs of earlier versions again, where this version looks for them."""
        ids = [
            job_id for lane in _EARLIER_LANES for job_id in self._ids("lane", lane, MOST_CARRIED)
        ]
        waiting = [job for job in self._understood(ids) if job.is_waiting]
        for job in waiting:
            with suppress(JobMovedError):
                self.save(job)
        return len(waiting)

    def due(self, now: datetime, limit: int) -> Due:
        """Jobs to look at, the longest due first."""
        ids = self._ids("due", DUE[1], limit, between=(0, milliseconds(now)))
        jobs: list[Job] = []
        newer: list[NewerRow] = []
        for item in stored_items(self._table, ids):
            try:
                jobs.append(job_in(item))
            except NewerRowError:
                newer.append(_newer_in(item))
        return Due(
            jobs=[job for job in jobs if job.is_due(now)],
            early=[job for job in jobs if not job.is_due(now) and job.due_at is not None],
            newer=newer,
        )

    def postpone(self, row: Job | NewerRow, until: datetime) -> None:
        """Postpone the job's due time, unless another worker has changed the job."""
        update = Update(
            pk=f"job#{row.id}",
            expression="SET due_at = :until",
            condition=f"{SAME_VERSION} AND attribute_exists(due_at)",
            values={":until": milliseconds(until), ":version": row.version},
        )
        # The version stays as it is, so that the worker that was just enqueued can still write the
        # job. A transaction that makes the item busy changes it.
        with suppress(LostError, StoreBusyError):
            self._table.write(update)

    def backlog_status(self) -> BacklogStatus:
        """The number and age of waiting jobs."""
        entries = islice(self._table.entries("lane", WAITING[1]), MOST_COUNTED)
        # Backfilled jobs are sorted behind all others by a number that is added to their time.
        since = [int(lane_at) % BEHIND_LIVE for _pk, lane_at in entries]
        return BacklogStatus(
            waiting=len(since), waiting_since=time_at(min(since)) if since else None
        )

    def advance(self, head: LatestVersion) -> Advance:
        """Record an upload or deletion; returns the newest, which may be another."""
        update = Update(
            pk=f"head#{head.source_ref}",
            expression="SET newest = :newest, #order = :order",
            condition="attribute_not_exists(pk) OR #order < :order",
            values={":newest": to_row(head), ":order": head.order},
        )
        try:
            return Advance(newest=head, is_first=not self._table.write(update))
        except LostError as lost:
            # Also if the first answer was lost and the repeated write meets itself. `is_first` only
            # saves a look for a note that cannot exist.
            winner = from_row(LatestVersion, lost.old["newest"])
            return Advance(newest=winner, is_first=False)

    def newest(self, source_ref: str) -> LatestVersion | None:
        """The latest known upload or deletion of a key."""
        item = self._table.get(f"head#{source_ref}")
        return None if item is None else from_row(LatestVersion, item["newest"])

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        """Take the key for a source; True also when the source has it already."""
        try:
            self._table.write(result_key_put(result_key, source_ref))
        except LostError:
            return False
        return True

    def of_source(self, bucket: str, key: str, limit: int) -> list[Job]:
        """The jobs of a key, newest upload first."""
        # The index sorts by the padded sequencers of S3's events.
        entries = self._table.entries("source", f"{bucket}/{key}", page=limit, is_newest_first=True)
        items = stored_items(self._table, [job_id_in(pk) for pk, _order in islice(entries, limit)])
        return list(map(job_in, items))

    def _understood(self, job_ids: Sequence[str]) -> Iterator[Job]:
        """The jobs, without rows that only a newer version can read."""
        for item in stored_items(self._table, job_ids):
            with suppress(NewerRowError):
                yield job_in(item)

    def _ids(
        self, index: str, partition: str, limit: int, between: tuple[int, int] | None = None
    ) -> list[str]:
        entries = self._table.entries(index, partition, between=between, page=limit)
        return [job_id_in(pk) for pk, _sort in islice(entries, limit)]


def _to_be_saved(job: Job) -> Job:
    """The job with its next version, and with the time when Sweep looks at it.

    That time stays as it is while it is not after the due time.
    """
    look_at = None if job.due_at is None else min(job.look_at or job.due_at, job.due_at)
    return bounded(replace(job, version=job.version + 1, look_at=look_at))


def _newer_in(item: Item) -> NewerRow:
    """Read the id, due time and version of a row that a newer release wrote.

    The due time is the job's own if it can be read, since `postpone` moves the one beside it.
    """
    due_at = time_at(item["due_at"])
    with suppress(KeyError, TypeError, ValueError):
        due_at = datetime.fromtimestamp(int(item["row"]["due_at"]) / 1_000_000, UTC)
    job_id = job_id_in(item["pk"])
    return NewerRow(id=job_id, due_at=due_at, version=int(item["version"]))
