"""What is shown while a command works."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from cutout.cli.output.terminal import stdout, width_for
from cutout.cli.photo_files import Photo, SentPhoto
from cutout.cli.progress.phases import Phases
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.states import Reason, State
from tests.support.cli.clock import NOON, HandClock
from tests.support.cli.jobs import make_job


def _console(*, terminal: bool) -> Console:
    """Return what `stderr` returns, with another file behind it."""
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=100,
        color_system=None,
        highlight=False,
        markup=False,
    )


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", console.file.getvalue())


def _followed(key: str, state: State | None, reason: Reason | None = None) -> TrackedPhoto:
    photo = Photo(path=Path(key), key=key, content_type="image/jpeg")
    job = make_job(key, state=state, reason=reason) if state else None
    return TrackedPhoto(sent=SentPhoto(photo=photo, at=NOON, etag="e", job_id="j"), job=job)


def test_on_a_terminal_a_few_photos_have_a_row_each() -> None:
    """Key, how far it is, state, time, and why it stands there."""
    console = _console(terminal=True)
    with LiveTable(console) as board:
        board.show(
            [
                _followed("a.jpg", None),
                _followed("b.jpg", State.PROCESSING),
                _followed("c.jpg", State.REJECTED, Reason.NOT_A_PHOTO),
                _followed("d.jpg", State.COMPLETED),
            ],
            now=NOON + timedelta(seconds=3),
        )
    rows = [line.split() for line in _shown(console).splitlines() if ".jpg" in line][-4:]
    assert rows == [
        ["a.jpg", "○○○○○", "uploaded", "3.0", "s"],
        ["b.jpg", "●●●○○", "processing", "3.0", "s"],
        ["c.jpg", "●●●○○", "rejected", "4.0", "s", "not-a-photo"],
        ["d.jpg", "●●●●●", "completed", "4.0", "s"],
    ]


def test_on_a_terminal_many_photos_are_counted_and_only_what_moves_has_a_row() -> None:
    """A thousand rows would say nothing."""
    console = _console(terminal=True)
    photos = [_followed(f"{number}.jpg", State.COMPLETED) for number in range(28)]
    photos += [_followed("slow.jpg", State.PROCESSING), _followed("new.jpg", None)]
    with LiveTable(console) as board:
        board.show(photos, now=NOON)
    shown = _shown(console)
    assert "28 of 30" in shown
    assert "28 completed, 1 processing, 1 uploaded" in shown
    assert "slow.jpg" in shown
    assert "27.jpg" not in shown


def test_elsewhere_only_changes_are_told() -> None:
    """A log has a line a step, not a line a look."""
    console = _console(terminal=False)
    with LiveTable(console) as board:
        for state in (None, State.QUEUED, State.QUEUED, State.COMPLETED, State.COMPLETED):
            board.show([_followed("a.jpg", state)], now=NOON)
        board.remark("Something is strange.")
    assert [line.split()[-1] for line in _shown(console).splitlines()] == [
        "uploaded",
        "queued",
        "completed",
        "strange.",
    ]


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    """Keys are anybody's text."""
    console = _console(terminal=False)
    with LiveTable(console) as board:
        board.show([_followed("[red]a[/].jpg", None)], now=NOON)
    assert "[red]a[/].jpg" in _shown(console)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_phase_that_is_over_is_told_with_its_time(*, terminal: bool) -> None:
    """Several may go on at once, and each is told when it ends."""
    console, clock = _console(terminal=terminal), HandClock()
    phases = Phases(console, clock)
    with phases.shown():
        phases.begin("cloud")
        clock.sleep(1)
        phases.begin("synth")
        clock.sleep(2)
        phases.end("cloud", "ready")
        clock.sleep(3)
        phases.end("synth")
    lines = [line for line in _shown(console).splitlines() if "✓" in line]
    assert [line[line.index("✓") :].split() for line in lines] == [
        ["✓", "cloud", "3.0", "s", "ready"],
        ["✓", "synth", "5.0", "s"],
    ]
    assert phases.rounded() == {"cloud": 3.0, "synth": 5.0}


def test_a_phase_that_breaks_off_is_told_as_such() -> None:
    """The error itself goes on to the code that explains it."""
    console, clock = _console(terminal=False), HandClock()
    phases = Phases(console, clock)

    def break_off() -> None:
        with phases.shown():
            phases.begin("cloud")
            clock.sleep(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert _shown(console).split() == ["✗", "cloud", "1.0", "s"]
    assert phases.rounded() == {}


def test_results_are_never_cut_where_programs_read_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output that is no terminal has no width."""
    monkeypatch.setenv("COLUMNS", "20")
    stdout().print("a" * 500)
    assert capsys.readouterr().out == "a" * 500 + "\n"


@pytest.mark.parametrize(("columns", "width"), [(200, 200), (72, 72), (40, 72)])
def test_on_a_narrow_terminal_nothing_is_cut_off(columns: int, width: int) -> None:
    """A table that is squeezed into 40 columns loses the ends of its words."""
    assert width_for(columns, is_terminal=True) == width
