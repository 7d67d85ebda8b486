"""Enqueuing waiting jobs when the gate has free slots, and changing the gate on its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate import Gate, Limits
from cutout.domain.job.conflicts import GateMovedError
from cutout.ports.jobs_table import Backlog, Gates
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock

T = TypeVar("T")
GateRule = Callable[[Gate], Gate]
GATE_TRIES = 12
"""Few workers write the gate. After this many lost races the queue delivers the message again."""


@dataclass(frozen=True, kw_only=True)
class AdmissionScheduler:
    """Enqueues waiting jobs for Submit, as many as the gate has free slots."""

    gates: Gates
    backlog: Backlog
    submissions: SubmissionQueue
    clock: Clock
    limits: Limits

    def enqueue_waiting(self, most: int | None = None) -> None:
        """Enqueue the oldest waiting jobs. A job that finds no free slot keeps waiting.

        Args:
            most: the most jobs to enqueue. Callers that run often pass a small number; otherwise
                they enqueue duplicates for slots already promised to others.
        """
        gate = self.gates.read_gate()
        if gate.why_closed(self.limits, self.clock.now()) is not None:
            return
        room = gate.free_slots(self.limits)
        waiting = self.backlog.waiting(room if most is None else min(room, most))
        if waiting:
            self.submissions.enqueue(waiting)


def change_gate(gates: Gates, rule: GateRule) -> Gate:
    """Apply a rule to the current gate and write it.

    Raises:
        StoreBusyError: the gate is written too often.
    """

    def change(gate: Gate) -> Gate:
        changed = rule(gate)
        return gate if changed == gate else gates.write_gate(changed)

    return with_gate(gates, change)


def with_gate(gates: Gates, act: Callable[[Gate], T]) -> T:
    """Act on the gate as it is read, and again each time that another worker wrote it first.

    Args:
        gates: where the gate is read.
        act: writes the gate, or something else together with it.

    Raises:
        StoreBusyError: the gate is written too often.
    """
    for _ in range(GATE_TRIES):
        with suppress(GateMovedError):
            return act(gates.read_gate())
    raise StoreBusyError("the gate is written too often")
