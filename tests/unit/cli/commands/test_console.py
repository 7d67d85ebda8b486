"""`cutout console` prints its URL and ends with Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cutout.cli.output.problems import Problem
from tests.support.cli.world import World

ROOT = Path(__file__).parents[4]
_PROCESS = """
import sys
from pathlib import Path
from cutout.cli.entry import run_in
from tests.support.cli.world import World

sys.exit(run_in(World(folder=Path()).context(), ["console"]))
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fake world."""
    return World(folder=tmp_path)


def test_a_port_in_use_is_named(world: World) -> None:
    """With advice."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = world.run("console", "--port", str(port))
    assert result.exit_code == 1
    assert f"Port {port} cannot be used" in result.output


def test_a_stack_that_cannot_be_reached_ends_the_command(world: World) -> None:
    """Before a URL is printed."""
    world.refuses = Problem("There is no such stack.")
    result = world.run("console")
    assert (result.exit_code, "http://" in result.output) == (1, False)


def test_the_printed_url_works_until_ctrl_c() -> None:
    """Only the URL is on stdout; Ctrl-C ends it without a traceback."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", _PROCESS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client(follow_redirects=True) as client:
            answer = client.get(url)
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=60)
    assert url.startswith("http://127.0.0.1:")
    assert (answer.status_code, "No jobs yet" in answer.text) == (200, True)
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in told
    assert "Uploads go to the-uploads. Ctrl-C ends the console." in told
