"""Requests of tests to the stand-in for Evolink, and its faults."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.local.evolink.control_client import ControlClient

_LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """The stand-in's control plane.

    Attributes:
        url: Where it is.
        token: Its control token.
        bucket: The uploads bucket; the stand-in knows a photo as `/bucket/key`.
    """

    url: str
    token: str
    bucket: str

    def commit(self, fault: str, key: str, **options: object) -> None:
        """Add a fault, such as `create:402`, for the photos with this prefix."""
        where, _, name = fault.partition(":")
        rule = {"where": where, "fault": name, "match": f"/{self.bucket}/{key}", **options}
        self._ask("POST", "/_standin/faults", rule)

    def forgive(self) -> None:
        """Remove all faults."""
        self._ask("DELETE", "/_standin/faults")

    def change_account(self, **changes: object) -> None:
        """Set the account's `balance`, or the `api_keys` accepted."""
        self._ask("POST", "/_standin/account", changes)

    def let_pass(self, *, seconds: float) -> None:
        """Move the stand-in's clock forward."""
        self._ask("POST", "/_standin/clock", {"advance_seconds": seconds})

    def entries(self, kind: str, key: str = "") -> Sequence[Mapping[str, Any]]:
        """Return the ledger's entries of a kind about the photos whose key begins so."""
        found = self._ledger(kind=kind, photo=f"/{self.bucket}/{key}")
        return list(found["entries"])

    def every(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Return the ledger's entries of a kind, about photos or anything else."""
        return list(self._ledger(kind=kind)["entries"])

    def awaited(self, kind: str, key: str, count: int = 1) -> Sequence[Mapping[str, Any]]:
        """Wait for so many entries of a kind about these photos, and return them."""
        photo = f"/{self.bucket}/{key}"
        found = self._ledger(kind=kind, photo=photo, count=count, seconds=_LONGEST_WAIT_SECONDS)
        if not found["complete"]:
            pytest.fail(f"not {count} x {kind} for {key}: {found['entries']}")
        return list(found["entries"])

    def sums(self) -> Mapping[str, Any]:
        """Return balance, tasks, running and peak."""
        sums: Mapping[str, Any] = self._ledger(kind="none")
        return sums

    def posts(self, key: str) -> int:
        """Return how many create requests there were for one photo."""
        return int(self._photo(key)["posts"])

    def charges(self, key: str) -> int:
        """Return how often one photo was paid for."""
        return int(self._photo(key)["charges"])

    def _photo(self, key: str) -> Mapping[str, int]:
        photos: Mapping[str, Mapping[str, int]] = self.sums()["photos"]
        return photos.get(f"/{self.bucket}/{key}", {"posts": 0, "tasks": 0, "charges": 0})

    def _ledger(self, **query: object) -> Any:
        return json.loads(self._ask("GET", f"/_standin/ledger?{urlencode(query)}"))

    def _ask(self, method: str, path: str, document: object = None) -> bytes:
        return ControlClient(self.url, self.token).ask(method, path, document)
