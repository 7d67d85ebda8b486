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

    A pair is the least and the most: seconds of a task, and pixels of a side of an input. Without
    `ca_bundle`, OpenSSL's authorities are trusted. Tasks and charges are in `state`, a file of
    SQLite, or in memory. `speed` is stand-in seconds per real second; `balance` is in credits.
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
