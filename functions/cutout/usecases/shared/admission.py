"""Enqueuing waiting jobs when the gate has free slots, and changing the gate on its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import Gate, Limits
from cutout.ports.jobs_table import Backlog, GateMovedError, Gates
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock

GateRule = Callable[[Gate], Gate]
GATE_TRIES = 12
"""Lost races for the gate, or for a slot, before the queue delivers the message again."""


@dataclass(frozen=True, kw_only=True)
class AdmissionScheduler:
    """Enqueues waiting jobs for Submit, as many as the gate has free slots."""

    gates: Gates
    backlog: Backlog
    submissions: SubmissionQueue
    clock: Clock
    limits: Limits

    def enqueue_waiting(self) -> None:
        """Enqueue as many of the oldest waiting jobs as the gate has free slots."""
        self.enqueue_for(self.gates.read_gate(self.limits))

    def enqueue_for(self, gate: Gate) -> None:
        """Do so for a gate that was just read. A job that finds no free slot keeps waiting."""
        if gate.why_closed(self.clock.now()) is None:
            self.enqueue_next(gate.free_slots)

    def enqueue_next(self, free_slots: int = 1) -> None:
        """Enqueue the oldest waiting jobs for slots that have become free."""
        self.submissions.enqueue(self.backlog.waiting(free_slots))


def change_gate(gates: Gates, rule: GateRule) -> Gate:
    """Apply a rule to the current gate and write it.

    Raises:
        StoreBusyError: the gate is written too often.
    """
    for _ in range(GATE_TRIES):
        gate = gates.read_gate()
        changed = rule(gate)
        if changed == gate:
            return gate
        with suppress(GateMovedError):
            return gates.write_gate(changed)
    raise StoreBusyError("the gate is written too often")
