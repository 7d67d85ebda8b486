"""The gate of the deployed stack, as a person can change it while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.usecases.shared.change_gate import change_gate
from tests.support.whole_table import WholeTable


@dataclass(frozen=True, kw_only=True)
class GateKeeper:
    """Reads the gate's item and changes it as `cutout limits`, `pause` and `resume` do."""

    jobs: WholeTable

    def read(self) -> Gate:
        """Return the current gate."""
        return self.jobs.read_gate()

    @contextmanager
    def limited_to(self, max_in_flight: int, daily_credit_cap: int = 100_000) -> Iterator[None]:
        """Let so many tasks run at once, for a while."""
        before = self.read().limits
        limits = Limits(max_in_flight=max_in_flight, daily_credit_cap=Decimal(daily_credit_cap))
        change_gate(self.jobs, lambda gate: _limited(gate, limits))
        try:
            yield
        finally:
            change_gate(self.jobs, lambda gate: _limited(gate, before))

    def pause(self) -> None:
        """Pause the gate until a person resumes it."""
        now = datetime.now(UTC)
        change_gate(self.jobs, lambda gate: gate.pausing(PauseReason.OPERATOR, now, None))

    def resume(self) -> None:
        """End a pause."""
        change_gate(self.jobs, Gate.resuming)

    def let_pause_run_out(self) -> None:
        """Let the pause end now: the provider's 15 minutes are no setting."""

        def ended(gate: Gate) -> Gate:
            if gate.pause is None:
                return gate
            return replace(gate, pause=replace(gate.pause, until=datetime.now(UTC)))

        change_gate(self.jobs, ended)


def _limited(gate: Gate, limits: Limits | None) -> Gate:
    return gate.limited(limits)
