"""Progress of a running command."""

from __future__ import annotations

import pytest

from cutout.cli.output.terminal import stdout, width_for
from cutout.cli.progress.phases import Phases
from tests.support.cli.clock import HandClock
from tests.support.cli.consoles import console_of, shown_on


@pytest.mark.parametrize("terminal", [True, False])
def test_a_phase_is_printed_with_its_time_when_it_ends(*, terminal: bool) -> None:
    """Several may run at once."""
    console, clock = console_of(is_terminal=terminal), HandClock()
    phases = Phases(console, clock)
    with phases.shown():
        phases.begin("cloud")
        clock.sleep(1)
        phases.begin("synth")
        clock.sleep(2)
        phases.end("cloud", "ready")
        clock.sleep(3)
        phases.end("synth")
    lines = [line for line in shown_on(console).splitlines() if "✓" in line]
    assert [line[line.index("✓") :].split() for line in lines] == [
        ["✓", "cloud", "3.0", "s", "ready"],
        ["✓", "synth", "5.0", "s"],
    ]
    assert phases.rounded() == {"cloud": 3.0, "synth": 5.0}


def test_a_failed_phase_is_printed_as_such() -> None:
    """The error is raised again, for the code that explains it."""
    console, clock = console_of(is_terminal=False), HandClock()
    phases = Phases(console, clock)

    def break_off() -> None:
        with phases.shown():
            phases.begin("cloud")
            clock.sleep(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert shown_on(console).split() == ["✗", "cloud", "1.0", "s"]
    assert phases.rounded() == {}


def test_results_are_never_cut_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other output has no width."""
    monkeypatch.setenv("COLUMNS", "20")
    stdout().print("a" * 500)
    assert capsys.readouterr().out == "a" * 500 + "\n"


@pytest.mark.parametrize(("columns", "width"), [(200, 200), (72, 72), (40, 72)])
def test_on_a_narrow_terminal_nothing_is_cut_off(columns: int, width: int) -> None:
    """A table of 40 columns would lose the ends of its words."""
    assert width_for(columns, is_terminal=True) == width
