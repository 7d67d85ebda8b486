"""Reading the account's balance from the provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from cutout.adapters.evolink.account_balance import read_balance
from cutout.domain.errors import NotSentError
from cutout.ports.http import Answer
from cutout.ports.provider_api import Balance

SERVER = "https://api.example/"


@dataclass
class OneAnswer:
    """Gives the same answer to everything, and remembers what it was asked."""

    answer: Answer | NotSentError
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Answer, or fail."""
        assert body is None
        self.asked.append((method, url, headers["Authorization"]))
        if isinstance(self.answer, NotSentError):
            raise self.answer
        return self.answer


def _answer(status: int, told: object) -> Answer:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Answer(status=status, headers={}, body=body)


def _data(user: object, token: object, *, is_unlimited: bool) -> dict[str, object]:
    key = {"remaining_credits": token, "unlimited_credits": is_unlimited}
    return {"success": True, "data": {"token": key, "user": {"remaining_credits": user}}}


@pytest.mark.parametrize(
    ("told", "credits_"),
    [
        (_data(100.5, 7, is_unlimited=True), 100.5),
        (_data(100, 7, is_unlimited=False), 7),
        (_data(3, 7, is_unlimited=False), 3),
        (_data("many", None, is_unlimited=True), None),
        ({"data": []}, None),
        (b"<html>", None),
    ],
)
def test_balance_is_the_least_of_what_account_and_key_have_left(
    told: object, credits_: float | None
) -> None:
    """An unlimited key does not count; an unreadable answer has no balance."""
    http = OneAnswer(_answer(200, told))
    assert read_balance(http, SERVER, "k") == Balance(server=SERVER, status=200, credits=credits_)
    assert http.asked == [("GET", "https://api.example/v1/credits", "Bearer k")]


def test_refused_balance_has_the_providers_message() -> None:
    """It names what is wrong with the key."""
    http = OneAnswer(_answer(401, {"error": {"code": "unauthorized", "message": "unknown key"}}))
    assert read_balance(http, SERVER, "k") == Balance(
        server=SERVER, status=401, message="unknown key"
    )
    http = OneAnswer(_answer(502, b"<html>"))
    assert read_balance(http, SERVER, "k") == Balance(server=SERVER, status=502, message="")


def test_balance_of_a_provider_that_cannot_be_reached_has_the_reason() -> None:
    """No error is raised."""
    http = OneAnswer(NotSentError("ConnectError"))
    assert read_balance(http, SERVER, "k") == Balance(
        server=SERVER, status=None, message="ConnectError"
    )
