"""Lost races: a conditional write found another state, and carries it."""

from __future__ import annotations

from cutout.domain.errors import LostRaceError
from cutout.domain.gate import Gate
from cutout.domain.job.dedup_record import DedupRecord
from cutout.domain.job.job import Job


class JobMovedError(LostRaceError):
    """The job's row is not as it was read.

    Attributes:
        winner: the row as it stands, or None if there is none.
    """

    def __init__(self, winner: Job | None) -> None:
        super().__init__(f"the job moved on to {winner.state if winner else 'nothing'}")
        self.winner = winner


class GateMovedError(LostRaceError):
    """The gate is not as it was read.

    Attributes:
        winner: the gate as it stands.
    """

    def __init__(self, winner: Gate) -> None:
        super().__init__("the gate moved")
        self.winner = winner


class DedupRecordMovedError(LostRaceError):
    """A picture's purchase is not as it was read.

    Attributes:
        winner: the purchase as it stands, or None if there is none.
    """

    def __init__(self, winner: DedupRecord | None) -> None:
        super().__init__("the purchase moved")
        self.winner = winner


class TaskTakenError(LostRaceError):
    """A task that was to be put on an attempt belongs to another attempt."""
