"""Sweep, composed from its environment."""

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
from cutout.wiring.ports import SweepPorts
from cutout.wiring.settings import read_settings
from cutout.wiring.use_cases.sweep import sweep


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Sweep:
    """Compose Sweep on AWS.

    Raises:
        SettingsError: the environment is incomplete.
    """
    settings = read_settings(SweepSettings, environment)
    clients = Clients(environment)
    ports = SweepPorts(
        callbacks=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        clock=SystemClock(),
        jobs=DynamoJobs(Table(clients.dynamodb(), settings.jobs_table)),
        submissions=SqsSubmissions(clients.sqs(), settings.submissions_queue_url),
        telemetry=telemetry,
    )
    return sweep(ports, settings)
