"""Starting the local cloud, when a step fails or is interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.env_file import write_env_file
from infra.local.evolink.model_file import MODEL
from infra.local.lifecycle import CLOUD, SYNTH, CloudStatus, Progress, status, stop_local_cloud
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place, free_bytes, place_in
from infra.local.processes.background import is_alive, record
from infra.local.processes.loopback import choose_ports
from infra.local.processes.run_ledger import Ledger, read_ledger, write_ledger
from infra.local.provider_server import other_server, stand_in
from infra.local.start import CloudRequest, start_local_cloud
from tests.support.cli.clock import HandClock
from tests.support.local_cloud import MachineClock, NoProgress

# Copies the ledger of a moment while processes run, then does what the test needs.
CDK = """
const fs = require('fs');
const command = process.argv[2];
if (command === 'bootstrap') fs.copyFileSync('../cloud.json', '../seen.json');
if (fs.existsSync('../fail-' + command)) { console.error('no ' + command); process.exit(1); }
"""

APP = "import os; os.makedirs(os.environ['CDK_OUTDIR'])"


class Interrupter(NoProgress):
    """Interrupts when a phase ends, and copies the ledger of that moment."""

    def __init__(self, place: Place, phase: str) -> None:
        self._place = place
        self._phase = phase

    def end(self, phase: str, note: str = "") -> None:
        """Interrupt."""
        super().end(phase, note)
        if phase == self._phase:
            shutil.copy(self._place.ledger_file, self._place.state / "seen.json")
            raise KeyboardInterrupt


class Onlooker(NoProgress):
    """Records the arguments of all processes, as any user of the machine could."""

    def __init__(self) -> None:
        self.seen = ""

    def end(self, phase: str, note: str = "") -> None:
        """Record them."""
        super().end(phase, note)
        shown = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, check=True)  # noqa: S607 - wherever it is
        self.seen += shown.stdout.decode(errors="replace")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A checkout with scripts instead of the CDK and its app."""
    infra = tmp_path / "infra"
    script = infra / "cdk/node_modules/aws-cdk/bin/cdk"
    script.parent.mkdir(parents=True)
    script.write_text(CDK)
    (infra / "__init__.py").touch()
    (infra / "app.py").write_text(APP)
    (infra / "cdk.json").write_text('{"context": {}}')
    place = place_in(tmp_path)
    place.state.mkdir()
    return place


def _bring_up(
    place: Place,
    progress: Progress,
    request: CloudRequest | None = None,
    free: Callable[[Path], int] = free_bytes,
    model: Path = MODEL,
) -> None:
    start_local_cloud(
        place,
        request or CloudRequest(),
        progress=progress,
        clock=MachineClock(),
        owner=record("pytest", os.getpid()),
        environment={"PATH": os.defpath, "PYTHONPATH": str(place.source)},
        stays_up=True,
        free=free,
        model=model,
    )


def _assert_nothing_is_left(place: Place, names: list[str]) -> None:
    seen = read_ledger(place.state / "seen.json")
    assert seen is not None
    assert [process.name for process in seen.processes] == names
    assert [process for process in seen.processes if is_alive(process)] == []
    assert status(place) is CloudStatus.DOWN
    assert not place.scratch.exists()
    assert not place.env_file.exists()


class SecondCommand(NoProgress):
    """Runs `up` and `down` while the first command is running."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.told: list[str] = []
        self.were_alive: list[bool] = []

    def end(self, phase: str, note: str = "") -> None:
        """Run both, and check whether the first command's processes still run."""
        super().end(phase, note)
        if phase != CLOUD:
            return
        for run in (
            lambda: _bring_up(self._place, NoProgress()),
            lambda: stop_local_cloud(self._place, HandClock()),
        ):
            with pytest.raises(LocalCloudError) as refused:
                run()
            self.told.append(str(refused.value))
        ledger = read_ledger(self._place.ledger_file)
        assert ledger is not None
        self.were_alive = [is_alive(process) for process in ledger.processes]


def test_only_one_command_at_a_time_starts_or_stops_the_cloud(place: Place) -> None:
    """The others name its process and do not stop what it has started."""
    (place.state / "fail-deploy").touch()
    second = SecondCommand(place)
    with pytest.raises(LocalCloudError, match="no deploy"):
        _bring_up(place, second)
    assert len(second.told) == 2
    for told in second.told:
        assert told.startswith(f"Another command (process {os.getpid()}) is starting or")
    assert second.were_alive == [True, True]
    _assert_nothing_is_left(place, ["ministack", "evolink"])


def test_local_cloud_that_another_command_has_started_is_left_running(place: Place) -> None:
    """Of several commands that found none, one starts it; the others leave it running."""
    write_ledger(place.ledger_file, Ledger(fingerprint="f"))
    write_env_file(place.env_file, {"CUTOUT_STACK": "Cutout"})
    with pytest.raises(LocalCloudError, match="has just started"):
        _bring_up(place, NoProgress())
    assert status(place) is CloudStatus.UP


def test_full_disk_is_reported_whatever_failed_because_of_it(place: Place) -> None:
    """The failing child process cannot write its log either."""
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError, match=r"The disk of .* is full \(4,096 bytes are free\)"):
        _bring_up(place, NoProgress(), free=lambda _folder: 4096)
    _assert_nothing_is_left(place, ["ministack", "evolink"])


def test_failed_step_leaves_no_process_running(place: Place) -> None:
    """MiniStack and the stand-in ran already when the bootstrap failed."""
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError, match="no bootstrap"):
        _bring_up(place, NoProgress())
    _assert_nothing_is_left(place, ["ministack", "evolink"])


@pytest.mark.parametrize("phase", [CLOUD, SYNTH])
def test_interrupt_leaves_no_process_running(place: Place, phase: str) -> None:
    """In every phase."""
    with pytest.raises(KeyboardInterrupt):
        _bring_up(place, Interrupter(place, phase))
    _assert_nothing_is_left(place, ["ministack", "evolink"])


def test_arguments_of_processes_have_no_secret(place: Place) -> None:
    """Every user of a machine can read arguments, but not environments and private files."""
    onlooker = Onlooker()
    api = stand_in(choose_ports(("evolink",), place.ports_file)["evolink"])
    (place.state / "fail-deploy").touch()
    with pytest.raises(LocalCloudError, match="no deploy"):
        _bring_up(place, onlooker, CloudRequest(api=api, stand_in_keys=("second-secret-key",)))
    assert "infra.local.evolink" in onlooker.seen
    assert "infra.local.ministack.serve" in onlooker.seen
    secrets = (api.key, api.control_token, "second-secret-key")
    assert [one for one in secrets if one in onlooker.seen] == []


def test_only_this_user_can_open_the_folders_of_the_state(place: Place) -> None:
    """It contains credentials, private keys and logs; an existing folder is closed, too."""
    place.state.chmod(0o755)
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError):
        _bring_up(place, NoProgress())
    folders = (place.state, place.cache)
    assert [one.stat().st_mode & 0o777 for one in folders] == [0o700, 0o700]


def test_nothing_is_started_without_the_model(place: Place) -> None:
    """The stand-in would end with its reason in a log."""
    with pytest.raises(LocalCloudError, match="The model that removes backgrounds cannot be read"):
        _bring_up(place, NoProgress(), model=place.source / "gone.onnx")
    assert list(place.state.iterdir()) == []


def test_local_cloud_with_another_server_needs_no_model(place: Place) -> None:
    """The start reaches its first step."""
    (place.state / "fail-bootstrap").touch()
    request = CloudRequest(api=other_server("http://localhost:1", key="sk-test"))
    with pytest.raises(LocalCloudError, match="no bootstrap"):
        _bring_up(place, NoProgress(), request, model=place.source / "gone.onnx")


def test_stand_in_that_does_not_start_is_reported_with_its_log(place: Place) -> None:
    """MiniStack, which has started, is stopped."""
    with pytest.raises(LocalCloudError, match="stand-in for Evolink did not start") as caught:
        _bring_up(place, NoProgress(), CloudRequest(stand_in_arguments=("--no-such-option",)))
    assert str(place.state / "evolink.log") in caught.value.advice
    assert "No such option" in (place.state / "evolink.log").read_text()
    assert status(place) is CloudStatus.DOWN


def test_interrupted_synthesis_is_not_complete(place: Place) -> None:
    """The next start synthesizes again."""
    (place.state / "fail-bootstrap").touch()
    with pytest.raises(LocalCloudError):
        _bring_up(place, NoProgress())
    (folder,) = (place.cache / "synth").iterdir()
    assert list(folder.iterdir()) == []
