"""What the end of a job changes in the buckets besides its result.

It is owed by the row, as the completion event is: done before the row says that the event is out,
and again by whoever finds a settled row that owes it. So it may be done twice, and by a worker
that others have overtaken; each step looks again after it has written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from cutout.domain.errors import SourceGoneError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.messages import Removal
from cutout.domain.object_keys import STATE_TAG
from cutout.domain.states import State
from cutout.ports.buckets import SourceTags
from cutout.ports.jobs_table import LatestVersion, LatestVersions
from cutout.ports.queues import Removals
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.error_notes import ErrorNotes, before, leaves_a_note, occasion_of
from cutout.usecases.shared.superseded import why_superseded


@dataclass(frozen=True, kw_only=True)
class SettlementEffects:
    """Keeps what is said in the buckets in step with the rows.

    Attributes:
        notes: None where no notes are wanted.
        tags: None where sources are not to be tagged.
        removals: None where results outlive their sources.
    """

    latest_versions: LatestVersions
    telemetry: Telemetry
    notes: ErrorNotes | None
    tags: SourceTags | None = None
    removals: Removals | None = None

    def apply(self, job: Job) -> None:
        """Do what a job's end asks for; nothing for a job that is under way."""
        if not job.state.is_settled:
            return
        if job.state is not State.SUPERSEDED:
            self._say(job)
        # Who bought the picture may have kept its result, even if its photo is outdated.
        if self.removals is not None and (job.result is not None or job.is_owner):
            self._remove_if_deleted(self.removals, job)

    def deleted(self, source: Source) -> None:
        """A key was deleted: nothing more is to be said of its older uploads."""
        if self.notes is not None:
            self.notes.withdraw(source, before(source))
        if self.removals is not None:
            self.removals.remove(Removal(bucket=source.bucket, key=source.key, order=source.order))

    def version_deleted(self, source: Source) -> None:
        """One version is gone for good; what was said and made of it goes, whatever else stands."""
        if self.notes is not None:
            self.notes.withdraw_of_job(source)
        if self.removals is not None:
            self.removals.remove(
                Removal(
                    bucket=source.bucket,
                    key=source.key,
                    order=source.order,
                    job_id=source.job_id,
                )
            )

    def _say(self, job: Job) -> None:
        if self.notes is not None:
            self._note(self.notes, job)
        if self.tags is not None:
            self._tag(self.tags, job)

    def _note(self, notes: ErrorNotes, job: Job) -> None:
        if leaves_a_note(job) and why_superseded(self.latest_versions, job) is None:
            notes.write(job)
            # A deletion or a newer upload that came meanwhile has found no note to take back.
            if why_superseded(self.latest_versions, job) is None:
                return
        notes.withdraw(job.source, occasion_of(job))

    def _tag(self, tags: SourceTags, job: Job) -> None:
        try:
            has_room = tags.tag(job.source, STATE_TAG, job.state.value)
        except SourceGoneError:
            return
        if not has_room:
            self.telemetry.log("source not tagged: it has as many tags as there may be")

    def _remove_if_deleted(self, removals: Removals, job: Job) -> None:
        """A deletion that came while the result was being stored has found nothing to remove."""
        head = self.latest_versions.newest(job.source.ref)
        if _is_deletion_after(head, job):
            source = job.source
            removals.remove(Removal(bucket=source.bucket, key=source.key, order=head.order))


def _is_deletion_after(head: LatestVersion | None, job: Job) -> TypeGuard[LatestVersion]:
    return head is not None and head.job_id is None and head.order > job.source.order
