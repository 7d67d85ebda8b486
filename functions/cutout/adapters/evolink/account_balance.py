"""Reading the account's balance from the provider, which is free and tests the API key."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cutout.adapters.evolink.api_key import refusal_of
from cutout.adapters.evolink.json_answers import body_object, error_in, part
from cutout.domain.errors import CutoutError
from cutout.ports.http import Http
from cutout.ports.provider_api import Balance


def read_balance(http: Http, base_url: str, key: str) -> Balance:
    """Read the balance; errors are part of the answer."""
    # The balance is what the user has left, limited by the key's own allowance unless that is
    # unlimited. Source: get-credits in the provider's documentation, and the provider's own client.
    if refused := refusal_of(key):
        return Balance(server=base_url, key_fault=refused.message)
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    try:
        answer = http.send("GET", f"{base_url.rstrip('/')}/v1/credits", headers=headers)
    except CutoutError as error:
        return Balance(server=base_url, message=str(error))
    content = body_object(answer.body)
    if answer.status != HTTPStatus.OK:
        message = str(error_in(content).get("message", ""))
        return Balance(server=base_url, status=answer.status, message=message)
    left = _usable(part(content, "data"))
    return Balance(server=base_url, status=answer.status, credits=left)


def _usable(data: Mapping[str, Any]) -> float | None:
    token, user = part(data, "token"), part(data, "user")
    limits = [user.get("remaining_credits")]
    if not token.get("unlimited_credits"):
        limits.append(token.get("remaining_credits"))
    known = [float(one) for one in limits if isinstance(one, int | float)]
    return min(known, default=None)
