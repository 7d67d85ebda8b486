"""Can this API key be sent at all? If not, what is wrong with it, without telling the key."""

from __future__ import annotations

import re
from http import HTTPStatus

from cutout.adapters.evolink.failures import refusal
from cutout.domain.provider import Refused

KEY_NOT_SET = "not-set"
"""What the stack puts into the secret until somebody puts a key there."""
_UNSENDABLE = re.compile(r"[^!#-&(-z|~]")
"""All but visible ASCII without quotation marks and braces: a bearer key has none of those.

Source: RFC 6750, section 2.1, and with more tolerance than it has.
"""
_CONTROLS = {
    "\0": "NUL",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a carriage return",
    " ": "a space",
}
_BINARY = ("b'", 'b"')
"""How the bytes of a SecretBinary look once they were turned into text."""


def refusal_of(key: str | None) -> Refused | None:
    """What the provider would say to the key; None if it can be sent, so that it can be asked."""
    if not key or key == KEY_NOT_SET:
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


def _named(letter: str) -> str:
    """The letter's name, as somebody can find who looks for what does not show."""
    import unicodedata  # noqa: PLC0415 - a large table, for a case that hardly ever is

    name = _CONTROLS.get(letter) or unicodedata.name(letter, "a character without a name")
    return f"{name}, U+{ord(letter):04X}"
