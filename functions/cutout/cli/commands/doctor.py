"""``cutout doctor``: is everything as it must be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from cutout.cli.doctor import flow, parts, provider
from cutout.cli.doctor.finding import UNSEEN, Check, Examined, Patient, Severity, examine
from cutout.cli.options.common import (
    LONGEST_SECONDS,
    FiniteRange,
    json_option,
    stack_options,
)
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.problems import explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from infra.local.place import find_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice

CHECKS: dict[str, Check] = {
    "stack": parts.stack,
    "version": parts.version,
    "API key": provider.api_key,
    "signing key": provider.signing_key,
    "callbacks": provider.callbacks,
    "uploads": flow.uploads,
    "functions": parts.functions,
    "triggers": parts.feeds,
    "Sweep": parts.sweep,
    "queues": flow.queues,
    "gate": flow.gate,
    "jobs": flow.jobs,
    "alarms": flow.alarms,
    "clock": provider.clock,
}
_MARKS = {
    Severity.OK: Text("✓", "green"),
    Severity.NOTE: Text("!", "yellow"),
    Severity.PROBLEM: Text("✗", "bold red"),
}


@click.command(
    "doctor",
    cls=DocumentedCommand,
    exit_statuses={0: "nothing is wrong; there may be notes", 1: "something is"},
    example="""
# before the first upload, and whenever something seems wrong
cutout doctor
""",
)
@click.option(
    "--timeout",
    type=FiniteRange(1, LONGEST_SECONDS),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each check.",
)
@json_option
@stack_options
@click.pass_obj
def command(surroundings: Surroundings, *, timeout: float, as_json: bool, choice: Choice) -> int:
    """Look at everything that must be right, and say what to do where it is not.

    All checks run at once, read only, and cost nothing: the stack, the version, the API key and
    the balance, the signing key, the callback URL (a forged token must be refused), the way of
    uploads, functions and their triggers, Sweep, queues and dead letters, the gate, overdue jobs,
    alarms, the clock.
    """
    with explained():
        patient = Patient(
            deployment=surroundings.examine(choice),
            now=surroundings.clock.now(),
            checkout=find_root(surroundings.folder),
        )
    found = examine(patient, CHECKS, timeout_seconds=timeout)
    told = list(found) if as_json else _tell(found)
    problems, notes = (_count(told, one) for one in (Severity.PROBLEM, Severity.NOTE))
    if as_json:
        print_json(_as_json(told))
    else:
        print_lines(talk(), f"\n{_counted(problems, 'problem')}, {_counted(notes, 'note')}.")
    return 1 if problems else 0


def _tell(found: Iterable[Examined]) -> list[Examined]:
    """Print each check as soon as those before it are done."""
    console, told = results(), []
    width = max(map(len, CHECKS))
    unseen: set[str] = set()
    for one in found:
        told.append(one)
        for number, finding in enumerate(one.findings):
            name, says, do = "" if number else one.check, finding.says, finding.do
            if says in unseen:
                says, do = f"{UNSEEN}, for the same reason", ""
            elif says.startswith(UNSEEN):
                unseen.add(says)
            console.print(_MARKS[finding.severity], f"{name:{width}}  {says}")
            if do and finding.severity is not Severity.OK:
                console.print(f"{'':{width + 4}}{do}", style="bright_black")
    return told


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _count(found: Sequence[Examined], severity: Severity) -> int:
    return sum(one.severity is severity for check in found for one in check.findings)


def _as_json(found: Sequence[Examined]) -> dict[str, Any]:
    return {
        "problems": _count(found, Severity.PROBLEM),
        "notes": _count(found, Severity.NOTE),
        "findings": [
            {
                "check": check.check,
                "severity": finding.severity.value,
                "says": finding.says,
                "do": finding.do,
            }
            for check in found
            for finding in check.findings
        ],
    }
