"""The commands as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cutout.cli.entry import cutout
from cutout.cli.manual import DocumentedCommand

COMMANDS = [
    "demo",
    "up",
    "down",
    "put",
    "ls",
    "where",
    "show",
    "audit",
    "costs",
    "retry",
    "render",
    "backfill",
    "pause",
    "resume",
    "limits",
    "watch",
    "dashboard",
    "redrive",
    "doctor",
]
CUTOUT = Path(sys.executable).with_name("cutout")


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(cwd), "PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(  # noqa: S603 - our own command
        [CUTOUT, *arguments], cwd=cwd, env=home, capture_output=True, text=True, check=False
    )


def _command(name: str) -> DocumentedCommand:
    command = cutout.get_command(click.Context(cutout), name)
    assert isinstance(command, DocumentedCommand)
    return command


def test_all_commands_are_listed() -> None:
    """In the order in which one meets them."""
    assert cutout.list_commands(click.Context(cutout)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_worked_example_and_its_exit_statuses(name: str) -> None:
    """In its help, with the example as one would type it."""
    command = _command(name)
    help_text = command.get_help(click.Context(command, info_name=f"cutout {name}"))
    assert f"cutout {name}" in command.example
    assert f"Example:\n  {command.example.strip().splitlines()[0]}\n" in help_text + "\n"
    assert set(command.exit_statuses) == {0, 1, 2, 130}


@pytest.mark.parametrize(
    "name", ["demo", "up", "put", "ls", "where", "audit", "costs", "retry", "backfill"]
)
def test_whatever_prints_data_prints_json(name: str) -> None:
    """For programs."""
    assert "--json" in [flag for option in _command(name).params for flag in option.opts]


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_explained(name: str) -> None:
    """Every option has a help text."""
    options = [one for one in _command(name).params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_without_credentials_or_a_cloud_the_way_out_is_told(tmp_path: Path) -> None:
    """A fresh machine gets a sentence, not a traceback."""
    told = _run("ls", "--region", "eu-central-1", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: There are no AWS credentials.\nStart a local cloud")


def test_outside_of_a_checkout_up_says_where_it_works(tmp_path: Path) -> None:
    """The stack's sources have to be there."""
    told = _run("up", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith("Error: There is no checkout of Cutout in this folder.\n")


def test_an_unknown_command_is_a_wrong_command_line(tmp_path: Path) -> None:
    """With the status 2 and a hint."""
    told = _run("fly", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "No such command 'fly'" in told.stderr


def test_the_version_is_the_projects(tmp_path: Path) -> None:
    """`cutout --version` needs nothing else."""
    assert _run("--version", cwd=tmp_path).stdout.startswith("cutout 0.")
