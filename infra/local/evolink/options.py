"""The options of a stand-in."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.evolink.faults.rule import Rule

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
        price: Credits a task costs.
        public_url: Base of the links in answers; None means the server's own address.
        ca_bundle: PEM file of the authorities trusted on outgoing requests; None means OpenSSL's
            default, which SSL_CERT_FILE changes.
        state: SQLite file for tasks and charges; None keeps them in memory.
        strict_callbacks: Refuse callbacks to private addresses, as documented.
        callback_timeout_seconds: Real seconds that a receiver may take to answer.
        fetch_timeout_seconds: Real seconds that the input's server may take.
        fetches: How often each input is fetched.
        link_hours: Hours until a result link expires.
        file_hours: Hours until an uploaded file expires.
        max_files: Quota of uploaded files.
        side_limits: Shortest and longest side of an input in pixels.
        max_running: Tasks at once above which a create is answered 429; None means no limit.
        workers: Threads that make cut-outs.
        seed: Makes the durations of tasks repeatable.
        rules: Fault rules in force from the start.
    """

    api_keys: tuple[str, ...]
    control_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    seconds: tuple[float, float] = (2.0, 5.0)
    speed: float = 1.0
    balance: float = 10_000.0
    price: float = 5.4
    public_url: str | None = None
    ca_bundle: Path | None = None
    state: Path | None = None
    strict_callbacks: bool = False
    callback_timeout_seconds: float = 10.0
    fetch_timeout_seconds: float = 30.0
    fetches: int = 1
    link_hours: float = 24.0
    file_hours: float = 72.0
    max_files: int = 2000
    side_limits: tuple[float, float] = (240, 7680)
    max_running: int | None = None
    workers: int = 2
    seed: int | None = None
    rules: tuple[Rule, ...] = ()
