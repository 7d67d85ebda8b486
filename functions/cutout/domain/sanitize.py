"""Making untrusted text safe: to print, it must not move the cursor, set a title or hide.

Uploaders choose keys and metadata, and the provider its messages. Unprintable characters are
escaped: controls (C0 and C1), characters that change the direction of text or have no width, and
lone surrogates, which cannot be encoded.
"""

from __future__ import annotations

import json
import re

# Characters that are checked one by one: all except printable ASCII.
_PERHAPS_NOT = re.compile(r"[^ -~]")
_ELLIPSIS = "…"


def plain(text: str) -> str:
    r"""Return the text on one line, with escapes such as ``\n`` for unprintable characters."""
    return _PERHAPS_NOT.sub(_escaped, text)


def plain_lines(text: str) -> str:
    """Return the same, but keep line breaks."""
    return "\n".join(map(plain, text.split("\n")))


def shell_word(text: str) -> str:
    """Return the text as one printable word of a bash command; `$'…'` if it has escapes."""
    import shlex  # noqa: PLC0415 - the functions seldom need it

    if text.isprintable():
        return shlex.quote(text)
    escaped = (_escaped_in_shell(one) for one in text)
    return f"$'{''.join(escaped)}'"


def plain_json(value: object, *, indent: int | None = None) -> str:
    r"""Return a value as JSON that is safe to print and parses to the same value.

    Letters of all languages stay readable; unprintable characters become ``\uXXXX``. Values that
    JSON does not have are written as text.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=str, separators=separators)
    # Outside of strings, line breaks are the only unprintable characters of JSON.
    return "\n".join(_PERHAPS_NOT.sub(_escaped_in_json, line) for line in text.split("\n"))


def shortened(text: str, most_bytes: int) -> str:
    """The text within so many bytes of UTF-8; characters that UTF-8 cannot encode become `?`."""
    raw = text.encode(errors="replace")
    if len(raw) <= most_bytes:
        return raw.decode()
    room = most_bytes - len(_ELLIPSIS.encode())
    return raw[:room].decode(errors="ignore") + _ELLIPSIS


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _escaped_in_shell(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    # `\x85` would be a byte in bash, `\u0085` is a character.
    escape = character.encode("unicode_escape").decode()
    return character if character.isprintable() else escape.replace("\\x", "\\u00")


def _escaped_in_json(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
