"""Runs MiniStack in this process, with another interpreter for the functions.

Usage: python -m infra.local.ministack.serve PORT CHAIN KEY INTERPRETER
"""

import asyncio
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import Framework

from infra.local.browser_guard import ProgramsOnly
from infra.local.ministack.cloudformation_encryption import add_encryption
from infra.local.ministack.cloudwatch_metrics import add_metrics
from infra.local.ministack.corrections import apply_corrections
from infra.local.processes.loopback import LOOPBACK

_KEEP_ALIVE_SECONDS = 75
# Routes that MiniStack serves without credentials, and that the project does not use.
_CLOSED = frozenset(
    f"/_ministack/{path}"
    for path in ("reset", "config", "sqs/messages", "ses/messages", "sns/sms-messages")
)


def main(port: str, chain: str, key: str, interpreter: str) -> None:
    """Serve until a signal ends the process."""
    # MiniStack starts Python functions with sys.executable.
    sys.executable = interpreter
    # Not its `main`, which also opens port 443 if permitted and leaves a pid file behind.
    from ministack.app import app  # noqa: PLC0415 - reads its environment when imported

    apply_corrections()
    add_metrics()
    add_encryption()
    serve_on_loopback(ProgramsOnly(app, closed=_CLOSED), port=port, chain=chain, key=key)


def serve_on_loopback(app: Framework, *, port: str, chain: str, key: str) -> None:
    """Serve MiniStack over TLS until a signal ends the process."""
    config = Config()
    config.bind = [f"{LOOPBACK}:{port}"]
    config.certfile = chain
    config.keyfile = key
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    # There is no state to save, and a graceful shutdown waits 10 s for connections that SDKs keep
    # open. With a trigger that never fires, Hypercorn does not handle signals.
    never = asyncio.Event()
    asyncio.run(serve(app, config, shutdown_trigger=never.wait))


if __name__ == "__main__":
    main(*sys.argv[1:])
