"""Checks whether an API key can be sent, and says what is wrong with it without quoting it."""

from __future__ import annotations

import re
from http import HTTPStatus

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.provider_outcomes import API_KEY_NOT_SET, Refused

# Characters that no bearer token has (RFC 6750, section 2.1, read tolerantly).
_UNSENDABLE = re.compile(r"[^!#-&(-z|~]")
_CONTROLS = {
    "\0": "NUL",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a carriage return",
    " ": "a space",
}
_BINARY = ("b'", 'b"')  # how a SecretBinary begins when Python prints its bytes


def refusal_of(key: str | None) -> Refused | None:
    """The refusal of a key that is missing or cannot be sent; None for a key that can be."""
    if not key or key == API_KEY_NOT_SET:
        text = "the API key is not set: put it into the API key secret"
        return refusal(status=HTTPStatus.UNAUTHORIZED, code="api_key_not_set", message=text)
    why = _why_unsendable(key)
    if why is None:
        return None
    return refusal(status=HTTPStatus.UNAUTHORIZED, code="api_key_unsendable", message=why)


def _why_unsendable(key: str) -> str | None:
    if key.startswith("{"):
        return "the API key secret holds JSON: put the key alone into it"
    if key.startswith(_BINARY):
        return "the API key secret holds binary data: put the key into it as text"
    found = _UNSENDABLE.search(key)
    if found is None:
        return None
    return f"the API key holds {_named(found.group())} (character {found.start() + 1})"


def _named(character: str) -> str:
    """The character's name and code point, since it may be invisible."""
    import unicodedata  # noqa: PLC0415 - a large table, rarely needed

    name = _CONTROLS.get(character) or unicodedata.name(character, "a character without a name")
    return f"{name}, U+{ord(character):04X}"
