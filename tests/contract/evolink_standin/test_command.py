import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from infra.local.evolink.__main__ import main
from tests.contract.evolink_standin.peers import API_KEY, Client, PhotoHost

TOKEN = "a-control-token"
SECRETS = {"STANDIN_API_KEYS": f"{API_KEY} another", "STANDIN_CONTROL_TOKEN": TOKEN}


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a user does; give the process and the address it prints."""
    command = [sys.executable, "-m", "infra.local.evolink", *arguments]
    environment = {**os.environ, **SECRETS}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 -- own arguments
        assert process.stderr is not None
        try:
            yield process, process.stderr.readline().split()[-1]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(10)


def test_command_serves_until_it_is_stopped(photos: PhotoHost, photo: str, tmp_path: Path) -> None:
    """It makes its ready file; SIGINT ends it with status 0."""
    ready = tmp_path / "ready.json"
    quick = ("--side-limits", "1", "9000", "--seconds", "0", "0")
    with _process("--ready-file", str(ready), *quick) as (process, url):
        task = Client(url=url, token=TOKEN, photos=photos.url).finish(photo)

    assert ready.exists()
    assert (task["status"], process.returncode) == ("completed", 0)


def test_a_killed_process_loses_no_state(photos: PhotoHost, photo: str, tmp_path: Path) -> None:
    """A new process resumes the interrupted task and charges it once."""
    arguments = ("--state", str(tmp_path / "state.db"), "--side-limits", "1", "9000")
    with _process(*arguments, "--seconds", "3600", "3600") as (process, url):
        client = Client(url=url, token=TOKEN, photos=photos.url)
        task_id = client.create(client.create_body(photo)).json()["id"]
        os.kill(process.pid, signal.SIGKILL)
    with _process(*arguments) as (_, url):
        client = Client(url=url, token=TOKEN, photos=photos.url)
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        client.entries(photo, "end", 1)
        sums = client.control("GET", "/_standin/ledger").json()["photos"][photo]

        assert client.read(task_id).json()["status"] == "completed"
    assert sums == {"posts": 1, "tasks": 1, "charges": 1}


def test_invalid_options_are_refused() -> None:
    """Exit status 2, with the reason, before anything is served."""
    complaints = {
        ("--seconds", "-1", "2"): "-1.0 is not in the range x>=0",
        ("--seconds", "long", "2"): "'long' is not a valid float range",
    }

    for arguments, complaint in complaints.items():
        result = CliRunner().invoke(main, [*arguments], env=SECRETS)
        assert (result.exit_code, complaint in result.output) == (2, True), result.output


def test_the_command_needs_a_key() -> None:
    """Keys come from the environment: every user of a machine can read arguments."""
    result = CliRunner().invoke(main, [], env={"STANDIN_API_KEYS": " "})
    assert (result.exit_code, "STANDIN_API_KEYS contains no key" in result.output) == (2, True)
    assert not [one for one in main.params if one.name and "key" in one.name]
