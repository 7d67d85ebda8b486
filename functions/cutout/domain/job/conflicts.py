"""Lost races: a conditional write found another version, which the error carries."""

from __future__ import annotations

from cutout.domain.errors import LostRaceError
from cutout.domain.job.dedup_record import DedupRecord
from cutout.domain.job.job import Job


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
