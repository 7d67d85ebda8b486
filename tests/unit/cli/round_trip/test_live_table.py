"""The table shown while a command waits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.consoles import console_of, shown_on
from tests.support.cli.jobs import make_job


def _followed(key: str, state: State | None, reason: Reason | None = None) -> TrackedPhoto:
    photo = PhotoFile(path=Path(key), key=key, content_type="image/jpeg")
    job = make_job(key, state=state, reason=reason) if state else None
    return TrackedPhoto(sent=SentPhoto(photo=photo, at=NOON, etag="e", job_id="j"), job=job)


def test_on_a_terminal_a_few_photos_have_a_row_each() -> None:
    """Key, progress, state, time and reason."""
    console = console_of(is_terminal=True)
    with LiveTable(console) as table:
        table.show(
            [
                _followed("a.jpg", None),
                _followed("b.jpg", State.PROCESSING),
                _followed("c.jpg", State.REJECTED, Reason.NOT_A_PHOTO),
                _followed("d.jpg", State.COMPLETED),
            ],
            now=NOON + timedelta(seconds=3),
        )
    rows = [line.split() for line in shown_on(console).splitlines() if ".jpg" in line][-4:]
    assert rows == [
        ["a.jpg", "○○○○○", "uploaded", "3.0", "s"],
        ["b.jpg", "●●●○○", "processing", "3.0", "s"],
        ["c.jpg", "●●●○○", "rejected", "4.0", "s", "not-a-photo"],
        ["d.jpg", "●●●●●", "completed", "4.0", "s"],
    ]


def test_on_a_terminal_many_photos_are_counted_and_only_open_ones_listed() -> None:
    """A thousand rows would be unreadable."""
    console = console_of(is_terminal=True)
    photos = [_followed(f"{number}.jpg", State.COMPLETED) for number in range(28)]
    photos += [_followed("slow.jpg", State.PROCESSING), _followed("new.jpg", None)]
    with LiveTable(console) as table:
        table.show(photos, now=NOON)
    shown = shown_on(console)
    assert "28 of 30" in shown
    assert "28 completed, 1 processing, 1 uploaded" in shown
    assert "slow.jpg" in shown
    assert "27.jpg" not in shown


def test_without_a_terminal_only_changes_are_printed() -> None:
    """A log has a line for each change, not for each poll."""
    console = console_of(is_terminal=False)
    with LiveTable(console) as table:
        for state in (None, State.QUEUED, State.QUEUED, State.COMPLETED, State.COMPLETED):
            table.show([_followed("a.jpg", state)], now=NOON)
        table.remark("Something is strange.")
    assert [line.split()[-1] for line in shown_on(console).splitlines()] == [
        "uploaded",
        "queued",
        "completed",
        "strange.",
    ]


def test_names_that_look_like_markup_are_shown_unchanged() -> None:
    """Keys are untrusted text."""
    console = console_of(is_terminal=False)
    with LiveTable(console) as table:
        table.show([_followed("[red]a[/].jpg", None)], now=NOON)
    assert "[red]a[/].jpg" in shown_on(console)


def _rows_of_many(photos: list[TrackedPhoto], width: int) -> list[str]:
    """The lines below the totals, as last shown."""
    console = console_of(is_terminal=True, width=width)
    with LiveTable(console) as table:
        table.show(photos, now=NOON + timedelta(seconds=12))
    return [line.rstrip() for line in shown_on(console).splitlines() if line.strip()][-16:]


def test_of_many_photos_the_active_ones_come_first_and_the_rest_is_counted() -> None:
    """Then waiting ones, then those without a job."""
    photos = [_followed(f"{number}.jpg", None) for number in range(6)]
    photos += [_followed(f"{number}.jpg", State.QUEUED) for number in range(6, 12)]
    photos += [_followed(f"{number}.jpg", State.STORING) for number in range(12, 18)]
    photos += [_followed("done.jpg", State.COMPLETED)]
    *rows, rest = _rows_of_many(photos, 100)
    assert [row.split()[0] for row in rows] == [
        f"{number}.jpg" for number in (*range(12, 18), *range(6, 12), *range(3))
    ]
    assert rest == "and 3 more"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_every_row_shows_the_state_and_the_end_of_the_key(width: int) -> None:
    """Whatever the width of the terminal: the end of a key is the file name."""
    photos = [
        _followed(f"catalog/odd names/shoe {number}.jpg", State.QUEUED, Reason.GATE_PAUSED)
        for number in range(10, 36)
    ]
    *rows, rest = _rows_of_many(photos, width)
    assert rest == "and 11 more"
    for number, row in zip(range(10, 25), rows, strict=True):
        assert f"shoe {number}.jpg  ●○○○○  queued       12 s  gate-p" in row
        assert len(row) <= width
