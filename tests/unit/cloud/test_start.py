"""Bringing the local cloud up, when something goes wrong on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cutout.local.api import stand_in
from cutout.local.errors import LocalCloudError
from cutout.local.ledger import read_ledger
from cutout.local.lifecycle import Status, status
from cutout.local.loopback import choose_ports
from cutout.local.place import Place, place_in
from cutout.local.processes import is_alive, record
from cutout.local.progress import CLOUD, SYNTH, NoProgress, Progress
from cutout.local.start import Wish, bring_up
from cutout.local.waiting import MachineClock

# Keeps what the ledger says while things run, then does what the test has in mind.
CDK = """
const fs = require('fs');
const [command, ...rest] = process.argv.slice(2);
if (command === 'synth') fs.mkdirSync(rest[rest.indexOf('--output') + 1], {recursive: true});
if (command === 'bootstrap') fs.copyFileSync('../cloud.json', '../seen.json');
if (fs.existsSync('../fail-' + command)) { console.error('no ' + command); process.exit(1); }
"""


class Interrupter(NoProgress):
    """Presses Ctrl-C when a phase is over, and keeps what the ledger says then."""

    def __init__(self, place: Place, phase: str) -> None:
        self._place = place
        self._phase = phase

    def end(self, phase: str, note: str = "") -> None:
        """Press it."""
        super().end(phase, note)
        if phase == self._phase:
            shutil.copy(self._place.ledger_file, self._place.state / "seen.json")
            raise KeyboardInterrupt


class Onlooker(NoProgress):
    """Any user of the machine: sees the arguments of all processes while the cloud comes up."""

    def __init__(self) -> None:
        self.seen = ""

    def end(self, phase: str, note: str = "") -> None:
        """Look."""
        super().end(phase, note)
        shown = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, check=True)  # noqa: S607 - wherever it is
        self.seen += shown.stdout.decode(errors="replace")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A checkout with a made-up CDK."""
    script = tmp_path / "infra/cdk/node_modules/aws-cdk/bin/cdk"
    script.parent.mkdir(parents=True)
    script.write_text(CDK)
    place = place_in(tmp_path)
    place.state.mkdir()
    return place


def _bring_up(place: Place, progress: Progress, wish: Wish | None = None) -> None:
    bring_up(
        place,
        wish or Wish(),
        progress=progress,
        clock=MachineClock(),
        owner=record("pytest", os.getpid()),
        environment={"PATH": os.defpath},
        stays_up=True,
    )


def _assert_nothing_is_left(place: Place, names: list[str]) -> None:
    seen = read_ledger(place.state / "seen.json")
    assert seen is not None
    assert [process.name for process in seen.processes] == names
    assert [process for process in seen.processes if is_alive(process)] == []
    assert status(place) is Status.DOWN
    assert not place.scratch.exists()
    assert not place.env_file.exists()


def test_a_step_that_fails_leaves_nothing_running(place: Place) -> None:
    """MiniStack and the stand-in ran already when the bootstrap failed."""
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError, match="no bootstrap"):
        _bring_up(place, NoProgress())
    _assert_nothing_is_left(place, ["ministack", "evolink"])


@pytest.mark.parametrize("phase", [CLOUD, SYNTH])
def test_an_interrupt_leaves_nothing_running(place: Place, phase: str) -> None:
    """Whenever it comes."""
    with pytest.raises(KeyboardInterrupt):
        _bring_up(place, Interrupter(place, phase))
    _assert_nothing_is_left(place, ["ministack", "evolink"])


def test_no_secret_is_among_the_arguments_of_a_process(place: Place) -> None:
    """Every user of a machine reads those; environments and private files are this user's."""
    onlooker = Onlooker()
    api = stand_in(choose_ports(("evolink",), place.ports_file)["evolink"])
    (place.state / "fail-deploy").touch()
    with pytest.raises(LocalCloudError, match="no deploy"):
        _bring_up(place, onlooker, Wish(api=api, stand_in_keys=("second-secret-key",)))
    assert "cutout.local.evolink" in onlooker.seen
    assert "cutout.local.ministack_server" in onlooker.seen
    secrets = (api.key, api.control_token, "second-secret-key")
    assert [one for one in secrets if one in onlooker.seen] == []


def test_nobody_else_looks_into_the_folder_of_the_state(place: Place) -> None:
    """It holds credentials, private keys and logs; one of an earlier version is closed, too."""
    place.state.chmod(0o755)
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError):
        _bring_up(place, NoProgress())
    folders = (place.state, place.cache)
    assert [one.stat().st_mode & 0o777 for one in folders] == [0o700, 0o700]


def test_a_stand_in_that_does_not_start_is_told_of_with_its_log(place: Place) -> None:
    """And MiniStack, which did start, is ended."""
    with pytest.raises(LocalCloudError, match="stand-in for Evolink did not start") as caught:
        _bring_up(place, NoProgress(), Wish(stand_in_arguments=("--no-such-option",)))
    assert str(place.logs / "evolink.log") in caught.value.advice
    assert "No such option" in (place.logs / "evolink.log").read_text()
    assert status(place) is Status.DOWN


def test_a_synthesis_that_broke_off_is_not_taken_for_whole(place: Place) -> None:
    """The next start does it again."""
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError):
        _bring_up(place, NoProgress())
    (folder,) = (place.cache / "synth").iterdir()
    assert list(folder.iterdir()) == []
