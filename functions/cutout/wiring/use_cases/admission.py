"""Admission at the gate, for every function that releases slots, and for operators."""

from __future__ import annotations

from cutout.domain.function_settings import SweepSettings
from cutout.domain.gate import Limits
from cutout.usecases.shared.admission import AdmissionScheduler
from cutout.wiring.ports import GatePorts


def gate_limits(settings: SweepSettings) -> Limits:
    """The gate's limits, as they are deployed."""
    return Limits(max_in_flight=settings.max_in_flight, daily_credit_cap=settings.daily_credit_cap)


def admission_scheduler(ports: GatePorts, limits: Limits) -> AdmissionScheduler:
    """Compose the scheduler that admits waiting jobs within these limits."""
    return AdmissionScheduler(
        gates=ports.jobs,
        backlog=ports.jobs,
        submissions=ports.submissions,
        clock=ports.clock,
        limits=limits,
    )
