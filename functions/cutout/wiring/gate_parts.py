"""The ports of the gate, for every function that frees slots and for operators."""

from __future__ import annotations

from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import SweepSettings
from cutout.domain.gate.gate import Limits
from cutout.ports.jobs_table import JobsTable
from cutout.ports.queues import SubmissionQueue
from cutout.ports.telemetry import Clock


@dataclass(frozen=True, kw_only=True)
class GatePorts:
    """The ports by which the gate admits jobs."""

    clock: Clock
    jobs: JobsTable
    submissions: SubmissionQueue


def gate_limits(settings: SweepSettings) -> Limits:
    """The gate's limits, as they are deployed."""
    return Limits(max_in_flight=settings.max_in_flight, daily_credit_cap=settings.daily_credit_cap)
