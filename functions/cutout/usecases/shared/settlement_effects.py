"""Effects of a job's end on the buckets, besides its result: notes, tags and removals.

They are applied before the job is marked as announced, and again when a settled job's message is
delivered again. So they may be applied twice, and by a slower worker: each step checks the state
again after it has written.
"""

from __future__ import annotations

from typing import TypeGuard

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SourceGoneError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.messages.queue_messages import Removal
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
    """Keeps notes, tags and results in the buckets consistent with the jobs.

    Attributes:
        notes: None in a deployment without error notes.
        tags: None in a deployment that does not tag sources.
        removals: None in a deployment that keeps the results of deleted sources.
    """

    latest_versions: LatestVersions
    telemetry: Telemetry
    notes: ErrorNotes | None
    tags: SourceTags | None = None
    removals: Removals | None = None

    def apply(self, job: Job) -> None:
        """Apply the effects of a settled job; other jobs have none."""
        if not job.state.is_settled:
            return
        if job.state is not State.SUPERSEDED:
            self._say(job)
        # A job that made a call may have cached its result, even if its photo is superseded.
        if self.removals is not None and (job.result is not None or job.attempts):
            self._remove_if_deleted(self.removals, job)

    def deleted(self, source: Source) -> None:
        """Remove the notes and results of a deleted key's uploads."""
        if self.notes is not None:
            self.notes.withdraw(source, before(source))
        if self.removals is not None:
            self.removals.remove(Removal(bucket=source.bucket, key=source.key, order=source.order))

    def version_deleted(self, source: Source) -> None:
        """Remove the note and results of one version that was permanently deleted."""
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
            # A deletion or a newer upload that came meanwhile found no note to remove.
            if why_superseded(self.latest_versions, job) is None:
                return
        if job.may_have_a_note:
            notes.withdraw(job.source, occasion_of(job))

    def _tag(self, tags: SourceTags, job: Job) -> None:
        # Without versions, a newer upload of the same bytes cannot be told from this one by S3.
        if job.source.version_id is None and why_superseded(self.latest_versions, job) is not None:
            return
        try:
            has_room = tags.tag(job.source, STATE_TAG, job.state.value)
        except SourceGoneError:
            return
        if not has_room:
            self.telemetry.log("source not tagged: it has the maximum number of tags")

    def _remove_if_deleted(self, removals: Removals, job: Job) -> None:
        """Remove the result of a source that was deleted while the result was being stored."""
        head = self.latest_versions.newest(job.source.ref)
        if _is_deletion_after(head, job):
            source = job.source
            removals.remove(Removal(bucket=source.bucket, key=source.key, order=head.order))


def _is_deletion_after(head: LatestVersion | None, job: Job) -> TypeGuard[LatestVersion]:
    return head is not None and head.job_id is None and head.order > job.source.order
