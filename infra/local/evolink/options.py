"""The options of a stand-in."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

API_KEYS = "STANDIN_API_KEYS"
CONTROL_TOKEN = "STANDIN_CONTROL_TOKEN"  # noqa: S105 - a variable's name
"""The command reads secrets from these variables: every user of a machine can read arguments."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How one stand-in behaves; the defaults are the documented contract.

    Attributes:
        api_keys: Bearer keys that are accepted.
        control_token: The token that control requests carry.
        seconds: Shortest and longest duration of a task.
        speed: Stand-in seconds per real second.
        balance: Credits of the account at the start.
        ca_bundle: PEM file of the authorities trusted on outgoing requests; None means OpenSSL's
            default, which SSL_CERT_FILE changes.
        state: SQLite file for tasks and charges; None keeps them in memory.
        max_files: Quota of uploaded files.
        side_limits: Shortest and longest side of an input in pixels.
    """

    api_keys: tuple[str, ...]
    control_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    seconds: tuple[float, float] = (2.0, 5.0)
    speed: float = 1.0
    balance: float = 10_000.0
    ca_bundle: Path | None = None
    state: Path | None = None
    max_files: int = 2000
    side_limits: tuple[float, float] = (240, 7680)
