"""Sweep on AWS. It settles no job and writes none."""

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
from cutout.wiring.chosen_provider import terms
from cutout.wiring.environment_reader import read_settings
from cutout.wiring.gate_parts import gate_limits


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Sweep:
    """Compose Sweep on AWS; SettingsError if the environment is incomplete."""
    settings = read_settings(SweepSettings, environment)
    clients = Clients(environment)
    # Most runs find nothing to send, so the client of SQS is made when the first message is.
    clients.connect("dynamodb")
    jobs = DynamoJobs(Table(clients.dynamodb, settings.jobs_table), terms().usual_price)
    return Sweep(
        backlog=jobs,
        gates=jobs,
        submissions=SqsSubmissions(clients.sqs, settings.submissions_queue_url),
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        telemetry=telemetry,
        clock=SystemClock(),
        limits=gate_limits(settings),
        resend_after=settings.lease_seconds,
    )
