"""All commands and the program itself."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cutout.cli.entry import cutout
from cutout.cli.options.help_page import DocumentedCommand, DocumentedGroup
from tests.support.cli.world import World

COMMANDS = [
    "demo",
    "up",
    "down",
    "faults",
    "put",
    "get",
    "ls",
    "where",
    "show",
    "audit",
    "costs",
    "retry",
    "review",
    "render",
    "backfill",
    "pause",
    "resume",
    "limits",
    "watch",
    "console",
    "dashboard",
    "redrive",
    "doctor",
    "completion",
]
INNER = ["review list", "review accept", "review reject"]
CUTOUT = Path(sys.executable).with_name("cutout")


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(cwd), "PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(  # noqa: S603 - our own command
        [CUTOUT, *arguments], cwd=cwd, env=home, capture_output=True, text=True, check=False
    )


def _command(name: str) -> DocumentedCommand | DocumentedGroup:
    name, *inner = name.split()
    command = cutout.get_command(click.Context(cutout), name)
    for word in inner:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert isinstance(command, DocumentedCommand | DocumentedGroup)
    return command


def test_all_commands_are_listed() -> None:
    """In the order of the help page."""
    assert cutout.list_commands(click.Context(cutout)) == COMMANDS


def test_the_list_of_commands_has_the_first_sentence_of_each_help() -> None:
    """It is printed without importing any of them."""
    context = click.Context(cutout, terminal_width=1000, max_content_width=1000)
    listed = cutout.get_help(context).partition("Commands:\n")[2].partition("\n\n")[0]
    lines = [line.split(maxsplit=1) for line in listed.splitlines()]
    assert lines == [[name, _command(name).get_short_help_str(1000)] for name in COMMANDS]


@pytest.mark.parametrize("name", [*COMMANDS, *INNER])
def test_every_command_has_a_worked_example_and_its_exit_statuses(name: str) -> None:
    """The help has the example as it would be typed."""
    command = _command(name)
    help_text = command.get_help(click.Context(command, info_name=f"cutout {name}"))
    assert f"cutout {name}" in command.example
    assert f"Example:\n  {command.example.strip().splitlines()[0]}\n" in help_text + "\n"
    assert set(command.exit_statuses) == {0, 1, 2, 130}


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "up",
        "faults",
        "put",
        "get",
        "ls",
        "where",
        "show",
        "audit",
        "costs",
        "retry",
        *INNER,
        "backfill",
    ],
)
def test_commands_that_print_data_print_json(name: str) -> None:
    """For programs."""
    assert "--json" in [flag for option in _command(name).params for flag in option.opts]


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_of_the_help_is_cut(width: int) -> None:
    """The first sentence of each command is whole; a long one is folded."""
    context = click.Context(cutout, terminal_width=width)
    told = " ".join(cutout.get_help(context).split())
    assert "..." not in told.replace("[ARGS]...", "")
    for name in COMMANDS:
        docstring = " ".join((_command(name).help or "").split())
        assert docstring.partition(". ")[0].rstrip(".") in told


@pytest.mark.parametrize("name", [*COMMANDS, *INNER])
def test_options_are_explained(name: str) -> None:
    """Every option has a help text."""
    options = [one for one in _command(name).params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_without_credentials_or_a_local_cloud_there_is_advice(tmp_path: Path) -> None:
    """A fresh machine gets a sentence, not a traceback."""
    told = _run("ls", "--region", "eu-central-1", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: There are no AWS credentials.\nStart a local cloud")


def _run_with(redirection: str, *, cwd: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run `cutout --help` through a shell with this redirection."""
    environment = {"HOME": str(cwd), "PATH": os.defpath, **more}
    return subprocess.run(  # noqa: S603 - our own command
        ["/bin/sh", "-c", f'"$0" {redirection}', str(CUTOUT)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        ("--help >/dev/full", b"Error: The disk is full."),
        ("ls --help >/dev/full", b"Error: The disk is full."),
        ("--help >&-", b"Error: stdout is closed: redirect it to a file."),
        ("--help >&- 2>&-", b""),
        ("--help 2>&- >/dev/full", b""),
    ],
)
def test_results_that_cannot_be_written_are_an_error(
    tmp_path: Path, redirection: str, said: bytes
) -> None:
    """With status 1. Python itself would print a traceback and exit with 120."""
    told = _run_with(redirection, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (1, b"")
    assert told.stderr.startswith(said)
    assert b"Traceback" not in told.stderr
    assert b"defect" not in told.stderr


_PRINT_AND_FAIL = """
import sys
from cutout.cli import entry
from cutout.cli.output.terminal import stdout
for _ in range(3):
    stdout().print("x" * 100_000)
sys.exit(entry.flushed(3))
"""


def test_a_reader_that_stops_reading_does_not_change_the_exit_status(tmp_path: Path) -> None:
    """`cutout doctor | head -1` fails only if there are problems; nothing is printed."""
    program = (
        f"{shlex.join([sys.executable, '-c', _PRINT_AND_FAIL])} | true; echo ${{PIPESTATUS[0]}}"
    )
    script = ["bash", "-c", program]
    told = subprocess.run(script, cwd=tmp_path, capture_output=True, check=True)  # noqa: S603 - bash
    assert (told.stdout, told.stderr) == (b"3\n", b"")


_LEAVE_SOME = """
import sys
from cutout.cli import entry
from cutout.cli.output import terminal
terminal.print_json({})
sys.exit(entry.flushed(0))
"""


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("/dev/full", 1, b"Error: The results could not be written: No space left on device.\n"),
        ("/dev/null", 0, b""),
    ],
)
def test_an_error_of_the_last_flush_is_reported(
    tmp_path: Path, target: str, status: int, said: bytes
) -> None:
    """The last output is buffered until the end."""
    told = subprocess.run(  # noqa: S603 - a program that is written out above
        ["/bin/sh", "-c", f'"$0" -P -c "$1" >{target}', sys.executable, _LEAVE_SOME],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (status, said)


_PRINT = """
from cutout.cli import entry
from cutout.cli.output import terminal
assert entry.prepare_streams()
terminal.stdout().print("\u5199\u771f.jpg")
terminal.print_json({"key": "\u5199\u771f.jpg"})
"""


def test_characters_that_the_locale_cannot_encode_are_escaped(tmp_path: Path) -> None:
    """A key in another script is not an error."""
    told = subprocess.run(  # noqa: S603 - a program that is written out above
        [sys.executable, "-P", "-c", _PRINT],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout.splitlines()[0] == rb"\u5199\u771f.jpg"
    assert json.loads(told.stdout.partition(b"\n")[2]) == {"key": "\u5199\u771f.jpg"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[default]\ncredential_process = echo no-json\n", "Expecting value"),
        ("[default]\ncredential_process = echo []\n", "'list' object has no attribute"),
        ("[default]\ncredential_process = false\n", "custom-process"),
        ("this is no configuration\n", "Unable to parse config file"),
        ("[profile other]\n", "There are no AWS credentials."),
    ],
)
def test_credentials_that_cannot_be_read_are_an_error(
    tmp_path: Path, config: str, said: str
) -> None:
    """Whatever the files of the AWS CLI hold, it is no defect of ours."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(config)
    told = _run("ls", "--region", "eu-central-1", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert said in told.stderr
    assert "defect" not in told.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300"])
@pytest.mark.parametrize(
    "command",
    [
        ("limits", "--daily-credit-cap"),
        ("put", ".", "--timeout"),
        ("watch", "--every"),
        ("costs", "--cents-per-credit"),
    ],
)
def test_an_invalid_number_is_a_usage_error(
    world: World, command: tuple[str, ...], value: str
) -> None:
    """So is one that is too large."""
    told = world.run(*command, value)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Invalid value for" in told.stderr


def test_outside_of_a_checkout_up_prints_where_it_works(tmp_path: Path) -> None:
    """It needs the stack's sources."""
    told = _run("up", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith("Error: There is no checkout of Cutout in this folder.\n")


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    """With the status 2 and a hint."""
    told = _run("fly", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "No such command 'fly'" in told.stderr


def test_a_mistyped_command_is_corrected(tmp_path: Path) -> None:
    """At once, without loading any."""
    assert "Did you mean 'retry'?" in _run("rety", cwd=tmp_path).stderr


def _told(variables: dict[str, str], folder: Path, *, is_terminal: bool) -> str:
    """The error output with these variables, in a pipe or on a terminal."""
    home = {"HOME": str(folder), "PATH": os.defpath, "TERM": "xterm-256color", **variables}
    reads, writes = pty.openpty() if is_terminal else os.pipe()
    subprocess.run(  # noqa: S603 - our own command
        [CUTOUT, "where", "a.jpg", "--aws"], cwd=folder, env=home, stderr=writes, check=False
    )
    os.close(writes)
    told = os.read(reads, 10_000).decode()
    os.close(reads)
    assert "No AWS region is set" in told
    return told


_RED = re.compile(r"\x1b\[[0-9;]*31m")


@pytest.mark.parametrize(
    ("variables", "is_terminal", "is_red"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colours_follow_the_usual_variables(
    tmp_path: Path, variables: dict[str, str], *, is_terminal: bool, is_red: bool
) -> None:
    """https://no-color.org and https://force-color.org."""
    told = _told(variables, tmp_path, is_terminal=is_terminal)
    assert bool(_RED.search(told)) is is_red


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_calls_the_command(tmp_path: Path, shell: str) -> None:
    """The printed script runs `cutout` with the words typed so far."""
    script = _run("completion", shell, cwd=tmp_path).stdout
    assert f"_CUTOUT_COMPLETE={shell}_complete" in script


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    """As in a shell that evaluated the script."""
    words = (("cutout re", 1), ("cutout retry --include", 2))
    ask = (
        "COMPREPLY=(); COMP_WORDS=({0}) COMP_CWORD={1}; "
        "_cutout_completion cutout; echo ${{COMPREPLY[*]}}"
    )
    lines = ['eval "$(cutout completion bash)"', *(ask.format(*one) for one in words)]
    done = subprocess.run(  # noqa: S603 - our own lines
        ["bash", "-c", "\n".join(lines)],  # noqa: S607 - the shell that there is
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{CUTOUT.parent}{os.pathsep}{os.defpath}"},
        capture_output=True,
        text=True,
        check=False,
    )
    commands, options = done.stdout.splitlines()
    assert set(commands.split()) >= {"retry", "resume", "redrive", "render"}
    assert options == "--include-refused"


def test_the_version_is_that_of_the_project(tmp_path: Path) -> None:
    """`cutout --version` needs nothing else."""
    assert _run("--version", cwd=tmp_path).stdout.startswith("cutout 0.")
