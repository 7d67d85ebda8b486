"""The README's commands, settings, states and links are those of the project."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cutout.cli.entry import cutout as cli
from cutout.domain.states import State
from infra.settings.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def _shell_lines() -> Iterator[str]:
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            yield line.removeprefix("$ ").partition(" #")[0].strip()


COMMANDS = sorted({line for line in _shell_lines() if line.startswith("cutout ")})
TARGETS = sorted(
    {target for line in _shell_lines() for target in re.findall(r"make ([a-z]+)", line)}
)
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)\)", README)))


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one_that_the_command_line_takes(line: str) -> None:
    """Its name, its options and how many arguments it wants."""
    _program, name, *arguments = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"there is no command {name}"
    context = command.make_context(name, [], resilient_parsing=True)
    _values, rest, _order = command.make_parser(context).parse_args(arguments)
    assert rest == []


@pytest.mark.parametrize("target", TARGETS)
def test_each_make_target_exists(target: str) -> None:
    """Copied from the page, it works."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", LINKS)
def test_each_link_leads_to_a_file_of_the_project(link: str) -> None:
    """Nothing leads nowhere."""
    assert (ROOT / link).exists()


def test_every_setting_is_in_the_table() -> None:
    """And no other is."""
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(Settings.names())


def test_every_state_is_in_the_table() -> None:
    """In the order of a photo's life."""
    table = README.partition("### Where a photo can stand")[2].partition("\n### ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [state.value for state in State]
