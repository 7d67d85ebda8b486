"""Encoded words (RFC 2047): how text that is not ASCII travels in the header of an object.

S3 decodes them when an object is stored and encodes them when it is read, so whoever carries
metadata from one object to another sees `=?UTF-8?B?R3LDvMOfZQ==?=` where its owner wrote `Grüße`.

Only the character sets that S3 and its clients write are decoded. Python knows others, such as
`unicode_escape` and `utf-7`, which make surrogates that stand alone of plain ASCII: no header, and
no row, takes such text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.errors import HeaderParseError
from email.header import decode_header

_WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="
_WORDS = re.compile(rf"\s*{_WORD}(?:\s+{_WORD})*\s*")
_CHARACTER_SETS = frozenset({"utf-8", "iso-8859-1", "latin-1", "us-ascii", "ascii"})
_PLAIN = re.compile(r"[\x20-\x7e]*")


def decoded(header: str) -> str:
    """The text that a header's value stands for; what cannot be read stays as it is.

    A value that is not ASCII has been sent as it is, and was read as Latin-1 on the way.
    """
    if not is_plain(header):
        return _from_latin_1(header)
    if not _WORDS.fullmatch(header):
        return header
    try:
        parts = decode_header(header)
        return "".join(_part(text, charset) for text, charset in parts) or header
    except (HeaderParseError, ValueError):
        return header


def encoded(text: str) -> str:
    """The value of a header that stands for the text."""
    if is_plain(text) and not _WORDS.fullmatch(text):
        return text
    return f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def is_plain(text: str) -> bool:
    """Printable ASCII: a header takes it as it is."""
    return _PLAIN.fullmatch(text) is not None


def _part(text: bytes | str, charset: str | None) -> str:
    """The text of one encoded word.

    Raises:
        ValueError: it is none, or of a character set that is not decoded.
    """
    if isinstance(text, str) or charset is None or charset.lower() not in _CHARACTER_SETS:
        raise ValueError(f"not decoded: {charset}")
    return text.decode(charset)


def _from_latin_1(header: str) -> str:
    try:
        return header.encode("latin-1").decode()
    except ValueError:
        return header
