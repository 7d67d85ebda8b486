"""MiniStack as it was published, without the corrections that the local cloud makes to it.

Usage: python -m tests.support.ministack_unchanged PORT CHAIN KEY INTERPRETER
"""

from __future__ import annotations

import sys

from infra.local.ministack.serve import serve_on_loopback


def main(port: str, chain: str, key: str, _interpreter: str) -> None:
    """Serve until a signal ends the process."""
    from ministack.app import app  # noqa: PLC0415 - reads its environment when imported

    serve_on_loopback(app, port=port, chain=chain, key=key)


if __name__ == "__main__":
    main(*sys.argv[1:])
