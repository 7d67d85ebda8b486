"""Instant in memory."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from cutout.ports.http import Answer
from tests.support.fakes.evolink import CUT_OUT
from tests.support.providers.instant.adapter import ADDRESS


@dataclass
class InstantServer:
    """Cuts out every picture at once, unless `outcomes` has another answer for the next call.

    Attributes:
        cut: the pictures that were paid for.
    """

    outcomes: deque[dict[str, str]] = field(default_factory=deque)
    cut: list[str] = field(default_factory=list)
    _by_request: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Answer a request; a repeated call has the first one's result."""
        path = url.removeprefix(ADDRESS)
        told = self._cut(headers["Request-Id"], body) if method == "POST" else self._kept(path)
        status = HTTPStatus.OK if told else HTTPStatus.NOT_FOUND
        return Answer(status=status, headers={}, body=json.dumps(told).encode())

    def _cut(self, request_id: str, body: bytes | None) -> dict[str, object]:
        if self.outcomes:
            return {**self.outcomes.popleft()}
        if request_id not in self._by_request:
            self.cut.append(json.loads(body or b"")["picture"])
            self._by_request[request_id] = f"cut-{len(self.cut)}"
        return {"outcome": "done", "ref": self._by_request[request_id], "cents": 3}

    def _kept(self, path: str) -> dict[str, object]:
        if path == "/purse":
            return {"cents": 100 - 3 * len(self.cut)}
        ref = path.removeprefix("/cut/")
        return {"png": f"{ADDRESS}/{ref}.png"} if ref in self._by_request.values() else {}

    def fetch(self, url: str, file: Path) -> int:
        """Download a result."""
        return file.write_bytes(CUT_OUT + f" {Path(url).stem}".encode())
