"""The API key: not set, refused, rotated."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.provider_outcomes import API_KEY_NOT_SET, Accepted
from tests.support.provider_transport import Key, Provider, api
from tests.support.samples import sample

BODY = '{"model": "mj-v7-remove-bg"}'
ACCEPTED = Accepted(task_id="task-unified-1795166131-4k7q2m9x", credits_reserved=Decimal("5.4"))


@pytest.mark.parametrize("text", [API_KEY_NOT_SET, "", None])
def test_no_call_is_made_without_an_api_key(text: str | None) -> None:
    """The stack's place-holder is no key: the gate pauses until a person sets one."""
    outcome = api(Provider([]), Key(text, text)).create(BODY, "cutout-1-1")
    assert outcome == refusal(
        status=401,
        code="api_key_not_set",
        message="the API key is not set: put it into the API key secret",
    )


UNSENDABLE = {
    "sk-1\nsk-2": "a line break, U+000A (character 5)",
    "sk-1\0": "NUL, U+0000 (character 5)",
    "sk 1": "a space, U+0020 (character 3)",
    "sk-\N{ZERO WIDTH SPACE}1": "ZERO WIDTH SPACE, U+200B (character 4)",
    "\N{LEFT DOUBLE QUOTATION MARK}sk-1": "LEFT DOUBLE QUOTATION MARK, U+201C (character 1)",
    '"sk-1"': "QUOTATION MARK, U+0022 (character 1)",
    "sk-\udc80": "a character without a name, U+DC80 (character 4)",
    "sk-\x7f": "a character without a name, U+007F (character 4)",
}
WHOLLY_WRONG = {
    '{"key": "sk-1"}': "the API key secret holds JSON: put the key alone into it",
    str(b"sk-1\x00"): "the API key secret holds binary data: put the key into it as text",
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *WHOLLY_WRONG.items(),
        *((text, f"the API key holds {what}") for text, what in UNSENDABLE.items()),
    ],
)
def test_key_that_cannot_be_sent_is_refused_before_any_call(text: str, message: str) -> None:
    """The character is named, the key is not; no request is sent, not even the paid call."""
    refused = refusal(status=401, code="api_key_unsendable", message=message)
    assert api(Provider([]), Key(text, text)).get_ready() == refused
    assert api(Provider([]), Key(text, text)).create(BODY, "cutout-1-1") == refused
    assert "sk-1" not in message


@pytest.mark.parametrize("text", [API_KEY_NOT_SET, "sk-\n1"])
def test_corrected_key_is_read_before_the_call(text: str) -> None:
    """The cache still holds the unsendable one."""
    key = Key(text, "sk-2")
    assert api(Provider([]), key).get_ready() is None
    assert key.asked == [False, True]


@pytest.mark.parametrize("text", ["sk-evo-a.b_c~d+e/f==", "a|b:c", "~!#$%&()*+,-./:;<=>?@[]^_`|"])
def test_key_of_visible_ascii_is_sent_unchanged(text: str) -> None:
    """The provider decides whether it is valid."""
    provider = Provider([httpx.Response(200, json=sample("evolink-create-200"))])
    assert api(provider, Key(text, text)).get_ready() is None
    assert api(provider, Key(text, text)).create(BODY, "k") == ACCEPTED
    assert provider.requests[0].headers["authorization"] == f"Bearer {text}"


def test_call_with_a_refused_key_is_repeated_once_with_a_newer_one() -> None:
    """A refusal of the key is the one answer after which a repeat is certain to cost nothing."""
    refused = httpx.Response(401, json=sample("evolink-error-401-unauthorized"))
    provider = Provider([refused, httpx.Response(200, json=sample("evolink-create-200"))])
    assert api(provider, Key("sk-1", "sk-2")).create(BODY, "cutout-1-1") == ACCEPTED
    first, second = provider.requests
    assert first.headers["authorization"] == "Bearer sk-1"
    assert second.headers["authorization"] == "Bearer sk-2"
    assert second.headers["idempotency-key"] == first.headers["idempotency-key"]
    assert (second.content, second.url) == (first.content, first.url)


@pytest.mark.parametrize(("fresh", "calls"), [("sk-1", 1), ("sk-2", 2)])
def test_call_with_a_refused_key_is_never_made_a_third_time(fresh: str, calls: int) -> None:
    """It is not repeated with the same key at all, with a newer one once."""
    refused = [httpx.Response(401, json=sample("evolink-error-401-unauthorized")) for _ in range(3)]
    provider, key = Provider([*refused]), Key("sk-1", fresh)
    outcome = api(provider, key).create(BODY, "cutout-1-1")
    assert outcome == refusal(status=401, code="unauthorized", message="Invalid or expired token")
    assert (len(provider.requests), key.asked) == (calls, [False, True])


def test_key_that_was_just_set_is_read_again() -> None:
    """The cache still holds the place-holder."""
    provider = Provider([httpx.Response(200, json=sample("evolink-create-200"))])
    assert api(provider, Key(API_KEY_NOT_SET, "sk-2")).create(BODY, "k") == ACCEPTED
    assert provider.requests[0].headers["authorization"] == "Bearer sk-2"


@pytest.mark.parametrize("status", [402, 403, 429])
def test_other_refusals_are_never_repeated(status: int) -> None:
    """Only a 401 is about the key."""
    provider = Provider([httpx.Response(status, json={"error": {"code": "x", "message": "m"}})])
    outcome = api(provider, Key("sk-1", "sk-2")).create(BODY, "cutout-1-1")
    assert outcome == refusal(status=status, code="x", message="m")


def test_key_is_read_before_the_call_is_recorded() -> None:
    """From the cache if it is there: the call itself then finds it there. No request is sent."""
    provider, key = Provider([]), Key()
    api(provider, key).get_ready()
    assert (provider.requests, key.asked) == ([], [False])
