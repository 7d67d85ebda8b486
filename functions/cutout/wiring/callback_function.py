"""ReceiveCallback on AWS."""

from __future__ import annotations

from collections.abc import Mapping

from cutout.adapters.secrets import signing_keys
from cutout.adapters.sqs import SqsCallbacks
from cutout.adapters.system_clock import SystemClock
from cutout.domain.function_settings import ReceiveSettings
from cutout.ports.telemetry import Telemetry
from cutout.usecases.callback.receive_callback import ReceiveCallback
from cutout.wiring.aws_clients import Clients
from cutout.wiring.chosen_provider import task_id_of_callback
from cutout.wiring.environment_reader import read_settings


def build(environment: Mapping[str, str], telemetry: Telemetry) -> ReceiveCallback:
    """Compose ReceiveCallback on AWS; SettingsError if the environment is incomplete."""
    settings = read_settings(ReceiveSettings, environment)
    clients = Clients(environment)
    # The provider waits for the answer, so both are made before the first callback.
    clients.connect("secretsmanager", "sqs")
    return ReceiveCallback(
        keys=signing_keys(clients.secrets, settings.signing_key_secret),
        task_id_in=task_id_of_callback,
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        telemetry=telemetry,
        clock=SystemClock(),
    )
