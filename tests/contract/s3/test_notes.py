"""Error notes in the results bucket: the same tests for the real adapter and the fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cutout.adapters.s3.results_bucket import S3Results
from cutout.ports.buckets import (
    NoteRevision,
    Notes,
    StoredResult,
)
from tests.support.aws_account import Account, s3_with
from tests.support.fakes.buckets import MemoryNotes

KEY = "Söhne & Töchter/rot + weiß 100%/写真 (1).JPG"
NOTE = KEY + ".error.json"
EARLIER = NoteRevision(order="00AB", version=3, at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC))
LATER = NoteRevision(order="00AC", version=2, at=datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def notes(account_or_fake: Account | None) -> Iterator[Notes]:
    """An empty bucket with versioning."""
    if account_or_fake is None:
        yield MemoryNotes()
        return
    with s3_with(account_or_fake, "results", versioned=["results"]) as client:
        yield S3Results(client, "results")


def noted(
    notes: Notes, occasion: NoteRevision, *, replacing: StoredResult | None, text: str = "{}"
) -> bool:
    """Write an error note."""
    return notes.write(NOTE, text, job_id="0f", occasion=occasion, replacing=replacing)


def test_current_note_has_job_and_revision(notes: Notes) -> None:
    """None at first; the revision's time is exact to the microsecond."""
    assert notes.current(NOTE) is None
    assert noted(notes, EARLIER, replacing=None)
    standing = notes.current(NOTE)
    assert standing is not None
    assert (standing.job_id, standing.occasion) == ("0f", EARLIER)
    assert standing.occasion is not None
    assert standing.occasion.at == EARLIER.at


def test_note_replaces_only_the_one_that_was_seen(notes: Notes) -> None:
    """As with results."""
    assert noted(notes, EARLIER, replacing=None)
    assert not noted(notes, LATER, replacing=None)
    first = notes.current(NOTE)
    assert noted(notes, LATER, replacing=first, text='{"a": 1}')
    assert not noted(notes, EARLIER, replacing=first)
    second = notes.current(NOTE)
    assert second is not None
    assert second.occasion == LATER


def test_removed_note_is_gone_and_can_be_written_again(notes: Notes) -> None:
    """A bucket with versioning keeps it behind a delete marker."""
    assert noted(notes, EARLIER, replacing=None)
    standing = notes.current(NOTE)
    assert standing is not None
    assert notes.remove(NOTE, standing)
    assert notes.current(NOTE) is None
    assert noted(notes, LATER, replacing=None)


def test_revisions_compare_by_upload_first_and_then_by_the_jobs_version() -> None:
    """A newer upload's note is the later one; no clock decides, since workers' clocks differ."""
    assert EARLIER < LATER
    assert replace(EARLIER, version=4, at=EARLIER.at - timedelta(minutes=5)) > EARLIER
