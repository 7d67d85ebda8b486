"""The results of a check, and running checks."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.problems import Problem, explained
from cutout.domain.dataclass import dataclass

CANNOT_CHECK = "cannot be checked"
"""The begin of the message of a check that failed itself."""
NO_ANSWER = "no answer"
NO_STACK = "there is no stack"


class Severity(StrEnum):
    """How serious a result is."""

    OK = "ok"
    """In order."""
    NOTE = "note"
    """Worth knowing; photos are processed."""
    PROBLEM = "problem"
    """Photos are not processed, or soon will not be, or nobody would be alerted."""


class CheckResult(NamedTuple):
    """A result of a check: what it found, and what to do about it; no advice means nothing."""

    severity: Severity
    message: str
    advice: str = ""


ok = partial(CheckResult, Severity.OK)
note = partial(CheckResult, Severity.NOTE)
problem = partial(CheckResult, Severity.PROBLEM)


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """The input of the checks.

    Attributes:
        now: the time on this machine.
        checkout: the root of the checkout, if there is one.
    """

    stack: Stack
    now: datetime
    checkout: Path | None


Check = Callable[[Checkup], Iterator[CheckResult]]


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The name of a check and its results."""

    check: str
    results: Sequence[CheckResult]

    @property
    def blocks_others(self) -> bool:
        """Whether checks of the same thing would find nothing else."""
        return any(
            one.message.startswith((CANNOT_CHECK, NO_ANSWER, NO_STACK)) for one in self.results
        )


def run_checks(
    checkup: Checkup, checks: dict[str, Check], *, timeout_seconds: float
) -> Iterator[CheckReport]:
    """Run all checks at the same time, and yield their reports in the order of the checks."""
    answers: dict[str, SimpleQueue[Sequence[CheckResult]]] = {}
    for name, check in checks.items():
        answers[name] = SimpleQueue()
        arguments = (check, checkup, answers[name])
        # A check that hangs must not keep the process from ending.
        threading.Thread(target=_run, args=arguments, name=name, daemon=True).start()
    for name, answer in answers.items():
        try:
            results = answer.get(timeout=timeout_seconds)
        except Empty:
            # Its thread cannot be stopped; it ends with the process.
            advice = "Try again, or with `--timeout 60`; check the network."
            results = [problem(f"{NO_ANSWER} within {timeout_seconds:g} s", advice)]
        yield CheckReport(check=name, results=results)


def _run(check: Check, checkup: Checkup, answer: SimpleQueue[Sequence[CheckResult]]) -> None:
    found: list[CheckResult] = []
    try:
        with explained():
            found.extend(check(checkup))
    except Problem as refused:
        found.append(problem(f"{CANNOT_CHECK}: {refused.message}", refused.advice))
    except Exception as error:  # noqa: BLE001 - an edge: one check must not stop the others
        message = f"{CANNOT_CHECK}: {type(error).__name__}: {error}"
        found.append(problem(message, "Check it by hand, and report this error to the project."))
    answer.put(found)
