"""ReceiveCallback: its ports on AWS, and its use case on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cutout.adapters.secrets import signing_keys
from cutout.adapters.sqs import SqsCallbacks
from cutout.adapters.system_clock import SystemClock
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import ReceiveSettings
from cutout.ports.provider_api import KeyRing
from cutout.ports.queues import TaskCheckQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.callback.receive_callback import ReceiveCallback
from cutout.wiring.aws_clients import Clients
from cutout.wiring.chosen_provider import task_id_of_callback
from cutout.wiring.environment_reader import read_settings


@dataclass(frozen=True, kw_only=True)
class ReceivePorts:
    """The ports of ReceiveCallback, and what reads the provider's callbacks."""

    keys: KeyRing
    task_id_in: Callable[[bytes | str], str | None]
    callbacks: TaskCheckQueue
    telemetry: Telemetry
    clock: Clock


def build(environment: Mapping[str, str], telemetry: Telemetry) -> ReceiveCallback:
    """Compose ReceiveCallback on AWS; SettingsError if the environment is incomplete."""
    settings = read_settings(ReceiveSettings, environment)
    clients = Clients(environment)
    # The provider waits for the answer, so both are made before the first callback.
    clients.connect("secretsmanager", "sqs")
    ports = ReceivePorts(
        keys=signing_keys(clients.secrets, settings.signing_key_secret),
        task_id_in=task_id_of_callback,
        callbacks=SqsCallbacks(clients.sqs, settings.callbacks_queue_url),
        telemetry=telemetry,
        clock=SystemClock(),
    )
    return receive_use_case(ports)


def receive_use_case(ports: ReceivePorts) -> ReceiveCallback:
    """Compose ReceiveCallback on its ports."""
    return ReceiveCallback(
        keys=ports.keys,
        task_id_in=ports.task_id_in,
        callbacks=ports.callbacks,
        telemetry=ports.telemetry,
        clock=ports.clock,
    )
