"""What happens when the command line itself is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cutout.cli.aws.stack import Stack
from cutout.cli.context import Surroundings
from cutout.cli.entry import run_in
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.target import Choice
from tests.support.cli.clock import HandClock
from tests.support.cli.clouds import HandClouds
from tests.support.fakes.deployment import FakeDeployment


def _surroundings(connect: Callable[[Choice], Stack], folder: Path) -> Surroundings:
    return Surroundings(
        settings=CliSettings(),
        folder=folder,
        clock=HandClock(),
        connect=connect,
        examine=lambda _choice: FakeDeployment(),
        local=HandClouds(),
    )


def test_a_defect_is_told_in_a_sentence_and_kept_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No person is shown a traceback; whoever mends it gets one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def connect(_choice: Choice) -> Stack:
        raise ZeroDivisionError("of our own making")

    status = run_in(_surroundings(connect, tmp_path), ["ls"])

    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert "A defect of cutout stopped it: ZeroDivisionError: of our own making" in told.err
    assert "Traceback" not in told.err
    (report,) = tmp_path.glob("cutout-defect-*.txt")
    assert str(report) in told.err
    assert "in connect\n" in report.read_text()


def test_an_interrupt_has_its_own_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """130, as shells have it."""

    def connect(_choice: Choice) -> Stack:
        raise KeyboardInterrupt

    assert run_in(_surroundings(connect, tmp_path), ["ls"]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."
