"""Notes in the results bucket that say why a photo has no cut-out; removed once it has one.

A note belongs to a key, not to a job: the newest revision stays. A note is written only over the
one that was read, and only if it is newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.object_keys import note_key
from cutout.domain.provider import Terms
from cutout.domain.states import GIVEN_BY_METADATA, State
from cutout.ports.buckets import CurrentNote, NoteRevision, Notes
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.error_note_texts import error_note

_TRIES = 3
NOTED = frozenset({State.REJECTED, State.FAILED, State.REVIEW})
"""The end states for which a note is written."""


@dataclass(frozen=True, kw_only=True)
class LatestNotes:
    """Keys in the results bucket, each with the newest note or none."""

    notes: Notes
    telemetry: Telemetry

    def put(self, key: str, note: dict[str, Any], *, job_id: str, occasion: NoteRevision) -> None:
        """Write the note, unless the current one is as new or newer."""
        text = json.dumps(note, indent=2, ensure_ascii=False) + "\n"
        for current in self._looks(key):
            if current is not None and not self._is_earlier(current, occasion):
                return
            if self.notes.write(key, text, job_id=job_id, occasion=occasion, replacing=current):
                return

    def replace_of_job(
        self, key: str, note: dict[str, Any], *, job_id: str, occasion: NoteRevision
    ) -> None:
        """Replace the note if it is about this job; write none if there is none."""
        current = self.notes.current(key)
        if current is not None and current.job_id == job_id:
            self.put(key, note, job_id=job_id, occasion=occasion)

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
            self.notes.remove(key, current)

    def _looks(self, key: str) -> Iterator[CurrentNote | None]:
        """Read the current note, and again after each lost race.

        Raises:
            TransientError: other writers changed the note each time.
        """
        for _ in range(_TRIES):
            yield self.notes.current(key)
        raise TransientError("the note is written too often")

    def _is_earlier(
        self, current: CurrentNote, than: NoteRevision, *, or_same: bool = False
    ) -> bool:
        if current.occasion is None:
            self.telemetry.log("the key of a note has another object")
            return False
        return current.occasion < than or (or_same and current.occasion == than)


@dataclass(frozen=True, kw_only=True)
class ErrorNotes:
    """Writes `<key>.error.json` for the newest upload of a key.

    Attributes:
        terms: of the provider.
    """

    latest_notes: LatestNotes
    upload_prefix: str
    result_prefix: str
    terms: Terms

    def write(self, job: Job) -> None:
        """Write why the job's photo has no cut-out, unless there is a newer note."""
        note = error_note(job, self.terms)
        self.latest_notes.put(self._key(job.source), note, job_id=job.id, occasion=occasion_of(job))

    def withdraw(self, source: Source, upto: NoteRevision) -> None:
        """Remove the note of the key, unless it is newer than `upto`."""
        self.latest_notes.remove_up_to(self._key(source), upto)

    def withdraw_of_job(self, source: Source) -> None:
        """Remove the note of the key if it is about this version."""
        self.latest_notes.remove_of_job(self._key(source), source.job_id)

    def _key(self, source: Source) -> str:
        return note_key(
            source.key, upload_prefix=self.upload_prefix, result_prefix=self.result_prefix
        )


def leaves_a_note(job: Job) -> bool:
    """Whether the end of the job leaves a note.

    Our own output leaves none: in two deployments that watch each other, each note would cause
    the next one. Nor does a photo that asks to be skipped.
    """
    return job.state in NOTED and job.reason not in GIVEN_BY_METADATA


def occasion_of(job: Job) -> NoteRevision:
    """The job's current revision. The write that marks it as announced does not count."""
    version = job.version - 1 if job.is_announced else job.version
    return NoteRevision(order=job.source.order, version=version, at=job.updated_at)


def before(source: Source) -> NoteRevision:
    """The revision before any note about this upload or deletion, above all older ones."""
    return NoteRevision(order=source.order, version=0, at=datetime.min.replace(tzinfo=UTC))
