"""Encoded words (RFC 2047): text that is not ASCII in the headers of an object.

S3 decodes them when an object is stored and encodes them when it is read: metadata that was
written as `Grüße` is read as `=?UTF-8?B?R3LDvMOfZQ==?=`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.errors import HeaderParseError
from email.header import decode_header

_WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="
_WORDS = re.compile(rf"\s*{_WORD}(?:\s+{_WORD})*\s*")
# Those that S3 and its clients use. Others that Python has, such as `unicode_escape` and `utf-7`,
# make lone surrogates of plain ASCII, which neither a header nor the jobs table can store.
_CHARACTER_SETS = frozenset({"utf-8", "iso-8859-1", "latin-1", "us-ascii", "ascii"})
_PLAIN = re.compile(r"[\x20-\x7e]*")


def decoded(header: str) -> str:
    """The decoded text of a header's value; a value that cannot be decoded is returned unchanged.

    A value that is not ASCII was sent as UTF-8 and read as Latin-1.
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
    """The text as a header's value."""
    # A text that looks like an encoded word would be decoded when it is read.
    if is_plain(text) and not _WORDS.fullmatch(text):
        return text
    return f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def is_plain(text: str) -> bool:
    """Whether it is printable ASCII, which a header contains unencoded."""
    return _PLAIN.fullmatch(text) is not None


def _part(text: bytes | str, charset: str | None) -> str:
    """The text of one encoded word; a ValueError for any other."""
    if isinstance(text, str) or charset is None or charset.lower() not in _CHARACTER_SETS:
        raise ValueError(f"not decoded: {charset}")
    return text.decode(charset)


def _from_latin_1(header: str) -> str:
    try:
        return header.encode("latin-1").decode()
    except ValueError:
        return header
