"""`cutout doctor`: check the deployment."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
from rich.text import Text

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.context import Context
from cutout.cli.doctor import flow_checks, infrastructure_checks, provider_checks
from cutout.cli.doctor.check import CANNOT_CHECK, Check, CheckReport, Checkup, Severity, run_checks
from cutout.cli.local_cloud import checkout_of
from cutout.cli.options.shared_options import timeout_option
from cutout.cli.output.terminal import print_json, print_lines, remark, stderr, stdout
from cutout.cli.output.units import counted
from cutout.cli.stack_command import stack_command

_STACK = "stack"
CHECKS: dict[str, Check] = {
    _STACK: infrastructure_checks.stack,
    "version": infrastructure_checks.version,
    "API key": provider_checks.api_key,
    "signing key": provider_checks.signing_key,
    "callbacks": provider_checks.callbacks,
    "uploads": flow_checks.uploads,
    "functions": infrastructure_checks.functions,
    "triggers": infrastructure_checks.triggers,
    "Sweep": infrastructure_checks.sweep,
    "queues": flow_checks.queues,
    "gate": flow_checks.gate,
    "jobs": flow_checks.jobs,
    "alarms": flow_checks.alarms,
    "clock": provider_checks.clock,
}
_MARKS = {
    Severity.OK: Text("✓", "green"),
    Severity.NOTE: Text("!", "yellow"),
    Severity.PROBLEM: Text("✗", "bold red"),
}


@stack_command(
    "doctor",
    {0: "there are no problems; there may be notes", 1: "there are problems"},
    """
# before the first upload, and whenever photos are late
cutout doctor
""",
    is_impatient=True,
)
@timeout_option("How long to wait for each check.", least=1, default=30.0)
@click.pass_obj
def command(context: Context, stack: Stack, *, timeout: float, as_json: bool) -> int:
    """Check the whole deployment and suggest fixes.

    The checks change nothing and cost nothing: the stack, its version, the API key and the balance,
    the signing key, the callback URL (it must refuse a forged token), the events of uploads,
    functions and their triggers, Sweep, queues and dead letters, the gate, overdue jobs, alarms,
    the clock of this machine.
    """
    checkup = Checkup(stack=stack, now=stack.clock.now(), checkout=checkout_of(context.folder))
    running = _reports(checkup, timeout)
    reports = list(running) if as_json else _print(running)
    problems, notes = (_count(reports, one) for one in (Severity.PROBLEM, Severity.NOTE))
    if as_json:
        print_json(_as_json(reports))
    else:
        if len(reports) < len(CHECKS):
            remark(
                f"{counted(len(CHECKS) - len(reports), 'other check')} of the stack were not run."
            )
        print_lines(stderr(), f"\n{_counted(problems, 'problem')}, {_counted(notes, 'note')}.")
    return 1 if problems else 0


def _reports(checkup: Checkup, timeout: float) -> Iterator[CheckReport]:
    """Run the checks; those of an unreachable stack would all find the same problem."""
    # Alone and first: without the stack there is nothing else to check.
    (stack,) = run_checks(checkup, {_STACK: CHECKS[_STACK]}, timeout_seconds=timeout)
    yield stack
    if stack.blocks_others:
        return
    others = {name: check for name, check in CHECKS.items() if name != _STACK}
    yield from run_checks(checkup, others, timeout_seconds=timeout)


def _print(running: Iterable[CheckReport]) -> list[CheckReport]:
    """Print each report as soon as it and those before it are complete."""
    console, reports = stdout(), []
    width = max(map(len, CHECKS))
    causes: set[str] = set()
    for report in running:
        reports.append(report)
        for number, one in enumerate(report.results):
            name, message, advice = "" if number else report.check, one.message, one.advice
            # One cause, such as a missing permission, may stop several checks.
            if message in causes:
                message, advice = f"{CANNOT_CHECK}, for the same reason", ""
            elif message.startswith(CANNOT_CHECK):
                causes.add(message)
            console.print(_MARKS[one.severity], f"{name:{width}}  {message}")
            if advice and one.severity is not Severity.OK:
                console.print(f"{'':{width + 4}}{advice}", style="bright_black")
    return reports


def _counted(count: int, what: str) -> str:
    return counted(count, what) if count else f"no {what}s"


def _count(reports: Sequence[CheckReport], severity: Severity) -> int:
    """Count results; one cause that stops several checks is one problem."""
    found = [one for report in reports for one in report.results if one.severity is severity]
    causes = {one.message for one in found if one.message.startswith(CANNOT_CHECK)}
    return len(causes) + sum(one.message not in causes for one in found)


def _as_json(reports: Sequence[CheckReport]) -> dict[str, Any]:
    return {
        "problems": _count(reports, Severity.PROBLEM),
        "notes": _count(reports, Severity.NOTE),
        "findings": [
            {
                "check": report.check,
                "severity": one.severity.value,
                "says": one.message,
                "do": one.advice,
            }
            for report in reports
            for one in report.results
        ],
    }
