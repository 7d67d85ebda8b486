"""What the end of a job changes in the buckets besides its result.

It is owed by the row, as the completion event is: done before the row says that the event is out,
and again by whoever finds a settled row that owes it. So it may be done twice, and by a worker
that others have overtaken; each step looks again after it has written.
"""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job, Source
from cutout.ports import SourceHeads
from cutout.states import State
from cutout.usecases.newest import why_superseded
from cutout.usecases.notes import ErrorNotes, before, leaves_a_note, occasion_of


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """Keeps what is said in the buckets in step with the rows.

    Attributes:
        notes: None where no notes are wanted.
    """

    heads: SourceHeads
    notes: ErrorNotes | None

    def follow(self, job: Job) -> None:
        """Do what a job's end asks for; nothing for a job that is under way."""
        if self.notes is None or job.state is State.SUPERSEDED or not job.state.is_settled:
            return
        if leaves_a_note(job) and why_superseded(self.heads, job) is None:
            self.notes.write(job)
            # A deletion or a newer upload that came meanwhile has found no note to take back.
            if why_superseded(self.heads, job) is None:
                return
        self.notes.withdraw(job.source, occasion_of(job))

    def deleted(self, source: Source) -> None:
        """A key was deleted: nothing more is to be said of its older uploads."""
        if self.notes is not None:
            self.notes.withdraw(source, before(source))

    def version_deleted(self, source: Source) -> None:
        """One version is gone for good; what is said of it goes, whatever else stands."""
        if self.notes is not None:
            self.notes.withdraw_of(source)
