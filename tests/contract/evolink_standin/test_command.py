import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from click.testing import CliRunner

from infra.local.evolink.command_line import main
from infra.local.evolink.faults.fault_table import ALL_FAULTS
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


def test_the_command_serves_and_stops_when_it_is_told(
    photos: PhotoHost, photo: str, tmp_path: Path
) -> None:
    """The ready file has address, process id and token; SIGINT ends it with status 0."""
    ready = tmp_path / "ready.json"
    quick = ("--side-limits", "1:9000", "--seconds", "0", "--quiet")
    with _process("--ready-file", str(ready), *quick) as (process, url):
        announced = json.loads(ready.read_text())
        task = Client(url=url, token=TOKEN, photos=photos.url).finish(photo)

    assert announced == {"url": url, "pid": process.pid, "control_token": TOKEN}
    assert ready.stat().st_mode & 0o777 == 0o600
    assert (task["status"], process.returncode) == ("completed", 0)


def test_a_killed_process_loses_no_state(photos: PhotoHost, photo: str, tmp_path: Path) -> None:
    """A new process resumes the interrupted task and charges it once."""
    arguments = ("--state", str(tmp_path / "state.db"), "--side-limits", "1:9000", "--quiet")
    with _process(*arguments, "--seconds", "3600") as (process, url):
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


def test_the_command_can_serve_https(authority: trustme.CA, tmp_path: Path) -> None:
    """The printed address starts with https."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(chain))
    certificate.private_key_pem.write_to_path(str(key))

    with _process("--tls-cert", str(chain), "--tls-key", str(key), "--quiet") as (_, url):
        assert url.startswith("https://127.0.0.1:")


def test_every_fault_is_listed_on_request() -> None:
    """One line per fault, starting with its name in rules."""
    result = CliRunner().invoke(main, ["--list-faults"])

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == [
        f"{fault.where}:{fault.name}" for fault in ALL_FAULTS
    ]


def test_invalid_options_are_refused(
    tmp_path: Path,
) -> None:
    """Exit status 2, with the reason, before anything is served."""
    chain = tmp_path / "chain.pem"
    chain.touch()
    complaints = {
        ("--fault", "create:no-such"): "no fault 'no-such' at 'create'",
        ("--fault", "create"): "is not where:fault",
        ("--fault", "create:429,often=7"): "no setting 'often' in a rule",
        ("--seconds", "5:2"): "is not a range",
        ("--seconds", "long"): "is neither a number nor MIN:MAX",
        ("--tls-cert", str(chain)): "--tls-cert and --tls-key need each other",
    }

    for arguments, complaint in complaints.items():
        result = CliRunner().invoke(main, [*arguments], env=SECRETS)
        assert (result.exit_code, complaint in result.output) == (2, True), result.output


def test_the_command_needs_a_key() -> None:
    """Keys come from the environment: every user of a machine can read arguments."""
    result = CliRunner().invoke(main, [], env={"STANDIN_API_KEYS": " "})
    assert (result.exit_code, "STANDIN_API_KEYS contains no key" in result.output) == (2, True)
    assert not [one for one in main.params if "key" in one.name and one.name != "tls_key"]
