"""The use cases of operators, composed from the same ports as those of the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cutout.operator.control import Control
from cutout.wiring.use_cases.admission import admission_scheduler

if TYPE_CHECKING:
    from datetime import timedelta

    from cutout.domain.gate import Limits
    from cutout.wiring.ports import GatePorts


def operate(ports: GatePorts, limits: Limits, *, lease: timedelta) -> Control:
    """Compose what an operator does to the gate and to single jobs.

    Args:
        ports: of the stack.
        limits: the gate's limits, as they are deployed.
        lease: Sweep looks at a retried job after this time if its message is lost.
    """
    return Control(
        jobs=ports.jobs,
        gates=ports.jobs,
        admission=admission_scheduler(ports, limits),
        submissions=ports.submissions,
        clock=ports.clock,
        lease=lease,
    )
