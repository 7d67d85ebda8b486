"""The stand-in for Evolink as a background process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from infra.local.errors import LocalCloudError
from infra.local.evolink.command_line import API_KEYS, CONTROL_TOKEN
from infra.local.processes.background import is_alive, spawn
from infra.local.processes.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from infra.local.place import Place
    from infra.local.processes.background import ProcessRecord
    from infra.local.processes.waiting import Clock
    from infra.local.provider_server import Api

_START_TIMEOUT_SECONDS = 30


def start_stand_in(
    place: Place,
    api: Api,
    *,
    authority: Path,
    more_keys: tuple[str, ...] = (),
    arguments: tuple[str, ...] = (),
) -> ProcessRecord:
    """Start the stand-in in the background; it is ready once its ready file exists.

    Args:
        place: The folders of the local cloud.
        api: Its port, the key that it accepts and its control token.
        authority: The certificate authority that it trusts when it sends callbacks.
        more_keys: Other keys that it accepts.
        arguments: More arguments.
    """
    place.scratch.mkdir(parents=True, exist_ok=True)
    _ready_file(place).unlink(missing_ok=True)
    argv = [
        *(sys.executable, "-P", "-m", "infra.local.evolink"),
        *("--port", str(api.port)),
        *("--ready-file", str(_ready_file(place))),
        *("--ca-bundle", str(authority)),
        *arguments,
    ]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place.scratch),
        "TMPDIR": str(place.scratch),
        API_KEYS: " ".join((api.key, *more_keys)),
        CONTROL_TOKEN: api.control_token,
    }
    return spawn("evolink", argv, environment=environment, log=place.logs / "evolink.log")


def wait_for_stand_in(process: ProcessRecord, place: Place, clock: Clock) -> None:
    """Wait until the stand-in listens.

    Raises:
        LocalCloudError: It has ended, or is not ready in time.
    """
    ready = _ready_file(place)

    def ready_or_ended() -> bool:
        return ready.exists() or not is_alive(process)

    wait_until(ready_or_ended, clock, timeout_seconds=_START_TIMEOUT_SECONDS)
    if not ready.exists():
        raise LocalCloudError(
            "The stand-in for Evolink did not start.",
            advice=f"Its log is {place.logs / 'evolink.log'}.",
        )


def _ready_file(place: Place) -> Path:
    return place.scratch / "evolink.ready"
