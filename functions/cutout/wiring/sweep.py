"""Sweep, put together. It settles nothing, so it announces nothing."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.domain.gate import Limits
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.admission import AdmissionScheduler
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring.aws_clients import Clients
from cutout.wiring.settings import SweepSettings


def build(environment: Mapping[str, str], telemetry: Telemetry) -> Sweep:
    """Everything Sweep needs, from its environment.

    Raises:
        SettingsError: the environment is incomplete.
    """
    settings = SweepSettings.from_environment(environment)
    clients = Clients(environment)
    store = DynamoJobs(Table(clients.dynamodb(), settings.jobs_table))
    submissions = SqsSubmissions(clients.sqs(), settings.submissions_queue_url)
    limits = Limits(
        max_in_flight=settings.max_in_flight,
        daily_credit_cap=settings.daily_credit_cap,
    )
    clock = SystemClock()
    return Sweep(
        backlog=store,
        gates=store,
        admission=AdmissionScheduler(
            gates=store, backlog=store, submissions=submissions, clock=clock, limits=limits
        ),
        submissions=submissions,
        callbacks=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        telemetry=telemetry,
        clock=clock,
        resend_after=settings.lease_seconds,
    )
