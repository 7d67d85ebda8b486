"""The use case of Sweep. It settles no job, so it needs no writer of jobs."""

from __future__ import annotations

from cutout.domain.function_settings import SweepSettings
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.ports import SweepPorts
from cutout.wiring.use_cases.admission import admission_scheduler, gate_limits


def sweep(ports: SweepPorts, settings: SweepSettings) -> Sweep:
    """Compose Sweep."""
    return Sweep(
        backlog=ports.jobs,
        gates=ports.jobs,
        admission=admission_scheduler(ports, gate_limits(settings)),
        submissions=ports.submissions,
        callbacks=ports.callbacks,
        telemetry=ports.telemetry,
        clock=ports.clock,
        resend_after=settings.lease_seconds,
    )
