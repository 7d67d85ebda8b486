"""Requests with the account's key: what the task API and the Files API have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from cutout.adapters.evolink.api_key import refusal_of
from cutout.adapters.evolink.json_answers import error_in, json_object
from cutout.domain.provider import Refused

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


@dataclass(frozen=True, kw_only=True)
class _NoKeyAnswer:
    """What the provider would say to a key that cannot be sent; it is not asked."""

    body: bytes
    status: int = _KEY_REFUSED
    headers: Mapping[str, str] = field(default_factory=dict)


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

    def get_ready(self) -> Refused | None:
        """Read the key, so that the next request finds it at hand.

        Returns:
            What the provider would say to a key that cannot be sent; None if it can be. One that
            cannot is read afresh first.
        """
        refused = refusal_of(self._api_key.text())
        return refused and refusal_of(self._api_key.text(is_fresh=True))

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        *,
        is_paid: bool = False,
    ) -> Answer:
        """One request; once more if the key was refused and a newer one is there.

        A refused key is the one answer after which a repeat is certain to cost nothing. For what
        is paid, the API must say so itself, and not a proxy.

        Raises:
            NotSentError: it certainly did not reach the server.
            ResponseLostError: it may have, but no whole answer came.
        """
        key = self._api_key.text()
        answer = self._send_with(key, method, path, headers, body)
        is_refused = not is_paid or error_in(json_object(answer.body))
        if answer.status == _KEY_REFUSED and is_refused:
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
        refused = refusal_of(key)
        if refused:
            error = {"code": refused.code, "message": refused.message}
            return _NoKeyAnswer(body=json.dumps({"error": error}).encode())
        known = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        url = self._base_url + path
        return self._http.send(method, url, headers=known | dict(headers), body=body)
