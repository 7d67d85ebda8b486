"""The text of error notes, their order, and retries after lost races."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from cutout.domain.errors import SourceDeniedError, TransientError
from cutout.ports.buckets import NoteRevision, StoredResult
from cutout.usecases.shared.notes_and_tags import LatestNotes, before, occasion_of
from tests.support.builders import a_job, a_source
from tests.support.fakes.queues import MemoryTelemetry
from tests.support.fakes.world import World

JOB = a_job(version=3, source=a_source(sequencer="0B"))
OCCASION = occasion_of(JOB)
STANDING = StoredResult(etag="e", occasion=replace(OCCASION, version=2), job_id=JOB.id)


@dataclass
class Board:
    """One place for a note, where other writers win a given number of races."""

    standing_: StoredResult | None = None
    races: int = 0
    texts: list[str] = field(default_factory=list)
    removed: int = 0

    def current(self, _key: str) -> StoredResult | None:
        """The current note."""
        return self.standing_

    def write(self, _key: str, text: str, **_facts: object) -> bool:
        """Write the note, or lose the race."""
        self.races -= 1
        if self.races < 0:
            self.texts.append(text)
        return self.races < 0

    def remove(self, _key: str, _waiting: StoredResult) -> bool:
        """Delete the note, or lose the race."""
        self.races -= 1
        self.removed += self.races < 0
        return self.races < 0


def board(notes: Board) -> LatestNotes:
    """The writer of notes under test."""
    shown_versions = World().settlement_effects.shown_versions
    return LatestNotes(notes=notes, shown_versions=shown_versions, telemetry=MemoryTelemetry())  # type: ignore[arg-type]


def test_a_note_is_indented_json() -> None:
    """One field a line, and non-ASCII letters unescaped."""
    notes = Board()
    board(notes).put("a", {"key": "Schuhe/grün.jpg", "code": None}, JOB)
    assert notes.texts == ['{\n  "key": "Schuhe/grün.jpg",\n  "code": null\n}\n']


@pytest.mark.parametrize(("races", "is_done"), [(2, True), (3, False)])
def test_a_note_is_written_or_removed_after_up_to_two_lost_races(
    races: int,
    is_done: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the third, the error goes to the caller and the queue redelivers the message."""
    for is_written in (True, False):
        notes = Board(STANDING, races)
        if is_done:
            change(notes, is_written=is_written)
            assert (len(notes.texts), notes.removed) == (is_written, not is_written)
        else:
            with pytest.raises(TransientError):
                change(notes, is_written=is_written)


def change(notes: Board, *, is_written: bool) -> None:
    """Write a note, or remove it."""
    if is_written:
        board(notes).put("a", {}, JOB)
    else:
        board(notes).remove_up_to("a", OCCASION)


@pytest.mark.parametrize(
    ("occasion", "is_written", "is_removed"),
    [
        (replace(OCCASION, version=2), True, True),
        (OCCASION, False, True),
        (replace(OCCASION, version=4), False, False),
        (replace(OCCASION, order="0C", version=1), False, False),
        (replace(OCCASION, order="0A", version=9), True, True),
        (None, False, False),
    ],
)
def test_a_later_note_stays(
    occasion: NoteRevision | None,
    is_written: bool,  # noqa: FBT001 - a column of the table
    is_removed: bool,  # noqa: FBT001
) -> None:
    """So does a foreign object; a note of the same version may be removed, not written again."""
    notes = Board(replace(STANDING, occasion=occasion))
    board(notes).put("a", {}, JOB)
    board(notes).remove_up_to("a", OCCASION)
    assert (len(notes.texts), notes.removed) == (is_written, is_removed)


@pytest.mark.parametrize(
    ("shown", "is_written"), [("v1", True), ("v2", False), (None, False), ("denied", False)]
)
def test_a_newer_note_is_replaced_if_the_bucket_shows_the_older_photo(
    shown: str | None,
    is_written: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The newer version was destroyed; a read that S3 denies does not say so."""

    class Bucket:
        def version_shown(self, _bucket: str, _key: str) -> str | None:
            if shown == "denied":
                raise SourceDeniedError("S3 answers AccessDenied")
            return shown

    notes = Board(replace(STANDING, occasion=replace(OCCASION, order="0C", version=1)))
    shown_versions = replace(World().settlement_effects.shown_versions, current_versions=Bucket())  # type: ignore[arg-type]
    replace(board(notes), shown_versions=shown_versions).put("a", {}, JOB)
    assert len(notes.texts) == is_written


@pytest.mark.parametrize(
    ("standing", "is_its"),
    [(STANDING, True), (replace(STANDING, job_id="b"), False), (None, False)],
)
def test_only_a_note_of_the_same_job_is_replaced_or_removed(
    standing: StoredResult | None,
    is_its: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Without a note, nothing is done."""
    notes = Board(standing)
    board(notes).replace_of_job("a", {}, JOB)
    board(notes).remove_of_job("a", JOB.id)
    assert (len(notes.texts), notes.removed) == (is_its, is_its)


def test_an_upload_event_is_ordered_before_all_notes_of_its_upload() -> None:
    """And after all notes of older uploads."""
    earliest = datetime(1, 1, 1, tzinfo=UTC)
    source = a_source()
    event = before(source)
    assert (event.order, event.version, event.at) == (source.order, 0, earliest)
