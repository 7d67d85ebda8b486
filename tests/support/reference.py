"""The parts of the pages that are generated from the code.

    python -m tests.support.reference

writes the table of settings into `infra/README.md`, that of reasons into `events/README.md`, and
the help of every command into `functions/cutout/cli/README.md`.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

import click

from cutout.cli.entry import cutout as cli
from cutout.domain.reasons import Reason
from infra.settings.setting_fields import SettingFields

ROOT: Final = Path(__file__).parents[2]
SETTINGS_PAGE: Final = "infra/README.md"
REASONS_PAGE: Final = "events/README.md"
COMMANDS_PAGE: Final = "functions/cutout/cli/README.md"
_WIDTH: Final = 92
_TABLE: Final = re.compile(r"(?<=<!-- make reference -->\n).*?(?=<!-- end -->)", re.DOTALL)


def generated() -> Mapping[str, str]:
    """Return the generated pages, whole, by their path in the project."""
    return {
        SETTINGS_PAGE: _with_table(SETTINGS_PAGE, _settings()),
        REASONS_PAGE: _with_table(REASONS_PAGE, _reasons()),
        COMMANDS_PAGE: _commands(),
    }


def _with_table(page: str, table: str) -> str:
    return _TABLE.sub(lambda _: table, (ROOT / page).read_text(encoding="utf-8"), count=1)


def _reasons() -> str:
    rows = [f"| `{reason}` | {reason.meaning} |" for reason in Reason]
    return "\n".join(["| reason | meaning |", "|---|---|", *rows]) + "\n"


def _settings() -> str:
    rows = ["| name | default | values | meaning |", "|---|---|---|---|"]
    meanings = _meanings()
    for one in fields(SettingFields):
        meaning = " ".join(meanings[one.name].split()).replace("|", r"\|")
        values = one.metadata["values"].replace(f"such as {_shown(one.default)}", "")
        rows.append(f"| `{one.name}` | {_shown(one.default)} | {values} | {meaning} |")
    return "\n".join(rows) + "\n"


def _meanings() -> Mapping[str, str]:
    """Read the string below each field of the class, by the field's name."""
    [tree] = ast.parse(inspect.getsource(SettingFields)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(below, ast.Expr), f"{field.target.id} has no docstring"
            found[field.target.id] = str(ast.literal_eval(below.value))
    return found


def _shown(default: object) -> str:
    if default is None or default in {"", ()}:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


def _commands() -> str:
    group = cli.make_context("cutout", [], resilient_parsing=True, terminal_width=_WIDTH)
    parts = ["# The command line\n", "Written by `make reference` from the commands' own help.\n"]
    parts.append(_block(group))
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        assert command is not None
        parts.append(f"## {name}\n")
        parts += _blocks(command, name, group)
    return "\n".join(parts)


def _blocks(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """Yield the help of a command and, if it is a group, of those in it."""
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH
    )
    yield _block(context)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _blocks(inner, str(inner.name), context)


def _block(context: click.Context) -> str:
    return f"```text\n{context.get_help()}\n```\n"


def main() -> None:
    """Write the pages."""
    for name, text in generated().items():
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
