"""Sweep: its ports on AWS, and its use case on them. It settles no job and writes none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import SweepSettings
from cutout.domain.gate.gate import Limits
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Telemetry
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.aws_clients import Clients
from cutout.wiring.chosen_provider import terms
from cutout.wiring.environment_reader import read_settings
from cutout.wiring.gate_parts import GatePorts, gate_limits


@dataclass(frozen=True, kw_only=True)
class SweepPorts(GatePorts):
    """The ports of Sweep."""

    callbacks: TaskCheckQueue
    telemetry: Telemetry


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Sweep:
    """Compose Sweep on AWS; SettingsError if the environment is incomplete."""
    settings = read_settings(SweepSettings, environment)
    clients = Clients(environment)
    # Most runs find nothing to send, so the client of SQS is made when the first message is.
    clients.connect("dynamodb")
    ports = SweepPorts(
        clock=SystemClock(),
        jobs=DynamoJobs(Table(clients.dynamodb, settings.jobs_table), terms().usual_price),
        submissions=SqsSubmissions(clients.sqs, settings.submissions_queue_url),
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        telemetry=telemetry,
    )
    return sweep_use_case(ports, gate_limits(settings), settings.lease_seconds)


def sweep_use_case(ports: SweepPorts, limits: Limits, lease: timedelta) -> Sweep:
    """Compose Sweep on its ports."""
    return Sweep(
        backlog=ports.jobs,
        gates=ports.jobs,
        submissions=ports.submissions,
        callbacks=ports.callbacks,
        telemetry=ports.telemetry,
        clock=ports.clock,
        limits=limits,
        resend_after=lease,
    )
