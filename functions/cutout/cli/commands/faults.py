"""`cutout faults`: make the stand-in of the local cloud fail on demand."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from cutout.cli.context import Context
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import json_option
from cutout.cli.output.terminal import plain_table, print_json, remark, stdout

# Shown in columns of their own, not among the options of a rule.
_SPELLED = ("where", "fault", "used")


@click.command(
    "faults",
    cls=DocumentedCommand,
    exit_statuses={
        0: "the faults are shown, and set or cleared if you asked for that",
        1: "no stand-in is running here, or there is no such fault",
    },
    example="""
# the next two calls are refused as if the account were empty, and the content of shoes/ is refused
cutout faults create:402,times=2 task:moderated,match=shoes/
cutout put shoes
cutout faults --clear
""",
)
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--list", "lists", is_flag=True, help="List all faults and when each happens.")
@click.option("--clear", is_flag=True, help="Remove the rules in force first.")
@json_option
@click.pass_obj
def command(
    context: Context, *, rules: Sequence[str], lists: bool, clear: bool, as_json: bool
) -> None:
    """Inject faults into the stand-in, to test how Cutout reacts.

    Each RULE is WHERE:FAULT[,NAME=VALUE]... for the stand-in of the local cloud. Without one, the
    rules in force are shown, and how often each was used. A rule has these options: times (how
    often; always without it), after (so many occasions pass first), match (a part of the photo's
    key), each (count for every photo separately), seconds, status, code, message, retry_after.
    """
    found = context.local.faults(rules, clear=clear)
    shown = found["faults" if lists else "rules"]
    if as_json:
        print_json(shown)
    elif lists:
        _print_faults(shown)
    else:
        _print_rules(shown)


def _print_faults(faults: Sequence[Mapping[str, str]]) -> None:
    table = plain_table("fault", "happens on", "what happens")
    for fault in faults:
        table.add_row(f"{fault['where']}:{fault['fault']}", fault["occasion"], fault["what"])
    stdout().print(table)


def _print_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    if not rules:
        remark("No fault is set; `cutout faults --list` lists them.")
        return
    table = plain_table("rule", "used")
    for rule in rules:
        options = [f",{name}={it}" for name, it in rule.items() if name not in _SPELLED and it]
        table.add_row(f"{rule['where']}:{rule['fault']}{''.join(options)}", str(rule["used"]))
    stdout().print(table)
