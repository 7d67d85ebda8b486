"""Other people's text where it is shown: it must not move a cursor, set a title or hide itself.

Keys and metadata are whatever an uploader likes, and the provider's messages are the provider's.
Characters that cannot be printed are written as escapes: controls (C0 and C1), characters that
turn the direction of text or have no width, and surrogates without a partner, which no encoding
takes.
"""

from __future__ import annotations

import json
import re

_PERHAPS_NOT = re.compile(r"[^ -~]")
"""What is looked at one by one: all but printable ASCII."""


def plain(text: str) -> str:
    r"""Return it on one line, with escapes such as ``\n`` for what cannot be printed."""
    return _PERHAPS_NOT.sub(_escaped, text)


def plain_lines(text: str) -> str:
    """Return the same, with its lines kept."""
    return "\n".join(map(plain, text.split("\n")))


def plain_json(value: object, *, indent: int | None = None) -> str:
    r"""Return a value as JSON that is safe to print, and reads as the same value.

    Letters of any language stay readable; what cannot be printed is written as ``\uXXXX``. What is
    no value of JSON is written as its text.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=str, separators=separators)
    # Outside of strings, JSON has nothing that cannot be printed but the ends of its lines.
    return "\n".join(_PERHAPS_NOT.sub(_escaped_in_json, line) for line in text.split("\n"))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _escaped_in_json(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
