"""Defects of the command line itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.context import Context
from cutout.cli.entry import run_in
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.cli.output.terminal import interruption
from tests.support.cli.clock import HandClock
from tests.support.cli.local_cloud import FakeLocalCloud


def _context(connect: Callable[[Choice], Stack], folder: Path) -> Context:
    return Context(
        settings=CliSettings(),
        folder=folder,
        clock=HandClock(),
        connect=connect,
        local=FakeLocalCloud(),
    )


def test_a_defect_is_reported_in_a_sentence_and_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traceback is only in the file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def connect(choice: Choice) -> Stack:
        assert not choice.is_impatient
        raise ZeroDivisionError("of our own making")

    status = run_in(_context(connect, tmp_path), ["ls"])

    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert "This is a bug in cutout: ZeroDivisionError: of our own making" in told.err
    assert "Traceback" not in told.err
    (report,) = tmp_path.glob("cutout-defect-*.txt")
    assert str(report) in told.err
    assert "in connect\n" in report.read_text()


def test_an_interrupt_has_its_own_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """130, as in shells."""

    def connect(choice: Choice) -> Stack:
        assert not choice.is_impatient
        raise KeyboardInterrupt

    assert run_in(_context(connect, tmp_path), ["ls"]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."

    def connect_and_say(choice: Choice) -> Stack:
        with interruption(lambda: "1 of 2 done."):
            return connect(choice)

    # A command that has printed what it did is not followed by the same word again.
    assert run_in(_context(connect_and_say, tmp_path), ["ls"]) == 130
    assert capsys.readouterr().err.split() == ["Interrupted:", "1", "of", "2", "done."]
