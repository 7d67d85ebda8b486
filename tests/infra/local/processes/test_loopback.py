"""The ports of a local cloud."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from infra.local.processes.loopback import choose_ports


def test_ports_are_free_and_the_same_as_the_last_time(tmp_path: Path) -> None:
    """The same ports make a new synthesis unnecessary."""
    memory = tmp_path / "cache" / "ports.json"
    first = choose_ports(("a", "b"), memory)
    assert first["a"] != first["b"]
    assert choose_ports(("a", "b"), memory) == first


def test_a_port_in_use_is_replaced(tmp_path: Path) -> None:
    """The other stays."""
    memory = tmp_path / "ports.json"
    first = choose_ports(("a", "b"), memory)
    with socket.create_server(("127.0.0.1", first["a"])):
        second = choose_ports(("a", "b"), memory)
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"a": "x"}', '{"a": 99999999}'])
def test_an_unusable_ports_file_is_replaced(tmp_path: Path, content: str) -> None:
    """Free ports are chosen as on the first start."""
    memory = tmp_path / "ports.json"
    memory.write_text(content)
    port = choose_ports(("a",), memory)["a"]
    assert 1024 <= port <= 65535
    assert json.loads(memory.read_text()) == {"a": port}
