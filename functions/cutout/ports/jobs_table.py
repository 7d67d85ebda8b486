"""What the jobs table keeps: jobs, the gate, and who has claimed what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cutout.domain.gate import Gate
from cutout.domain.job.dedup_record import DedupRecord
from cutout.domain.job.job import Job


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskClaim:
    """Whose task it is: one task of the provider makes one attempt's picture.

    Attributes:
        is_certain: the answer to the attempt's own call named the task; else a callback's body did.
        expires_at: when nobody can name the task any more.
    """

    task_id: str
    job_id: str
    attempt: int
    is_certain: bool
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CallBody:
    """The exact text of a paid call, kept for an equal repeat until the call is answered.

    It lets its reader read the photo and call back. So it is not on the job's row, which others
    may read.

    Attributes:
        expires_at: when it is of no use to anybody, should nobody have deleted it before.
    """

    attempt: int
    text: str
    expires_at: datetime


class Jobs(Protocol):
    """The rows of the jobs. What is written is within `stored_limits`, and returned as written."""

    def claim(self, job: Job) -> Job:
        """Insert a new job, or return the one that already stands under its id."""
        ...

    def find(self, job_id: str) -> Job | None:
        """The job as it stands (strongly consistent)."""
        ...

    def save(
        self,
        job: Job,
        *,
        gate: Gate | None = None,
        tasks: Sequence[TaskClaim] = (),
        body: CallBody | None = None,
        answered: int | None = None,
    ) -> Job:
        """Write the job, and what belongs to it: all of that or nothing.

        Neither row nor gate may have been written since it was read. A task may be claimed by one
        attempt; a claim that is certain takes over from one that is not.

        Args:
            job: the job as it was read, with what is new.
            gate: the gate, if it changes too.
            tasks: tasks that become known.
            body: the body of a call that is about to be made.
            answered: the attempt whose body is deleted.

        Raises:
            JobMovedError: the row's version is not `job.version`.
            GateMovedError: the gate's version is not `gate.version`.
            TaskTakenError: a task belongs to another attempt.
        """
        ...


class CallBodies(Protocol):
    """The bodies of calls that were not answered."""

    def find_body(self, job_id: str, attempt: int) -> str | None:
        """The body of a call, or None if it was answered or has expired."""
        ...


class Gates(Protocol):
    """The gate's item."""

    def read_gate(self) -> Gate:
        """The gate as it stands (strongly consistent); a fresh one if there is none."""
        ...

    def write_gate(self, gate: Gate) -> Gate:
        """Write it if nobody wrote it since it was read.

        Raises:
            GateMovedError: somebody did.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BacklogStatus:
    """Who stands behind the gate and who is inside, for people who look.

    Attributes:
        waiting: jobs behind the gate; of a longer line, `MOST_COUNTED`.
        waiting_since: when the oldest of them arrived.
        in_flight_since: when the oldest call was begun whose task may still be running.
    """

    waiting: int
    waiting_since: datetime | None
    in_flight_since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewerRow:
    """A row that only a later version of us understands, which wrote it before it was taken back.

    Attributes:
        due_at: since when somebody should look at it.
        version: of the row, as that of a job.
    """

    job_id: str
    due_at: datetime
    version: int = 0

    @property
    def id(self) -> str:
        """As a job's."""
        return self.job_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is due, oldest first: jobs, and rows that are left alone until they are understood."""

    jobs: Sequence[Job]
    newer: Sequence[NewerRow] = ()


MOST_COUNTED = 1000
"""A line that is longer costs no more to look at."""


class Backlog(Protocol):
    """Which jobs to look at next; answers may be a moment old."""

    def waiting(self, limit: int) -> Sequence[str]:
        """Ids of jobs behind the gate: live before backfill, oldest first.

        Rows of a newer version are passed over: they keep nobody behind them waiting.
        """
        ...

    def due(self, now: datetime, limit: int) -> Due:
        """Jobs whose time has come, oldest first."""
        ...

    def postpone(self, row: Job | NewerRow, until: datetime) -> None:
        """Look at it later; without effect if anybody moved it. The row itself is left alone."""
        ...

    def count_holding(self) -> int:
        """How many jobs hold a slot at the gate."""
        ...

    def backlog_status(self) -> BacklogStatus:
        """How long the line is, and how old its head and the oldest call are."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LatestVersion:
    """The newest thing that happened to a key in the uploads bucket.

    Attributes:
        order: the padded sequencer of that event.
        job_id: the job of that upload; None if the key was deleted.
    """

    source_ref: str
    order: str
    job_id: str | None


class LatestVersions(Protocol):
    """What is newest at each key."""

    def advance(self, head: LatestVersion) -> LatestVersion:
        """Take note of an upload or deletion; returns the newest, which may be another."""
        ...

    def newest(self, source_ref: str) -> LatestVersion | None:
        """The newest that is known of a key (strongly consistent)."""
        ...


class ResultKeys(Protocol):
    """Who owns which result key."""

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        """Take the key for a source; True also when the source has it already."""
        ...


class DedupRecords(Protocol):
    """Which pictures were bought, or are being bought."""

    def claim_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        """Insert it: the very same is returned; else the one that stands for the picture."""
        ...

    def find_dedup_record(self, picture: str) -> DedupRecord | None:
        """The purchase as it stands (strongly consistent)."""
        ...

    def save_dedup_record(self, purchase: DedupRecord) -> DedupRecord:
        """Write it if nobody wrote it since it was read.

        Raises:
            DedupRecordMovedError: somebody did, or it is gone.
        """
        ...


class SourceJobs(Protocol):
    """The jobs of one key."""

    def of_source(self, bucket: str, key: str, limit: int) -> Sequence[Job]:
        """Newest upload first; the answer may be a moment old."""
        ...


class JobsTable(Jobs, CallBodies, Gates, Backlog, LatestVersions, SourceJobs, ResultKeys, Protocol):
    """The whole jobs table."""
