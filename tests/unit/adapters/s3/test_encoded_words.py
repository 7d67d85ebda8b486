"""Metadata that is not ASCII: encoded words in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.s3.encoded_words import decoded, encoded, is_plain

WORDS = r"(=\?[a-z0-9_-]+\?[bq]\?[^? ]*\?= ?)+"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("plain, with = and ? in it", "plain, with = and ? in it"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?ISO-8859-1?Q?Gr=FC=DFe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvA==?= =?UTF-8?B?w59l?=", "Grüße"),
        ("=?UTF-8?Q?a_b?=", "a b"),
        ("", ""),
    ],
)
def test_encoded_words_are_decoded_to_the_owners_text(header: str, text: str) -> None:
    """Base64 or quoted, one word or several, without the space between them."""
    assert decoded(header) == text


@pytest.mark.parametrize(
    "header",
    [
        "=?UTF-8?B?%%%?=",
        "=?no-such-set?B?AAAA?=",
        "=?UTF-8?B?/w==?=",
        "=?unicode_escape?Q?=5Cud800?=",
        "=?raw_unicode_escape?Q?=5Cud800?=",
        "=?utf-7?Q?+2AA-?=",
        "=?utf-16?B?2AA=?=",
        "=?punycode?Q?a-b?=",
        "=?UTF-8?Q?=ED=A0=80?=",
        "=?us-ascii?Q?=FC?=",
    ],
)
def test_undecodable_text_stays_unchanged(header: str) -> None:
    """It is carried over to the result as it is."""
    assert decoded(header) == header


def test_raw_bytes_are_decoded_as_utf_8() -> None:
    """HTTP libraries decode them as Latin-1; text that really is Latin-1 stays."""
    assert decoded("GrÃ¼ÃŸe".encode("cp1252").decode("latin-1")) == "Grüße"
    assert decoded("Gr\xfc\xdfe") == "Grüße"


@given(header=st.text(max_size=60) | st.from_regex(WORDS, fullmatch=True))
def test_any_decoded_text_can_be_encoded_again(header: str) -> None:
    """UTF-8 encodes it: it has no lone surrogates."""
    assert is_plain(encoded(decoded(header)))


@given(text=TEXTS)
def test_every_text_survives_a_plain_ascii_header(text: str) -> None:
    """Even control characters and line breaks, which a header cannot hold."""
    assert is_plain(encoded(text))
    assert decoded(encoded(text)) == text


def test_plain_text_is_sent_unencoded() -> None:
    """Except text that looks like an encoded word."""
    assert encoded("red, 42 (new)") == "red, 42 (new)"
    assert encoded("=?UTF-8?B?R3LDvMOfZQ==?=") != "=?UTF-8?B?R3LDvMOfZQ==?="
