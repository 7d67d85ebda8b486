"""Instant in memory."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.fakes.evolink import CUT_OUT


@dataclass
class InstantServer:
    """Cuts out every picture at once, unless `outcomes` has another answer for the next call.

    Attributes:
        cut: the pictures that were paid for.
    """

    outcomes: deque[dict[str, str]] = field(default_factory=deque)
    cut: list[str] = field(default_factory=list)
    _by_request: dict[str, str] = field(default_factory=dict)

    def post(self, request_id: str, body: str) -> str:
        """Answer `POST /cut`; a repeated request has the first one's result."""
        if self.outcomes:
            return json.dumps(self.outcomes.popleft())
        if request_id not in self._by_request:
            self.cut.append(json.loads(body)["picture"])
            self._by_request[request_id] = f"cut-{len(self.cut)}"
        return json.dumps({"outcome": "done", "ref": self._by_request[request_id], "cents": 3})

    def get(self, ref: str) -> str | None:
        """Answer `GET /cut/ID`."""
        if ref not in self._by_request.values():
            return None
        return json.dumps({"png": f"https://instant.example/{ref}.png"})

    def fetch(self, url: str, file: Path) -> int:
        """Download a result."""
        return file.write_bytes(CUT_OUT + f" {Path(url).stem}".encode())
