"""The functions' log lines, as terminals and queries read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cutout.adapters.telemetry_powertools import json_logger


def test_log_line_has_foreign_text_without_control_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters stay readable; a surrogate without its partner does not lose the line."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "log-lines")
    key = "Käse \x9b31m\u202egpj\ud800\n.jpg"
    at = datetime(2026, 1, 1, tzinfo=UTC)
    json_logger().info("photo seen", extra={"key": key, "at": at})
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert "Käse" in line
    told = json.loads(line)
    assert (told["message"], told["key"], told["at"]) == ("photo seen", key, str(at))
