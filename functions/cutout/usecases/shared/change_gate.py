"""Changing the gate on its own: its pause, limits, price and notes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import Gate
from cutout.ports.jobs_table import GateMovedError, Gates

GATE_TRIES = 12
"""Lost races for the gate, or for a slot, before the queue delivers the message again."""


def change_gate(gates: Gates, rule: Callable[[Gate], Gate]) -> Gate:
    """Apply a rule to the current gate and write it.

    Raises:
        StoreBusyError: other workers wrote the gate each time.
    """
    for _ in range(GATE_TRIES):
        gate = gates.read_gate()
        changed = rule(gate)
        if changed == gate:
            return gate
        with suppress(GateMovedError):
            return gates.write_gate(changed)
    raise StoreBusyError("other workers wrote the gate each time")
