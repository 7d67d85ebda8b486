"""The server that the functions use as Evolink: the stand-in, which it starts, or another."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.evolink.options import API_KEYS, CONTROL_TOKEN
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place
from infra.local.processes.background import ProcessRecord, spawn, wait_until_ready
from infra.local.processes.loopback import LOOPBACK
from infra.local.processes.waiting import Clock
from infra.settings.settings import KEYS_PAGE, Settings
from infra.settings.value_rules import SettingError, is_loopback

LIVE_SETTINGS: Mapping[str, str] = {
    "callbacks": "false",
    "input_transport": "files",
    "first_poll_seconds": "15",
    "poll_interval_seconds": "15",
}
"""No callback can reach a laptop, and Evolink cannot read a bucket on it."""


@dataclass(frozen=True, kw_only=True)
class ProviderServer:
    """A server that the functions use as Evolink, and the settings of the stack that it needs.

    The URL is that of both APIs; None means the real ones. The token is for the stand-in's control
    routes; the stand-in is started if there is a port.
    """

    url: str | None = None
    key: str = field(repr=False)
    control_token: str = field(default="", repr=False)
    port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def reaches_outside(self) -> bool:
        """Whether the functions send requests to servers that are not on loopback."""
        return self.url is None or not is_loopback(urlsplit(self.url).hostname or "")

    def stack_settings(self) -> dict[str, str]:
        """Return the settings of the stack for this server."""
        urls = {"evolink_base_url": self.url, "evolink_files_url": self.url} if self.url else {}
        return urls | dict(self.settings)


def stand_in(port: int) -> ProviderServer:
    """Return the stand-in on this port, with a generated key."""
    url = f"http://{LOOPBACK}:{port}"
    key = f"local-{secrets.token_urlsafe(18)}"
    return ProviderServer(url=url, key=key, control_token=secrets.token_urlsafe(24), port=port)


def other_server(url: str, *, key: str) -> ProviderServer:
    """Return a running server; LocalCloudError if its URL is invalid or is unsafe plain http."""
    try:
        settings = Settings(evolink_base_url=url, allow_loopback=True, ephemeral=True)
    except SettingError as error:
        raise LocalCloudError(
            f"{url!r} is not the base URL of a server with https, or of one on this machine.",
            # The key goes along with every request.
            advice="Use a URL like https://api.example.com: over plain http, others could read the "
            "API key.",
        ) from error
    return ProviderServer(url=settings.evolink_base_url, key=key)


def evolink(key: str | None) -> ProviderServer:
    """Return the real API (Files API in, results polled); LocalCloudError without a key."""
    if key is None:
        raise LocalCloudError(
            "There is no API key.",
            advice=f"Create one at {KEYS_PAGE}, and put it into the environment "
            "variable EVOLINK_API_KEY.",
        )
    return ProviderServer(key=key, settings=LIVE_SETTINGS)


def start_stand_in(
    place: Place,
    api: ProviderServer,
    *,
    authority: Path,
    more_keys: tuple[str, ...] = (),
    arguments: tuple[str, ...] = (),
) -> ProcessRecord:
    """Start the stand-in in the background; it is ready once its ready file exists.

    It trusts the certificate authority when it sends callbacks.
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
    return spawn("evolink", argv, environment=environment, log=place.state / "evolink.log")


def wait_for_stand_in(process: ProcessRecord, place: Place, clock: Clock) -> None:
    """Wait until the stand-in listens; LocalCloudError if it has ended or is not ready in time."""
    log = place.state / "evolink.log"
    wait_until_ready(process, _ready_file(place).exists, clock, log, "The stand-in for Evolink")


def _ready_file(place: Place) -> Path:
    return place.scratch / "evolink.ready"
