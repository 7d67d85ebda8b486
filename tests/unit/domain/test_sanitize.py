"""Other people's text, shown."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.sanitize import plain, plain_json, plain_lines

ANYTHING = st.text(st.characters(exclude_categories=()))
"""Surrogates, too: metadata and file names may hold one without its partner."""
NOT_SHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, formats (which turn the direction), surrogates, what is undefined, ends of lines."""


def _is_harmless(text: str) -> bool:
    return not {unicodedata.category(one) for one in text} & NOT_SHOWN


@given(ANYTHING)
def test_nothing_that_is_shown_steers_a_terminal(text: str) -> None:
    """And any encoding for all of Unicode takes it."""
    assert _is_harmless(plain(text))
    assert plain(text).encode().decode() == plain(text)
    lines = plain_lines(text).split("\n")
    assert len(lines) == text.count("\n") + 1
    assert all(map(_is_harmless, lines))


@given(st.dictionaries(ANYTHING, st.lists(ANYTHING)), st.sampled_from([None, 2]))
def test_json_is_harmless_and_reads_as_the_same_value(
    value: dict[str, list[str]], indent: int | None
) -> None:
    """Two surrogates that make a pair are one character for every reader of JSON."""
    text = plain_json(value, indent=indent)
    assert all(map(_is_harmless, text.split("\n")))
    assert text.encode()
    assert json.loads(text) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Käse/靴 👟.jpg", '"Käse/靴 👟.jpg"'),
        ("\x1b[2J\x7f\x9b2J", r'"\u001b[2J\u007f\u009b2J"'),
        ("\u202egpj.\u2066exe\u200f", r'"\u202egpj.\u2066exe\u200f"'),
        ("\ud800\n", r'"\ud800\n"'),
        ("\U000e0041", r'"\udb40\udc41"'),
    ],
)
def test_letters_stay_readable_and_all_else_is_escaped(text: str, shown: str) -> None:
    """As JSON has it: four digits, a pair of surrogates for what takes more."""
    assert plain_json(text) == shown


def test_json_on_one_line_has_no_spaces_between_its_parts() -> None:
    """A program reads it; with an indent, a person does."""
    value = {"a": [1, 2]}
    assert plain_json(value) == '{"a":[1,2]}'
    assert plain_json(value, indent=1) == '{\n "a": [\n  1,\n  2\n ]\n}'
