"""Requests with the account's API key, for the task API and the Files API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from cutout.adapters.evolink.api_key import refusal_of
from cutout.adapters.evolink.json_answers import body_object, error_in
from cutout.domain.provider_outcomes import Refused
from cutout.ports.http import Answer, ApiKey, Http

_KEY_REFUSED = 401


class EvolinkServer:
    """One of the provider's servers, called with the API key.

    The key is read for each request, and again when the server refuses it.
    """

    def __init__(self, http: Http, base_url: str, api_key: ApiKey) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key

    def get_ready(self) -> Refused | None:
        """Load the key into the cache; the refusal of a key that cannot be sent."""
        # A person may have replaced a wrong key since it was cached.
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
        """Send as `Http.send` does; repeat once if the key was refused and a newer one exists."""
        request = partial(self._http.send, method, self._base_url + path, body=body)
        key = self._api_key.text()
        answer = _sent(request, headers, key)
        # Only the API's own 401 proves that a paid call was not taken; a proxy's proves nothing.
        is_refused = not is_paid or error_in(body_object(answer.body))
        if answer.status == _KEY_REFUSED and is_refused:
            newer = self._api_key.text(is_fresh=True)
            if newer != key:
                return _sent(request, headers, newer)
        return answer


def _sent(request: Callable[..., Answer], headers: Mapping[str, str], key: str | None) -> Answer:
    refused = refusal_of(key)
    if refused:
        error = {"code": refused.code, "message": refused.message}
        # In place of the provider's answer.
        body = json.dumps({"error": error}).encode()
        return Answer(status=_KEY_REFUSED, headers={}, body=body)
    known = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    return request(headers=known | dict(headers))
