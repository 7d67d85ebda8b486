"""Effects of a job's end on the buckets, besides its result: notes, tags and removals.

They may be applied twice, and by a slower worker: each step checks the state again after it has
written. Notes in the results bucket say why a photo has no cut-out. A note belongs to a key, not to
a job: it is written only over the one that was read, and only if it is newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SourceDeniedError, SourceGoneError, TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.object_keys import STATE_TAG, note_key
from cutout.domain.provider_outcomes import Terms
from cutout.domain.reasons import GIVEN_BY_METADATA, Reason
from cutout.domain.states import State
from cutout.ports.buckets import CurrentVersions, NoteRevision, Notes, StoredResult, Uploads
from cutout.ports.jobs_table import Jobs, LatestVersions
from cutout.ports.queues import RemovalQueue
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.error_note_texts import error_note

_TRIES = 3
_NOTED = frozenset({State.FAILED, State.REJECTED, State.REVIEW})
"""The end states for which a note is written."""


@dataclass(frozen=True, kw_only=True)
class ShownVersions:
    """Which photo each key shows: by its newest event, and by the bucket where they differ."""

    current_versions: CurrentVersions
    latest_versions: LatestVersions

    def why_superseded(self, job: Job, newest: LatestVersion | None = None) -> Reason | None:
        """Why a newer event of its key supersedes the job; None if the bucket shows its photo.

        `newest` is the newest event of the key, if it was just read.
        """
        reason = job.why_superseded_by(newest or self.latest_versions.newest(job.source.ref))
        # No event says that a photo is back, as its delete marker or newer version was deleted.
        has_newer = reason is Reason.NEWER_UPLOAD
        return None if reason is None or self.shows(job, has_newer=has_newer) else reason

    def shows(self, job: Job, *, has_newer: bool) -> bool:
        """Whether a read of the key gives the job's version; False in a bucket without versions.

        Also False if S3 denies the read and the key has a newer upload, which may have a policy or
        a KMS key of its own.

        Raises:
            SourceDeniedError: S3 denies the read, and no newer upload is known.
        """
        bucket, key, version = job.source.bucket, job.source.key, job.source.version_id
        if version is None:
            return False
        try:
            return self.current_versions.version_shown(bucket, key) == version
        except SourceDeniedError:
            if has_newer:
                return False
            raise


@dataclass(frozen=True, kw_only=True)
class LatestNotes:
    """Keys in the results bucket, each with the newest note or none."""

    notes: Notes
    shown_versions: ShownVersions
    telemetry: Telemetry

    def put(self, key: str, note: dict[str, Any], job: Job) -> None:
        """Write the note, unless the current one is as new, or of a newer version that exists."""
        text = json.dumps(note, indent=2, ensure_ascii=False) + "\n"
        occasion = occasion_of(job)
        for current in self._looks(key):
            is_earlier = current is None or self._is_earlier(current, occasion)
            if not is_earlier and not self._is_of_destroyed(current, job):
                return
            if self.notes.write(key, text, job_id=job.id, occasion=occasion, replacing=current):
                return

    def replace_of_job(self, key: str, note: dict[str, Any], job: Job) -> None:
        """Replace the note if it is about this job; write none if there is none."""
        current = self.notes.current(key)
        if current is not None and current.job_id == job.id:
            self.put(key, note, job)

    def remove_up_to(self, key: str, upto: NoteRevision) -> None:
        """Remove the note, unless it is newer than `upto`."""
        # A key without a note is left alone: in a versioned bucket, each deletion would leave
        # a delete marker.
        for current in self._looks(key):
            if current is None or not self._is_earlier(current, upto, or_same=True):
                return
            if self.notes.remove(key, current):
                return

    def remove_of_job(self, key: str, job_id: str) -> None:
        """Remove the note if it is about this job."""
        current = self.notes.current(key)
        if current is not None and current.job_id == job_id:
            # One try: a note that was written meanwhile is a newer one.
            self.notes.remove(key, current)

    def _looks(self, key: str) -> Iterator[StoredResult | None]:
        """Read the current note, and again after each lost race.

        Raises:
            TransientError: other writers changed the note each time.
        """
        for _ in range(_TRIES):
            yield self.notes.current(key)
        raise TransientError("the note is written too often")

    def _is_of_destroyed(self, current: StoredResult | None, job: Job) -> bool:
        """Whether the note is about a newer upload than the job's, whose version is gone again."""
        occasion = current.occasion if current else None
        is_newer = occasion is not None and occasion.order > job.source.order
        return is_newer and self.shown_versions.shows(job, has_newer=True)

    def _is_earlier(
        self, current: StoredResult, than: NoteRevision, *, or_same: bool = False
    ) -> bool:
        if current.occasion is None:
            self.telemetry.log("the key of a note has another object")
            return False
        return current.occasion < than or (or_same and current.occasion == than)


def leaves_a_note(job: Job) -> bool:
    """Whether the end of the job leaves a note.

    Our own output leaves none: in two deployments that watch each other, each note would cause
    the next one. Nor does a photo that asks to be skipped.
    """
    return job.state in _NOTED and job.reason not in GIVEN_BY_METADATA


def _was_noted(job: Job) -> bool:
    """Whether the job's history has an end for which a note is written."""
    return any(step.state in _NOTED for step in job.history)


def occasion_of(job: Job) -> NoteRevision:
    """The job's current revision. The write that marks it as announced does not count."""
    version = job.version - 1 if job.is_announced else job.version
    return NoteRevision(order=job.source.order, version=version, at=job.updated_at)


def before(source: Source) -> NoteRevision:
    """The revision before any note about this upload or deletion, above all older ones."""
    return NoteRevision(order=source.order, version=0, at=datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, kw_only=True)
class SettlementEffects:
    """Keeps notes, tags and results in the buckets consistent with the jobs.

    Attributes:
        notes: None in a deployment without error notes.
        terms: of the provider.
        tags: None in a deployment that does not tag sources.
        removals: None in a deployment that keeps the results of deleted sources.
    """

    jobs: Jobs
    latest_versions: LatestVersions
    shown_versions: ShownVersions
    telemetry: Telemetry
    upload_prefix: str
    result_prefix: str
    terms: Terms
    notes: LatestNotes | None
    tags: Uploads | None = None
    removals: RemovalQueue | None = None

    def apply(self, job: Job) -> None:
        """Apply the effects of a settled job; other jobs have none."""
        if not job.state.is_settled:
            return
        if job.state is not State.SUPERSEDED:
            self._say(job)
            if job.state in _NOTED and (self.notes or self.tags):
                self._say_later_end(job)
        elif self.notes is not None and _was_noted(job):
            # A slow worker may have written the note of an end that a person has retried.
            self.notes.remove_of_job(self._note_key(job.source), job.id)
        # A worker may have stored or cached a result and crashed before the job was superseded.
        may_have_stored = job.result is not None or job.attempts or job.reused is not None
        if self.removals is not None and may_have_stored:
            # The source may have been deleted while the result was being stored.
            head = self.latest_versions.newest(job.source.ref)
            if head is not None and job.why_superseded_by(head) is Reason.SOURCE_DELETED:
                self._remove(job.source, order=head.order)
            elif job.reason is Reason.SOURCE_DELETED and job.source.version_id is not None:
                # Its version was permanently deleted, which the key's newest event does not say.
                self._remove(job.source, order=job.source.order, job_id=job.id)

    def deleted(self, source: Source) -> None:
        """Remove the notes and results of a deleted key's uploads."""
        if self.notes is not None:
            self.notes.remove_up_to(self._note_key(source), before(source))
        self._remove(source, order=source.order)

    def version_deleted(self, source: Source) -> None:
        """Remove the note and results of one version that was permanently deleted."""
        if self.notes is not None:
            self.notes.remove_of_job(self._note_key(source), source.job_id)
        self._remove(source, order=source.order, job_id=source.job_id)

    def _remove(self, source: Source, *, order: str, job_id: str | None = None) -> None:
        if self.removals is not None:
            self.removals.remove(
                Removal(bucket=source.bucket, key=source.key, order=order, job_id=job_id)
            )

    def _say(self, job: Job) -> None:
        if self.notes is not None:
            self._note(self.notes, job)
        if self.tags is not None:
            self._tag(self.tags, job)

    def _say_later_end(self, job: Job) -> None:
        """Correct what was said of this end if a person's retry has led to another end since."""
        # A slow worker may write after the later end's worker has removed the note or set the tag.
        current = self.jobs.find(job.id)
        if current is not None and current.state.is_settled and current.state is not job.state:
            self._say(current)

    def _note(self, notes: LatestNotes, job: Job) -> None:
        """Write `<key>.error.json` for the newest upload of a key, or remove it."""
        if job.is_first and not _was_noted(job):
            # No job has written a note for the key: most photos cost no look for one.
            return
        key = self._note_key(job.source)
        if self._is_shown(job):
            if not leaves_a_note(job):
                notes.remove_up_to(key, occasion_of(job))
                return
            notes.put(key, error_note(job, self.terms), job)
            # A deletion or a newer upload that came meanwhile found no note to remove.
            if self._is_shown(job):
                return
        notes.remove_of_job(key, job.id)

    def _is_shown(self, job: Job) -> bool:
        """Whether a read of the key gives the job's photo; by the newest event if S3 denies it."""
        if job.source.version_id is not None:
            with suppress(SourceDeniedError):
                # No event of the key says that its newest version was destroyed.
                return self.shown_versions.shows(job, has_newer=False)
        return job.why_superseded_by(self.latest_versions.newest(job.source.ref)) is None

    def _note_key(self, source: Source) -> str:
        return note_key(
            source.key, upload_prefix=self.upload_prefix, result_prefix=self.result_prefix
        )

    def _tag(self, tags: Uploads, job: Job) -> None:
        # Without versions, a newer upload of the same bytes cannot be told from this one by S3.
        if job.source.version_id is None and not self._is_shown(job):
            return
        try:
            has_room = tags.tag(job.source, STATE_TAG, job.state.value)
        except SourceGoneError:
            return
        if not has_room:
            self.telemetry.log("source not tagged: it has the maximum number of tags")
