"""The token in a callback's URL authenticates the caller."""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.callback_token import CallbackAddress, sign, verify
from cutout.domain.errors import CallbackRefusedError
from tests.support.samples import SIGNING_KEY, sample

ADDRESS = CallbackAddress(job_id="0f" * 16, attempt=1)
NOW = datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC)
EXPIRY = datetime(2026, 11, 21, 9, tzinfo=UTC)
TOKEN = sign(ADDRESS, SIGNING_KEY, EXPIRY)
OTHER_KEY = b"somebody else's key"
ADDRESSES = st.builds(
    CallbackAddress,
    job_id=st.text("0123456789abcdef", min_size=32, max_size=32),
    attempt=st.integers(1, 9999),
)
KEYS = st.binary(min_size=1, max_size=80)
URL_CHARACTERS = string.ascii_letters + string.digits + "-_.~%"


def refusal(token: str, *keys: bytes) -> CallbackRefusedError:
    """The error of a refused token."""
    with pytest.raises(CallbackRefusedError) as caught:
        verify(token, keys or [SIGNING_KEY], NOW)
    return caught.value


@given(address=ADDRESSES, key=KEYS)
def test_a_token_names_its_job_and_attempt(address: CallbackAddress, key: bytes) -> None:
    """Signing and verifying with one key returns both."""
    assert verify(sign(address, key, EXPIRY), [key], NOW) == address


def test_the_form_of_a_token_is_fixed() -> None:
    """URLs in use must stay valid across deployments."""
    address = CallbackAddress(job_id="a00fc0b0b75cd1e67b0d7024ca35e9a9", attempt=1)
    token = (
        "a00fc0b0b75cd1e67b0d7024ca35e9a9.1.1795251600.KoacGnE1SynSzI5Pyi-AXvw-PS4fkR-eJe10g4vWLd8"
    )
    assert sign(address, SIGNING_KEY, EXPIRY) == token
    assert verify(token, [SIGNING_KEY], NOW) == address


def test_the_token_of_the_sample_is_accepted() -> None:
    """With the key of the samples, and no other."""
    address = CallbackAddress(job_id="a00fc0b0b75cd1e67b0d7024ca35e9a9", attempt=1)
    token = sample("http-api-callback-completed")["pathParameters"]["token"]
    assert verify(token, [SIGNING_KEY], NOW) == address
    assert not refusal(token, OTHER_KEY).is_malformed


def test_an_expired_token_is_refused() -> None:
    """Like a forged one: it is well-formed, but not valid."""
    moment = timedelta(microseconds=1)
    assert verify(TOKEN, [SIGNING_KEY], EXPIRY - moment) == ADDRESS
    with pytest.raises(CallbackRefusedError, match=r"^the token has expired$") as refused:
        verify(TOKEN, [SIGNING_KEY], EXPIRY)
    assert not refused.value.is_malformed


def test_an_expiry_cannot_be_changed_or_left_out() -> None:
    """It is signed, and a token without one is malformed."""
    later = TOKEN.replace(f".{int(EXPIRY.timestamp())}.", f".{int(EXPIRY.timestamp()) + 1}.")
    never = TOKEN.replace(f".{int(EXPIRY.timestamp())}.", ".")
    assert str(refusal(later)) == "the signature does not match"
    assert not refusal(later).is_malformed
    assert refusal(never).is_malformed


@given(address=ADDRESSES)
def test_a_token_needs_no_quoting_in_a_path(address: CallbackAddress) -> None:
    """And it is short."""
    token = sign(address, SIGNING_KEY, EXPIRY)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    assert len(token) <= 92


@pytest.mark.parametrize("at", range(len(TOKEN)))
def test_every_changed_character_is_refused(at: int) -> None:
    """Whichever character is changed, and to whatever."""
    for character in URL_CHARACTERS.replace(TOKEN[at], ""):
        refusal(TOKEN[:at] + character + TOKEN[at + 1 :])


@pytest.mark.parametrize("at", range(len(TOKEN)))
def test_a_token_without_one_of_its_characters_is_refused(at: int) -> None:
    """As malformed or forged."""
    refusal(TOKEN[:at] + TOKEN[at + 1 :])


def test_a_signature_is_valid_for_its_own_job_and_attempt_only() -> None:
    """Neither for another attempt nor for another job."""
    assert not refusal(TOKEN.replace(".1.", ".2.", 1)).is_malformed
    assert not refusal(TOKEN.replace("0f", "1f", 1)).is_malformed


def test_the_previous_key_is_still_accepted() -> None:
    """Tasks that run while the key is rotated can still call back."""
    assert verify(TOKEN, [b"new key", SIGNING_KEY], NOW) == ADDRESS
    assert verify(TOKEN, iter([b"new key", SIGNING_KEY]), NOW) == ADDRESS


def test_keys_are_read_only_until_one_fits() -> None:
    """An authentic callback never causes the secret to be read again."""

    def keys() -> Iterator[bytes]:
        yield SIGNING_KEY
        pytest.fail("another key was asked for")

    assert verify(TOKEN, keys(), NOW) == ADDRESS


@pytest.mark.parametrize("keys", [[], [OTHER_KEY], [OTHER_KEY, b"another"]])
def test_a_token_of_an_unknown_key_is_forged(keys: list[bytes]) -> None:
    """It is well-formed, but not signed by us."""
    with pytest.raises(CallbackRefusedError, match=r"^the signature does not match$") as caught:
        verify(TOKEN, keys, NOW)
    assert not caught.value.is_malformed


def test_the_forged_sample_is_forged() -> None:
    """And well-formed."""
    token = sample("http-api-callback-forged")["pathParameters"]["token"]
    assert not refusal(token).is_malformed


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "favicon.ico",
        TOKEN.upper(),
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN + "A",
        TOKEN[:-1],
        TOKEN.replace(".", "/"),
        TOKEN.replace(".1.", ".0."),
        TOKEN.replace(".17", ".07", 1),
        TOKEN.replace(".17", ".7", 1),
        TOKEN.replace(".17", ".117", 1),
        TOKEN.replace(".1.", ".01."),
        TOKEN.replace(".1.", ".-1."),
        TOKEN.replace(".1.", ".1234567890."),
        TOKEN.replace(".1.", ".\N{ARABIC-INDIC DIGIT ONE}."),
        TOKEN.replace("0f", "\N{FULLWIDTH DIGIT ZERO}f", 1),
        "0" * 100_000,
    ],
)
def test_a_text_without_the_form_of_a_token_is_malformed(token: str) -> None:
    """The response is 404 rather than 403."""
    error = refusal(token)
    assert (str(error), error.is_malformed) == ("not one of our callback URLs", True)


@given(token=st.text())
def test_any_text_is_refused_as_malformed(token: str) -> None:
    """And raises no other error."""
    assert refusal(token).is_malformed


@given(address=ADDRESSES, one=KEYS, other=KEYS)
def test_no_other_key_verifies_a_token(address: CallbackAddress, one: bytes, other: bytes) -> None:
    """Only the key that signed it."""
    if one.rstrip(b"\0") != other.rstrip(b"\0"):
        refusal(sign(address, one, EXPIRY), other)
