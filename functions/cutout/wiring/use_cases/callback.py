"""The use case of ReceiveCallback."""

from __future__ import annotations

from cutout.usecases.callback.receive_callback import ReceiveCallback
from cutout.wiring.ports import CallbackPorts


def receive_callback(ports: CallbackPorts) -> ReceiveCallback:
    """Compose ReceiveCallback."""
    return ReceiveCallback(
        keys=ports.keys,
        task_id_in=ports.task_id_in,
        callbacks=ports.callbacks,
        telemetry=ports.telemetry,
        clock=ports.clock,
    )
