"""Free ports on loopback, if possible the same as the last time.

The stack's settings contain the ports; with the same ports the synthesis can be reused.
"""

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below those that systems give to connections (from 32768 on Linux), or any connection could take
# a port before its server has started.
_PORTS = range(20_000, 32_768)


def choose_ports(names: Iterable[str], memory: Path) -> dict[str, int]:
    """Return a free port for each name, and store them for the next time."""
    remembered = _read_ports(memory)
    ports: dict[str, int] = {}
    for name in names:
        ports[name] = _free_port(remembered.get(name, 0), taken=ports.values())
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(remembered | ports) + "\n")
    return ports


def _read_ports(memory: Path) -> dict[str, int]:
    try:
        remembered = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    pairs = remembered.items() if isinstance(remembered, dict) else ()
    return {name: port for name, port in pairs if isinstance(port, int)}


def _free_port(wanted: int, *, taken: Iterable[int]) -> int:
    port = wanted
    while port not in _PORTS or port in taken or not _is_free(port):
        port = random.choice(_PORTS)  # noqa: S311 - no secret
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port that was closed a moment ago can be bound again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
