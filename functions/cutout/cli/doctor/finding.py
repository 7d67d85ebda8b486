"""What a check finds, and how checks are run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from cutout.cli.output.problems import Problem, explained

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cutout.cli.aws.deployment import Deployment

UNSEEN = "cannot be looked at"
"""So begins what is said of a check that did not come to an end."""


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    """As it should be."""
    NOTE = "note"
    """Worth knowing; photos come through."""
    PROBLEM = "problem"
    """Photos do not come through, or will not, or nobody would know."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check says of one thing.

    Attributes:
        says: how it stands.
        do: what to do about it; empty if nothing.
    """

    severity: Severity
    says: str
    do: str = ""


def ok(says: str) -> Finding:
    """As it should be."""
    return Finding(severity=Severity.OK, says=says)


def note(says: str, do: str = "") -> Finding:
    """Worth knowing."""
    return Finding(severity=Severity.NOTE, says=says, do=do)


def problem(says: str, do: str) -> Finding:
    """Something is wrong."""
    return Finding(severity=Severity.PROBLEM, says=says, do=do)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Whom the checks look at.

    Attributes:
        now: the time here.
        checkout: the folder of the sources, if there is one.
    """

    deployment: Deployment
    now: datetime
    checkout: Path | None


Check = Callable[[Patient], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A check's name and what it found."""

    check: str
    findings: Sequence[Finding]


def examine(
    patient: Patient, checks: dict[str, Check], *, timeout_seconds: float
) -> Iterator[Examined]:
    """Run all checks at once; the order of their answers is that of the checks.

    A check that takes too long is a finding and is left behind, as nothing can end it: its thread
    goes with the process.
    """
    answers: dict[str, SimpleQueue[Sequence[Finding]]] = {}
    for name, check in checks.items():
        answers[name] = SimpleQueue()
        arguments = (check, patient, answers[name])
        threading.Thread(target=_run, args=arguments, name=name, daemon=True).start()
    for name, answer in answers.items():
        try:
            found = answer.get(timeout=timeout_seconds)
        except Empty:
            found = [_too_slow(timeout_seconds)]
        yield Examined(check=name, findings=found)


def _run(check: Check, patient: Patient, answer: SimpleQueue[Sequence[Finding]]) -> None:
    found: list[Finding] = []
    try:
        with explained():
            found.extend(check(patient))
    except Problem as refused:
        found.append(problem(f"{UNSEEN}: {refused.message}", refused.advice))
    except Exception as error:  # noqa: BLE001 - a check is an edge: what it cannot take is a finding
        said = f"{UNSEEN}: {type(error).__name__}: {error}"
        found.append(problem(said, "Look at it by hand, and report this to the project."))
    answer.put(found)


def _too_slow(seconds: float) -> Finding:
    says = f"no answer within {seconds:g} s"
    return problem(says, "Try again, or with `--timeout 60`; check the network.")
