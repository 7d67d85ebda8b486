"""The stand-in for Evolink as a background process."""

import sys
from pathlib import Path

from infra.local.evolink.options import API_KEYS, CONTROL_TOKEN
from infra.local.place import Place
from infra.local.processes.background import ProcessRecord, spawn, wait_until_ready
from infra.local.processes.waiting import Clock
from infra.local.provider_server import ProviderServer


def start_stand_in(
    place: Place,
    api: ProviderServer,
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
        **place.environment,
        # Not as arguments, which every user of the machine can read.
        API_KEYS: " ".join((api.key, *more_keys)),
        CONTROL_TOKEN: api.control_token,
    }
    return spawn("evolink", argv, environment=environment, log=place.logs / "evolink.log")


def wait_for_stand_in(process: ProcessRecord, place: Place, clock: Clock) -> None:
    """Wait until the stand-in listens.

    Raises:
        LocalCloudError: It has ended, or is not ready in time.
    """
    log = place.logs / "evolink.log"
    wait_until_ready(process, _ready_file(place).exists, clock, log, "The stand-in for Evolink")


def _ready_file(place: Place) -> Path:
    return place.scratch / "evolink.ready"
