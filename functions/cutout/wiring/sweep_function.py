"""Sweep: its adapters, and its use case. It settles no job, so it needs no writer of jobs."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.function_settings import SweepSettings
from cutout.ports.telemetry import Telemetry
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.aws_clients import Clients
from cutout.wiring.environment_reader import read_settings
from cutout.wiring.gate_parts import GatePorts, admission_scheduler, gate_limits


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Sweep:
    """Compose Sweep on AWS.

    Raises:
        SettingsError: the environment is incomplete.
    """
    settings = read_settings(SweepSettings, environment)
    clients = Clients(environment)
    # Most runs find nothing to send, so the client of SQS is made when the first message is.
    clients.connect("dynamodb")
    ports = GatePorts(
        clock=SystemClock(),
        jobs=DynamoJobs(Table(clients.dynamodb, settings.jobs_table)),
        submissions=SqsSubmissions(clients.sqs, settings.submissions_queue_url),
    )
    return Sweep(
        backlog=ports.jobs,
        gates=ports.jobs,
        admission=admission_scheduler(ports, gate_limits(settings)),
        submissions=ports.submissions,
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        telemetry=telemetry,
        clock=ports.clock,
        resend_after=settings.lease_seconds,
    )
