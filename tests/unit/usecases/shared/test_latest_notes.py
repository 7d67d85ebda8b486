"""Notes as they are written: their text, what they are about, and after how many races."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from cutout.domain.errors import TransientError
from cutout.ports.buckets import CurrentNote, NoteRevision
from cutout.usecases.shared.notes_and_tags import LatestNotes, before, occasion_of
from tests.support.builders import a_job, a_source
from tests.support.fakes.queues import MemoryTelemetry

JOB = a_job(version=3, source=a_source(sequencer="0B"))
OCCASION = occasion_of(JOB)
STANDING = CurrentNote(etag="e", occasion=replace(OCCASION, version=2), job_id=JOB.id)


@dataclass
class Board:
    """One place, where somebody else writes first, so many times."""

    standing_: CurrentNote | None = None
    races: int = 0
    texts: list[str] = field(default_factory=list)
    removed: int = 0

    def current(self, _key: str) -> CurrentNote | None:
        """What is said there."""
        return self.standing_

    def write(self, _key: str, text: str, **_facts: object) -> bool:
        """Say this, or lose."""
        self.races -= 1
        if self.races < 0:
            self.texts.append(text)
        return self.races < 0

    def remove(self, _key: str, _waiting: CurrentNote) -> bool:
        """Take it back, or lose."""
        self.races -= 1
        self.removed += self.races < 0
        return self.races < 0


def board(notes: Board) -> LatestNotes:
    """What writes there."""
    return LatestNotes(notes=notes, telemetry=MemoryTelemetry())  # type: ignore[arg-type]


def test_a_note_is_json_for_people() -> None:
    """A field a line, and letters as they are."""
    notes = Board()
    board(notes).put("a", {"key": "Schuhe/grün.jpg", "code": None}, JOB)
    assert notes.texts == ['{\n  "key": "Schuhe/grün.jpg",\n  "code": null\n}\n']


@pytest.mark.parametrize(("races", "is_done"), [(2, True), (3, False)])
def test_a_note_is_written_and_taken_back_after_up_to_two_races(
    races: int,
    is_done: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Then the queue delivers again."""
    for is_written in (True, False):
        notes = Board(STANDING, races)
        if is_done:
            change(notes, is_written=is_written)
            assert (len(notes.texts), notes.removed) == (is_written, not is_written)
        else:
            with pytest.raises(TransientError):
                change(notes, is_written=is_written)


def change(notes: Board, *, is_written: bool) -> None:
    """Write a note there, or take it back."""
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
def test_what_is_said_later_stays(
    occasion: NoteRevision | None,
    is_written: bool,  # noqa: FBT001 - a column of the table
    is_removed: bool,  # noqa: FBT001
) -> None:
    """So does an object of somebody else; the same may be taken back, not said again."""
    notes = Board(replace(STANDING, occasion=occasion))
    board(notes).put("a", {}, JOB)
    board(notes).remove_up_to("a", OCCASION)
    assert (len(notes.texts), notes.removed) == (is_written, is_removed)


@pytest.mark.parametrize(
    ("standing", "is_its"),
    [(STANDING, True), (replace(STANDING, job_id="b"), False), (None, False)],
)
def test_what_is_said_of_one_job_is_amended_or_taken_back_alone(
    standing: CurrentNote | None,
    is_its: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Where nothing is said of it, nothing is done."""
    notes = Board(standing)
    board(notes).replace_of_job("a", {}, JOB)
    board(notes).remove_of_job("a", JOB.id)
    assert (len(notes.texts), notes.removed) == (is_its, is_its)


def test_an_event_comes_before_all_that_is_said_of_its_upload() -> None:
    """And after all that was said of older ones."""
    earliest = datetime(1, 1, 1, tzinfo=UTC)
    source = a_source()
    event = before(source)
    assert (event.order, event.version, event.at) == (source.order, 0, earliest)
