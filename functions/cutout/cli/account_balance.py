"""Asking the provider for the balance, which is free and proves the key."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cutout.cli.aws.deployment import Balance
from cutout.domain.errors import CutoutError

if TYPE_CHECKING:
    from cutout.adapters.evolink.account import Http


def read_balance(http: Http, base_url: str, key: str) -> Balance:
    """Ask for it; whatever happens is an answer.

    What can be spent is what the user has left, and no more than the key's own allowance, unless
    that is unlimited. Source: get-credits of the provider's documentation, and its own client.
    """
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    try:
        answer = http.send("GET", f"{base_url.rstrip('/')}/v1/credits", headers=headers)
    except CutoutError as error:
        return Balance(status=None, says=str(error))
    told = _object(answer.body)
    if answer.status != HTTPStatus.OK:
        return Balance(
            status=answer.status, says=str(_object(told.get("error")).get("message", ""))
        )
    return Balance(status=answer.status, credits=_usable(_object(told.get("data"))))


def _usable(data: dict[str, Any]) -> float | None:
    token, user = _object(data.get("token")), _object(data.get("user"))
    limits = [user.get("remaining_credits")]
    if not token.get("unlimited_credits"):
        limits.append(token.get("remaining_credits"))
    known = [float(one) for one in limits if isinstance(one, int | float)]
    return min(known, default=None)


def _object(value: object) -> dict[str, Any]:
    """Return an object, of text or as it is; empty for anything else, such as a proxy's HTML."""
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
