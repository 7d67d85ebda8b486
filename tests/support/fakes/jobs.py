from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cutout.domain.errors import NewerRowError
from cutout.domain.gate import Gate
from cutout.domain.job.conflicts import GateMovedError, JobMovedError, TaskTakenError
from cutout.domain.job.job import Job
from cutout.domain.job.stored_limits import bounded
from cutout.domain.states import Lane, State
from cutout.ports.jobs_table import (
    MOST_COUNTED,
    BacklogStatus,
    CallBody,
    Due,
    LatestVersion,
    NewerRow,
    TaskClaim,
)
from cutout.ports.listings import JobSummary, StateEntry
from cutout.ports.telemetry import Clock
from tests.support.fakes.steps import Step, no_step

LAG = timedelta(seconds=5)


class MemoryJobs:
    """The jobs table: strong reads, conditional writes, indexes that may lag by `LAG`.

    `lag` picks, for each index read, a view of the recent past: it is given how many there are and
    answers which one to show, the present last.
    """

    def __init__(self, clock: Clock, step: Step = no_step) -> None:
        self._clock = clock
        self._step = step
        self.jobs: dict[str, Job] = {}
        self.newer: dict[str, datetime] = {}
        """Rows of jobs that a newer version wrote over, and since when they are due."""
        self.gate: Gate | None = None
        self.heads: dict[str, LatestVersion] = {}
        self.result_keys: dict[str, str] = {}
        self.tasks: dict[str, TaskClaim] = {}
        self.bodies: dict[tuple[str, int | None], CallBody] = {}
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
        return self.jobs.get(job_id)

    def save(
        self,
        job: Job,
        *,
        gate: Gate | None = None,
        tasks: Sequence[TaskClaim] = (),
        body: CallBody | None = None,
        answered: int | None = None,
    ) -> Job:
        self._step("jobs.save")
        standing = self.jobs.get(job.id)
        if standing is None or standing.version != job.version:
            raise JobMovedError(standing)
        if gate is not None:
            self._check_gate(gate)
        self._claim_tasks([bounded(claim) for claim in tasks])
        if gate is not None:
            self.gate = replace(gate, version=gate.version + 1)
        if body is not None:
            self.bodies[job.id, body.attempt] = body
        self.bodies.pop((job.id, answered), None)
        saved = bounded(replace(job, version=job.version + 1))
        self._write(saved)
        self._step("jobs.save done")
        if gate is None and not tasks and self.loses_answer():
            # Harsher than DynamoDB's adapter, which recognises the write that it made itself.
            raise JobMovedError(saved)
        return saved

    def find_body(self, job_id: str, attempt: int) -> str | None:
        self._step("jobs.find_body")
        kept = self.bodies.get((job_id, attempt))
        return kept.text if kept else None

    def read_gate(self) -> Gate:
        self._step("gate.read")
        return self.gate or Gate()

    def write_gate(self, gate: Gate) -> Gate:
        self._step("gate.write")
        self._check_gate(gate)
        self.gate = replace(gate, version=gate.version + 1)
        self._step("gate.write done")
        return self.gate

    def waiting(self, limit: int) -> Sequence[str]:
        self._step("backlog.waiting")
        behind = [
            job for job in self._view().values() if job.is_waiting and job.id not in self.newer
        ]
        lanes = list(Lane)
        behind.sort(key=lambda job: (lanes.index(job.lane), job.waiting_since, job.id))
        return [job.id for job in behind[:limit]]

    def due(self, now: datetime, limit: int) -> Due:
        self._step("backlog.due")
        looks = sorted(self._due_index().items(), key=lambda entry: entry[1])
        ids = [id_ for id_, at in looks if at <= now and id_ in self.jobs]
        jobs = [self.jobs[id_] for id_ in ids[:limit] if id_ not in self.newer]
        newer = [
            NewerRow(job_id=id_, due_at=at, version=self.jobs[id_].version)
            for id_, at in self.newer.items()
            if self.look_at.get(id_, at) <= now
        ]
        return Due(jobs=[job for job in jobs if job.is_due(now)], newer=newer)

    def postpone(self, row: Job | NewerRow, until: datetime) -> None:
        self._step("backlog.postpone")
        standing = self.jobs.get(row.id)
        if standing and standing.version == row.version and row.id in self.look_at:
            self.look_at[row.id] = until

    def count_holding(self) -> int:
        self._step("backlog.count_holding")
        return sum(job.state.holds_slot for job in self._view().values())

    def backlog_status(self) -> BacklogStatus:
        jobs = self._view().values()
        behind = [job.created_at for job in jobs if job.is_waiting]
        inside = [job.attempt for job in jobs if job.state.holds_slot]
        return BacklogStatus(
            waiting=min(MOST_COUNTED, len(behind)),
            waiting_since=min(behind, default=None),
            in_flight_since=min((it.started_at for it in inside if it), default=None),
        )

    def advance(self, head: LatestVersion) -> LatestVersion:
        self._step("heads.advance")
        standing = self.heads.get(head.source_ref)
        if standing is None or standing.order < head.order:
            self.heads[head.source_ref] = head
        self._step("heads.advance done")
        return self.heads[head.source_ref]

    def newest(self, source_ref: str) -> LatestVersion | None:
        self._step("heads.newest")
        return self.heads.get(source_ref)

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        self._step("result_keys.claim")
        return self.result_keys.setdefault(result_key, source_ref) == source_ref

    def of_source(self, bucket: str, key: str, limit: int) -> list[Job]:
        found = [job for job in self.jobs.values() if job.source.ref == f"{bucket}/{key}"]
        return sorted(found, key=lambda job: job.source.order, reverse=True)[:limit]

    def moved(
        self, state: State, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[StateEntry]:
        found = (
            StateEntry(job_id=job.id, at=_to_the_millisecond(job.updated_at))
            for job in self._view().values()
            if job.state is state
        )
        within = [
            one
            for one in found
            if (since is None or one.at >= _to_the_millisecond(since))
            and (until is None or one.at <= until)
        ]
        yield from sorted(within, key=lambda one: one.at, reverse=True)

    def summaries(self, job_ids: Sequence[str]) -> dict[str, JobSummary]:
        return {
            job.id: JobSummary(
                job_id=job.id,
                etag=job.source.etag,
                state=job.state,
                reason=job.reason,
                result_key=job.result.key if job.result else None,
            )
            for job in self.find_all(job_ids)
        }

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

    def _check_gate(self, gate: Gate) -> None:
        standing = self.gate or Gate()
        if standing.version != gate.version:
            raise GateMovedError(standing)

    def _write(self, job: Job) -> None:
        self.jobs[job.id] = job
        self.writes.append(job)
        self.look_at.pop(job.id, None)
        if job.due_at is not None:
            self.look_at[job.id] = job.due_at
        self._views = [*self._recent(), (self._clock.now(), dict(self.jobs))]

    def _due_index(self) -> dict[str, datetime]:
        """When each job is to be looked at, as the index shows it."""
        return self.look_at

    def _view(self) -> dict[str, Job]:
        """The jobs as an index shows them: perhaps as they stood a moment ago."""
        recent = self._recent()
        return recent[self.lag(len(recent))][1]

    def _recent(self) -> list[tuple[datetime, dict[str, Job]]]:
        """What stood at some time within `LAG`: the view before that, and all since."""
        since = self._clock.now() - LAG
        old = [view for view in self._views if view[0] <= since]
        return [*old[-1:], *(view for view in self._views if view[0] > since)]


def _to_the_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
