"""Saying in the results bucket why a photo has no cut-out, and taking it back when it has one.

A note belongs to a key, not to a job: the newest occasion stands. Whoever writes one looks at what
stands there first and writes only over that, and only what is later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.object_keys import note_key
from cutout.domain.states import Reason, State
from cutout.ports.buckets import CurrentNote, NoteRevision, Notes
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.error_note_texts import error_note

_TRIES = 3
NOTED = frozenset({State.REJECTED, State.FAILED, State.REVIEW})
"""The ends that leave a note."""


@dataclass(frozen=True, kw_only=True)
class LatestNotes:
    """Places in the results bucket, each with the latest note or none."""

    notes: Notes
    telemetry: Telemetry

    def put(self, key: str, told: dict[str, Any], *, job_id: str, occasion: NoteRevision) -> None:
        """Say this, unless something as late or later is said there."""
        text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        for current in self._looks(key):
            if current is not None and not self._is_earlier(current, occasion):
                return
            if self.notes.write(key, text, job_id=job_id, occasion=occasion, replacing=current):
                return

    def replace_of_job(
        self, key: str, told: dict[str, Any], *, job_id: str, occasion: NoteRevision
    ) -> None:
        """Say this in place of what was said of the same job; where nothing is said, nothing."""
        current = self.notes.current(key)
        if current is not None and current.job_id == job_id:
            self.put(key, told, job_id=job_id, occasion=occasion)

    def remove_up_to(self, key: str, upto: NoteRevision) -> None:
        """Remove what is said there, unless it is about something later.

        Nothing is removed where nothing stands: in a bucket with versions, that would leave a
        delete marker each time.
        """
        for current in self._looks(key):
            if current is None or not self._is_earlier(current, upto, or_same=True):
                return
            if self.notes.remove(key, current):
                return

    def remove_of_job(self, key: str, job_id: str) -> None:
        """Remove what is said there if it is about this job."""
        current = self.notes.current(key)
        if current is not None and current.job_id == job_id:
            self.notes.remove(key, current)

    def _looks(self, key: str) -> Iterator[CurrentNote | None]:
        """Look at what stands, and once more each time that a condition is lost.

        Raises:
            TransientError: others write there so often that no condition held.
        """
        for _ in range(_TRIES):
            yield self.notes.current(key)
        raise TransientError("the note is written too often")

    def _is_earlier(
        self, current: CurrentNote, than: NoteRevision, *, or_same: bool = False
    ) -> bool:
        if current.occasion is None:
            self.telemetry.log("somebody else's object stands where a note would")
            return False
        return current.occasion < than or (or_same and current.occasion == than)


@dataclass(frozen=True, kw_only=True)
class ErrorNotes:
    """Keeps `<key>.error.json` as the newest upload of the key has it."""

    latest_notes: LatestNotes
    upload_prefix: str
    result_prefix: str

    def write(self, job: Job) -> None:
        """Say why the job's photo has no cut-out, unless something later is said there."""
        self.latest_notes.put(
            self._key(job.source), error_note(job), job_id=job.id, occasion=occasion_of(job)
        )

    def withdraw(self, source: Source, upto: NoteRevision) -> None:
        """Take back what is said of the key, unless it is about something later."""
        self.latest_notes.remove_up_to(self._key(source), upto)

    def withdraw_of_job(self, source: Source) -> None:
        """Take back what is said of this one version, if that is what stands there."""
        self.latest_notes.remove_of_job(self._key(source), source.job_id)

    def _key(self, source: Source) -> str:
        return note_key(
            source.key, upload_prefix=self.upload_prefix, result_prefix=self.result_prefix
        )


def leaves_a_note(job: Job) -> bool:
    """Its end is to be said in the bucket.

    Not of what is our own output: in two deployments that feed each other, each note would be the
    reason for the next.
    """
    return job.state in NOTED and job.reason is not Reason.OWN_OUTPUT


def occasion_of(job: Job) -> NoteRevision:
    """A job as it stands now. The write that records its announcement changes nothing else."""
    version = job.version - 1 if job.is_announced else job.version
    return NoteRevision(order=job.source.order, version=version, at=job.updated_at)


def before(source: Source) -> NoteRevision:
    """Everything that was said of older uploads than this event of the key."""
    return NoteRevision(order=source.order, version=0, at=datetime.min.replace(tzinfo=UTC))
