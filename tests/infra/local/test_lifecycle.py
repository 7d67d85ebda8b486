"""The status of a folder's local cloud, and stopping it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cutout.cli.aws.target import Target, target_of
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem
from infra.local.env_file import write_env_file
from infra.local.lifecycle import (
    CloudStatus,
    is_like,
    local_variables,
    status,
    stop_local_cloud,
    variables_if_up,
)
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place, place_in
from infra.local.processes.background import ProcessRecord, is_alive, record, spawn, stop
from infra.local.processes.run_ledger import Ledger, read_ledger, write_ledger
from tests.support.local_cloud import MachineClock

CLOCK = MachineClock()
NOBODY = ProcessRecord(name="cutout", pid=os.getpid(), born="long ago")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty checkout."""
    (tmp_path / "functions" / "cutout").mkdir(parents=True)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "app.py").touch()
    return place_in(tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ProcessRecord]:
    """A process in place of the local cloud."""
    argv = [sys.executable, "-I", "-c", "import time; time.sleep(60)"]
    process = spawn("ministack", argv, environment={}, log=tmp_path / "log")
    yield process
    stop(process, CLOCK)


def _bring_up(place: Place, *processes: ProcessRecord) -> Ledger:
    ledger = Ledger(processes=processes, asked={"stack": "Cutout"}, fingerprint="f")
    write_ledger(place.ledger_file, ledger)
    write_env_file(place.env_file, {"CUTOUT_STACK": "Cutout"})
    return ledger


def test_local_cloud_without_a_ledger_is_down(place: Place) -> None:
    """A fresh checkout."""
    assert status(place) is CloudStatus.DOWN
    assert local_variables(place.source) is None


def test_local_cloud_is_up_while_everything_runs(place: Place, process: ProcessRecord) -> None:
    """Then commands anywhere in the project find it."""
    _bring_up(place, process)
    assert status(place) is CloudStatus.UP
    assert local_variables(place.source / "functions" / "cutout") == {"CUTOUT_STACK": "Cutout"}


def test_local_cloud_is_broken_once_a_process_has_ended(
    place: Place, process: ProcessRecord
) -> None:
    """Commands do not use what is left of it."""
    _bring_up(place, process)
    stop(process, CLOCK)
    assert status(place) is CloudStatus.BROKEN
    assert local_variables(place.source) is None


def test_command_does_not_fall_back_to_aws_when_the_local_cloud_has_crashed(
    place: Place, process: ProcessRecord
) -> None:
    """`retry --yes` would cost real money; only --aws selects AWS."""
    _bring_up(place, process)
    stop(process, CLOCK)
    with pytest.raises(Problem, match="has crashed"):
        target_of(Choice(), CliSettings(), place.source)

    assert target_of(Choice(aws=True), CliSettings(), place.source) == Target(stack="Cutout")


def test_full_disk_is_reported_before_a_command_uses_the_cloud(
    place: Place, process: ProcessRecord
) -> None:
    """MiniStack answers with errors of many kinds when it cannot write."""
    _bring_up(place, process)
    with pytest.raises(LocalCloudError, match=r"The disk of .* is full"):
        variables_if_up(place.source, free=lambda _folder: 0)
    assert variables_if_up(place.source, free=lambda _folder: 10**9) == {"CUTOUT_STACK": "Cutout"}


def test_command_does_not_fall_back_to_aws_while_the_local_cloud_starts(place: Place) -> None:
    """A person must select AWS with --aws."""
    write_ledger(place.ledger_file, Ledger(owner=record("cutout", os.getpid())))
    with pytest.raises(Problem, match="being started"):
        target_of(Choice(), CliSettings(), place.source)


def test_local_cloud_is_busy_while_its_owner_runs(place: Place, process: ProcessRecord) -> None:
    """Other commands can use the cloud of a running demo but not start another."""
    owner = record("cutout", os.getpid())
    write_ledger(place.ledger_file, replace(_bring_up(place, process), owner=owner))
    assert status(place) is CloudStatus.BUSY
    assert local_variables(place.source) == {"CUTOUT_STACK": "Cutout"}


def test_local_cloud_is_broken_once_its_owner_was_killed(
    place: Place, process: ProcessRecord
) -> None:
    """No command would stop it."""
    write_ledger(place.ledger_file, replace(_bring_up(place, process), owner=NOBODY))
    assert status(place) is CloudStatus.BROKEN


def test_local_cloud_is_broken_before_the_stack_is_deployed(
    place: Place, process: ProcessRecord
) -> None:
    """Its processes run, but there are no buckets."""
    write_ledger(place.ledger_file, replace(_bring_up(place, process), fingerprint=""))
    assert status(place) is CloudStatus.BROKEN


def test_local_cloud_with_an_unreadable_ledger_is_broken(place: Place) -> None:
    """Incomplete files, and those of another version."""
    place.state.mkdir()
    for content in ("", "{", "[]", '{"processes": []}', '{"owner": 1, "processes": 2}'):
        place.ledger_file.write_text(content)
        assert read_ledger(place.ledger_file) is None
        assert status(place) is CloudStatus.BROKEN


def test_ledger_is_read_as_it_was_written(place: Place, process: ProcessRecord) -> None:
    """Owner, processes, options and fingerprint."""
    ledger = replace(_bring_up(place, process), owner=NOBODY)
    write_ledger(place.ledger_file, ledger)
    assert read_ledger(place.ledger_file) == ledger
    place.ledger_file.unlink()
    assert read_ledger(place.ledger_file) is None


def test_stopping_ends_processes_and_deletes_their_files(
    place: Place, process: ProcessRecord
) -> None:
    """Keys, certificates and temporary files are deleted; logs and the cache stay."""
    _bring_up(place, process)
    for folder in (place.scratch, place.tls, place.cache):
        folder.mkdir(parents=True)
    (place.state / "ministack.log").touch()

    assert stop_local_cloud(place, CLOCK) is True

    assert not is_alive(process)
    assert status(place) is CloudStatus.DOWN
    left = sorted(path.name for path in place.state.iterdir())
    assert left == ["cache", "lock", "ministack.log"]


def test_a_second_interrupt_does_not_interrupt_stopping(
    place: Place, process: ProcessRecord
) -> None:
    """Otherwise a process would keep running."""

    class ImpatientClock(MachineClock):
        def sleep(self, seconds: float) -> None:
            signal.raise_signal(signal.SIGINT)
            super().sleep(seconds)

    _bring_up(place, process)
    heard_before = signal.getsignal(signal.SIGINT)

    stop_local_cloud(place, ImpatientClock())

    assert status(place) is CloudStatus.DOWN
    assert signal.getsignal(signal.SIGINT) is heard_before


def test_stopping_without_a_local_cloud_does_nothing(place: Place) -> None:
    """It returns False."""
    assert stop_local_cloud(place, CLOCK) is False


def test_local_cloud_has_the_options_it_was_started_with(place: Place) -> None:
    """So that a command can refuse settings that would have no effect."""
    _bring_up(place)
    assert is_like(place, {"stack": "Cutout"})
    assert not is_like(place, {"stack": "Cutout", "max_in_flight": "9"})
