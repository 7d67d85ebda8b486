"""The jobs table: jobs, the gate, deduplication records and claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import LostRaceError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import Lane


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskClaim:
    """The claim of an attempt on a task: one task belongs to one attempt.

    Attributes:
        is_certain: the outcome of the attempt's own call named the task, not a callback's body.
        expires_at: when no callback can name the task any more.
    """

    task_id: str
    job_id: str
    attempt: int
    is_certain: bool
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CallBody:
    """The exact text of a paid call, stored for an identical repeat.

    It contains the photo's link and the callback URL, which are secrets. So it is not part of the
    job, which people may read.

    Attributes:
        name: differs between texts of one job: two workers may prepare the same attempt, and the
            one that is admitted must find its own text again.
        expires_at: when it is deleted.
    """

    name: str
    text: str
    expires_at: datetime


class Jobs(Protocol):
    """The jobs. Writes apply `stored_limits`, and return what was written."""

    def claim(self, job: Job) -> Job:
        """Insert a new job, or return the existing one with its id."""

    def find(self, job_id: str) -> Job | None:
        """The current job (strongly consistent)."""

    def find_at_gate(self, job_id: str) -> tuple[Job | None, bool]:
        """The current job, and whether the gate notes that jobs wait, in one request."""

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
        """Write the job and what belongs to it in one transaction.

        The job and the photo's record have the versions that were read. `slot` is the free slot
        that `gate` takes, if it takes one. A task can be claimed by one attempt; a certain claim
        replaces an uncertain one. The result key is claimed for the job's source.

        Raises:
            JobMovedError: the job's version is not `job.version`.
            GateMovedError: the slot is no longer free, or the credits are spent.
            DedupRecordMovedError: the record's version is not `picture.version`.
            TaskTakenError: a task belongs to another attempt.
            ResultKeyTakenError: the result key belongs to another source.
        """


class CallBodies(Protocol):
    """The bodies of calls."""

    def keep_body(self, job_id: str, body: CallBody) -> None:
        """Store the body of a call that is about to be made."""

    def find_body(self, job_id: str, name: str) -> str | None:
        """The body of a call, or None if it has expired."""


class Gates(Protocol):
    """The gate."""

    def read_gate(self, deployed: Limits | None = None) -> Gate:
        """The current gate (strongly consistent); a new one if there is none.

        Where the deployed limits are known, the gate has them, and one request reads all shards.
        """

    def write_gate(self, gate: Gate) -> Gate:
        """Write the gate's item, without the shards, if its version is still the one that was read.

        Raises:
            GateMovedError: it is not.
        """

    def free_slot(self, shard: int, holder: str) -> None:
        """Free a slot whose job cannot: deleted by hand, or written by a newer version."""

    def forget_day(self, shard: int, day: date) -> None:
        """Remove the credits of a day that no longer count."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BacklogStatus:
    """How many jobs wait at the gate, and for how long.

    Attributes:
        waiting: jobs that wait at the gate, up to `MOST_COUNTED`.
        waiting_since: since when the oldest of them waits.
    """

    waiting: int
    waiting_since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewerRow:
    """A job that a newer version wrote, which has since been rolled back.

    Attributes:
        id: the job's id.
        due_at: since when it is due.
        version: the job's version.
    """

    id: str
    due_at: datetime
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """Jobs that Sweep must look at.

    Attributes:
        jobs: due jobs, oldest first.
        early: jobs that are due later: the index is not written with each move.
        newer: due jobs that this version cannot read.
    """

    jobs: Sequence[Job]
    early: Sequence[Job] = ()
    newer: Sequence[NewerRow] = ()


MOST_COUNTED = 1000
"""Limits the cost of counting a long backlog."""


class Backlog(Protocol):
    """Which jobs to process next; results are eventually consistent."""

    def waiting(self, limit: int, lane: Lane = Lane.BACKFILL) -> Sequence[str]:
        """Ids of jobs of this lane and higher ones that wait at the gate, oldest first.

        Rows of a newer version are skipped, so that they do not block other jobs.
        """

    def carry_over(self) -> int:
        """Have waiting jobs of earlier versions found by `waiting`; returns how many."""

    def due(self, now: datetime, limit: int) -> Due:
        """Jobs to look at, the longest due first."""

    def postpone(self, row: Job | NewerRow, until: datetime) -> None:
        """Look at it later, unless it has been moved; the job itself is not changed."""

    def backlog_status(self) -> BacklogStatus:
        """How many jobs wait, and since when."""


class Advance(NamedTuple):
    """The newest upload or deletion of a key, and whether it is the first that is known."""

    newest: LatestVersion
    is_first: bool


class LatestVersions(Protocol):
    """The newest upload or deletion of each key."""

    def advance(self, head: LatestVersion) -> Advance:
        """Record an upload or deletion if it is the newest; returns the newest."""

    def newest(self, source_ref: str) -> LatestVersion | None:
        """The newest upload or deletion of a key (strongly consistent)."""


class ResultKeys(Protocol):
    """Which source owns which result key."""

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        """Claim the key for a source; True also if the source owns it already."""


class DedupRecords(Protocol):
    """The deduplication records."""

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The current record (strongly consistent)."""

    def save_dedup_record(self, record: DedupRecord) -> DedupRecord:
        """Write the record if its version has not changed since it was read; -1 means new.

        Raises:
            DedupRecordMovedError: it has, or the record no longer exists.
        """

    def cache_result(
        self, picture: str, owner: str, kept: Kept, expires_at: datetime
    ) -> DedupRecord:
        """Record a cached result without a read; returns the record as it was before.

        The waiting jobs stay listed: a repeated write returns them again.

        Raises:
            DedupRecordMovedError: the record has another owner, or does not exist.
        """


class SourceJobs(Protocol):
    """The jobs of one key."""

    def of_source(self, bucket: str, key: str, limit: int) -> Sequence[Job]:
        """Newest upload first (eventually consistent)."""


class JobsTable(Jobs, Gates, Backlog, LatestVersions, SourceJobs, ResultKeys, Protocol):
    """The jobs table, except for its deduplication records."""


class JobMovedError(LostRaceError):
    """Another worker wrote the job since it was read.

    Attributes:
        winner: the current job, or None if there is none.
    """

    def __init__(self, winner: Job | None) -> None:
        super().__init__(f"the job moved on to {winner.state if winner else 'nothing'}")
        self.winner = winner


class GateMovedError(LostRaceError):
    """Another worker wrote the gate since it was read, or took the free slot."""


class DedupRecordMovedError(LostRaceError):
    """Another worker wrote the deduplication record since it was read.

    Attributes:
        winner: the current record, or None if there is none.
    """

    def __init__(self, winner: DedupRecord | None) -> None:
        super().__init__("the deduplication record moved")
        self.winner = winner


class ResultKeyTakenError(LostRaceError):
    """Another photo owns the result key."""


class TaskTakenError(LostRaceError):
    """The task of an attempt belongs to another attempt."""
