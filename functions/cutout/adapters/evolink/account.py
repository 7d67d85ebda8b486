"""Requests with the account's key: what the task API and the Files API have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

KEY_NOT_SET = "not-set"
"""What the stack puts into the secret until somebody puts a key there."""
_KEY_REFUSED = 401


class Answer(Protocol):
    """What a server answered; header names in lower case."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


class Http(Protocol):
    """Sends one request and says whether it left."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request, never repeated."""
        ...


class ApiKey(Protocol):
    """The key, cached; afresh on request."""

    def text(self, *, is_fresh: bool = False) -> str | None:
        """The key's text, if there is one."""
        ...


@dataclass(frozen=True)
class _NoKeyAnswer:
    """What the provider would say to an empty key; it is not asked."""

    status: int = _KEY_REFUSED
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = (
        b'{"error": {"code": "api_key_not_set",'
        b' "message": "the API key is not set: put it into the API key secret"}}'
    )


class Account:
    """One server of the provider, and the key that it knows us by.

    Args:
        http: sends one request and says whether it left.
        base_url: of the server.
        api_key: asked at every request, and afresh when the server refuses it.
    """

    def __init__(self, http: Http, base_url: str, api_key: ApiKey) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key

    def get_ready(self) -> None:
        """Read the key, so that the next request finds it at hand."""
        self._api_key.text()

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
    ) -> Answer:
        """One request; once more if the key was refused and a newer one is there.

        A refused key is the one answer after which a repeat is certain to cost nothing.

        Raises:
            NotSentError: it certainly did not reach the server.
            ResponseLostError: it may have, but no whole answer came.
        """
        key = self._api_key.text()
        answer = self._send_with(key, method, path, headers, body)
        if answer.status == _KEY_REFUSED:
            newer = self._api_key.text(is_fresh=True)
            if newer != key:
                return self._send_with(newer, method, path, headers, body)
        return answer

    def _send_with(
        self,
        key: str | None,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        if not key or key == KEY_NOT_SET:
            return _NoKeyAnswer()
        known = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        url = self._base_url + path
        return self._http.send(method, url, headers=known | dict(headers), body=body)


def json_object(body: bytes) -> Mapping[str, Any]:
    """The body's object; empty for anything else, such as a proxy's HTML."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
