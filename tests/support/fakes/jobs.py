from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from cutout.adapters.dynamodb.stored_limits import bounded
from cutout.domain.errors import NewerRowError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, Shard, ShardChange
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import Lane, State
from cutout.ports.jobs_table import (
    MOST_COUNTED,
    Advance,
    BacklogStatus,
    CallBody,
    Due,
    GateMovedError,
    JobMovedError,
    NewerRow,
    ResultKeyTakenError,
    TaskClaim,
    TaskTakenError,
)
from cutout.ports.listings import StateEntry
from cutout.ports.telemetry import Clock
from tests.support.builders import new_gate
from tests.support.fakes.dedup_records import MemoryDedupRecords
from tests.support.fakes.steps import Step, no_step

LAG = timedelta(seconds=5)


class MemoryJobs:
    """The jobs table: strong reads, conditional writes, indexes that may lag by `LAG`.

    `lag` picks, for each index read, a view of the recent past: it is given how many there are and
    answers which one to show, the present last.
    """

    def __init__(
        self, clock: Clock, step: Step = no_step, pictures: MemoryDedupRecords | None = None
    ) -> None:
        self._clock = clock
        self._step = step
        self.pictures = pictures or MemoryDedupRecords(step)
        self.jobs: dict[str, Job] = {}
        self.newer: dict[str, datetime] = {}
        """Rows of jobs that a newer version wrote over, and since when they are due."""
        self.gate: Gate | None = None
        self.shards: dict[int, Shard] = {}
        self.heads: dict[str, LatestVersion] = {}
        self.result_keys: dict[str, str] = {}
        self.tasks: dict[str, TaskClaim] = {}
        self.bodies: dict[tuple[str, str], CallBody] = {}
        self.look_at: dict[str, datetime] = {}
        self.writes: list[Job] = []
        self.loses_answer: Callable[[], bool] = lambda: False
        self.lag: Callable[[int], int] = lambda views: views - 1
        self._views: list[tuple[datetime, dict[str, Job]]] = [(clock.now(), {})]

    def claim(self, job: Job) -> Job:
        self._step("jobs.claim")
        standing = self.jobs.get(job.id)
        if standing is None:
            self._write(bounded(job))
        self._step("jobs.claim done")
        return standing or bounded(job)

    def find(self, job_id: str) -> Job | None:
        self._step("jobs.find")
        assert isinstance(job_id, str), "a key of the table"
        if job_id in self.newer:
            raise NewerRowError(job_id)
        return self._found(job_id) if job_id in self.jobs else None

    def find_at_gate(self, job_id: str) -> tuple[Job | None, bool]:
        return self.find(job_id), self.gate is not None and self.gate.has_waiting

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
        self._step("jobs.save")
        standing = self.jobs.get(job.id)
        if standing is None or standing.version != job.version:
            raise JobMovedError(standing)
        self._check_slot(slot)
        if picture is not None:
            self.pictures.check(picture)
        if result_key and self.result_keys.get(result_key, job.source.ref) != job.source.ref:
            raise ResultKeyTakenError
        self._claim_tasks([bounded(claim) for claim in tasks])
        if result_key:
            self.result_keys[result_key] = job.source.ref
        if picture is not None:
            self.pictures.write(picture)
        for change in gate:
            self.change_shard(change)
        look_at = None if job.due_at is None else min(job.look_at or job.due_at, job.due_at)
        saved = bounded(replace(job, version=job.version + 1, look_at=look_at))
        self._write(saved)
        self._step("jobs.save done")
        is_alone = not gate and picture is None and not tasks and result_key is None
        if is_alone and self.loses_answer():
            # Stricter than DynamoDB's adapter, which recognises the write that it made itself.
            raise JobMovedError(saved)
        return saved

    def keep_body(self, job_id: str, body: CallBody) -> None:
        self._step("bodies.keep")
        self.bodies[job_id, body.name] = body
        self._step("bodies.keep done")

    def find_body(self, job_id: str, name: str) -> str | None:
        self._step("jobs.find_body")
        kept = self.bodies.get((job_id, name))
        return kept.text if kept else None

    def read_gate(self, deployed: Limits | None = None) -> Gate:
        self._step("gate.read")
        gate = self.gate or new_gate()
        count = max(
            deployed.shards if deployed else 1,
            gate.most_shards,
            gate.limits.shards if gate.limits else 1,
        )
        shards = tuple(self.shards.get(n, Shard()) for n in range(count))
        return replace(gate, deployed=deployed or gate.deployed, shards=shards)

    def write_gate(self, gate: Gate) -> Gate:
        self._step("gate.write")
        if (self.gate or new_gate()).version != gate.version:
            raise GateMovedError
        self.gate = replace(gate, version=gate.version + 1, shards=())
        self._step("gate.write done")
        return replace(self.gate, shards=gate.shards)

    def free_slot(self, shard: int, holder: str) -> None:
        self._step("gate.free")
        self.change_shard(ShardChange(shard=shard, frees=holder))

    def forget_day(self, shard: int, day: date) -> None:
        self._step("gate.forget")
        current = self.shards.get(shard, Shard())
        spent = {at: credits_ for at, credits_ in current.spent.items() if at != day}
        self.shards[shard] = replace(current, spent=spent)

    def waiting(self, limit: int, lane: Lane = Lane.BACKFILL) -> Sequence[str]:
        self._step("backlog.waiting")
        lanes = list(Lane)
        behind = [
            job
            for job in self._view().values()
            if job.is_waiting
            and job.id not in self.newer
            and lanes.index(job.lane) <= lanes.index(lane)
        ]
        behind.sort(key=lambda job: (lanes.index(job.lane), job.waiting_since, job.id))
        return [job.id for job in behind[:limit]]

    def carry_over(self) -> int:
        return 0

    def due(self, now: datetime, limit: int) -> Due:
        self._step("backlog.due")
        looks = sorted(self._due_index().items(), key=lambda entry: entry[1])
        ids = [id_ for id_, at in looks if at <= now and id_ in self.jobs]
        jobs = [self._found(id_) for id_ in ids[:limit] if id_ not in self.newer]
        newer = [
            NewerRow(id=id_, due_at=at, version=self.jobs[id_].version)
            for id_, at in self.newer.items()
            if self.look_at.get(id_, at) <= now
        ]
        return Due(
            jobs=[job for job in jobs if job.is_due(now)],
            early=[job for job in jobs if not job.is_due(now) and job.due_at is not None],
            newer=newer,
        )

    def postpone(self, row: Job | NewerRow, until: datetime) -> None:
        self._step("backlog.postpone")
        standing = self.jobs.get(row.id)
        if standing and standing.version == row.version and row.id in self.look_at:
            self.look_at[row.id] = until

    def backlog_status(self) -> BacklogStatus:
        behind = [job.created_at for job in self._view().values() if job.is_waiting]
        return BacklogStatus(
            waiting=min(MOST_COUNTED, len(behind)), waiting_since=min(behind, default=None)
        )

    def advance(self, head: LatestVersion) -> Advance:
        self._step("heads.advance")
        standing = self.heads.get(head.source_ref)
        if standing is None or standing.order < head.order:
            self.heads[head.source_ref] = head
        self._step("heads.advance done")
        return Advance(newest=self.heads[head.source_ref], is_first=standing is None)

    def newest(self, source_ref: str) -> LatestVersion | None:
        self._step("heads.newest")
        return self.heads.get(source_ref)

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        self._step("result_keys.claim")
        return self.result_keys.setdefault(result_key, source_ref) == source_ref

    def of_source(self, bucket: str, key: str, limit: int) -> list[Job]:
        found = [job for job in list(self.jobs.values()) if job.source.ref == f"{bucket}/{key}"]
        return sorted(found, key=lambda job: job.source.order, reverse=True)[:limit]

    def moved(
        self, state: State, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        yield from self._listed(lambda job: job.state is state, since, until)

    def moving(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        yield from self._listed(lambda job: not job.state.is_settled, since, until)

    def _listed(
        self, takes: Callable[[Job], bool], since: datetime | None, until: datetime | None
    ) -> list[StateEntry]:
        found = (
            StateEntry(job_id=job.id, at=_to_the_millisecond(_listed_at(job)))
            for job in self._view().values()
            if takes(job)
        )
        within = [
            one
            for one in found
            if (since is None or one.at >= _to_the_millisecond(since))
            and (until is None or one.at <= until)
        ]
        return sorted(within, key=lambda one: one.at, reverse=True)

    def newest_all(self, source_refs: Sequence[str]) -> dict[str, LatestVersion]:
        return {ref: self.heads[ref] for ref in source_refs if ref in self.heads}

    def find_all(self, job_ids: Sequence[str]) -> list[Job]:
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]

    def _claim_tasks(self, claims: Sequence[TaskClaim]) -> None:
        for claim in claims:
            standing = self.tasks.get(claim.task_id, claim)
            is_own = (standing.job_id, standing.attempt) == (claim.job_id, claim.attempt)
            if not is_own and (standing.is_certain or not claim.is_certain):
                raise TaskTakenError("the task belongs to another attempt")
        self.tasks |= {claim.task_id: claim for claim in claims}

    def _check_slot(self, slot: FreeSlot | None) -> None:
        if slot is None:
            return
        shard = self.shards.get(slot.shard, Shard())
        is_full = len(shard.holders) > slot.most_holders
        if is_full or shard.spent.get(slot.day, Decimal(0)) > slot.most_spent:
            raise GateMovedError

    def change_shard(self, change: ShardChange) -> None:
        """Apply a change of a shard, or of what an earlier version counted."""
        if change.shard is None:
            gate = self.gate or new_gate()
            self.gate = replace(
                gate, carried_in_flight=gate.carried_in_flight - 1, version=gate.version + 1
            )
            return
        shard = self.shards.get(change.shard, Shard())
        spent = dict(shard.spent)
        for day, credits_ in change.charges.items():
            spent[day] = spent.get(day, Decimal(0)) + credits_
        holders = set(shard.holders) | {it for it in (change.takes,) if it}
        self.shards[change.shard] = Shard(holders=frozenset(holders - {change.frees}), spent=spent)

    def _found(self, job_id: str) -> Job:
        """Return the job, with the due time that the index has."""
        return replace(self.jobs[job_id], look_at=self.look_at.get(job_id))

    def _write(self, job: Job) -> None:
        self.jobs[job.id] = job
        self.writes.append(job)
        self.look_at.pop(job.id, None)
        if job.due_at is not None:
            self.look_at[job.id] = job.look_at or job.due_at
        self._views = [*self._recent(), (self._clock.now(), dict(self.jobs))]

    def _due_index(self) -> dict[str, datetime]:
        """Return the due time of each job in the index."""
        return self.look_at

    def _view(self) -> dict[str, Job]:
        """Return the jobs as an index shows them: perhaps as they were a moment ago."""
        recent = self._recent()
        return recent[self.lag(len(recent))][1]

    def _recent(self) -> list[tuple[datetime, dict[str, Job]]]:
        """Return the views of some time within `LAG`: the one before that, and all since."""
        since = self._clock.now() - LAG
        old = [view for view in self._views if view[0] <= since]
        return [*old[-1:], *(view for view in self._views if view[0] > since)]


def _listed_at(job: Job) -> datetime:
    return job.updated_at if job.state.is_settled else job.created_at


def _to_the_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
