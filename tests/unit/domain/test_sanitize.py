"""Untrusted text, as it is displayed."""

import json
import os
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.sanitize import plain, plain_json, plain_lines, shell_word

ANYTHING = st.text(st.characters(exclude_categories=()))
"""Surrogates, too: metadata and file names may hold one without its partner."""
NOT_SHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, formats (which turn the direction), surrogates, what is undefined, ends of lines."""


def _is_harmless(text: str) -> bool:
    return not {unicodedata.category(one) for one in text} & NOT_SHOWN


@given(ANYTHING)
def test_no_displayed_text_controls_a_terminal(text: str) -> None:
    """And any encoding of all of Unicode can encode it."""
    assert _is_harmless(plain(text))
    assert plain(text).encode().decode() == plain(text)
    lines = plain_lines(text).split("\n")
    assert len(lines) == text.count("\n") + 1
    assert all(map(_is_harmless, lines))


@given(st.dictionaries(ANYTHING, st.lists(ANYTHING)), st.sampled_from([None, 2]))
def test_json_is_harmless_and_has_the_same_value(
    value: dict[str, list[str]], indent: int | None
) -> None:
    """A pair of surrogates is one character for every reader of JSON."""
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
def test_letters_stay_readable_and_other_characters_are_escaped(text: str, shown: str) -> None:
    """As in JSON: four digits, or a pair of surrogates."""
    assert plain_json(text) == shown


@pytest.mark.parametrize(
    "text", ["a b's.jpg", "new\nline.jpg", "\x85\u202e\x1b'\\n é.jpg", "\U000e0041", "", "-a"]
)
def test_a_word_of_a_shell_is_harmless_and_means_the_text(text: str) -> None:
    """A key is pasted from a message into bash."""
    word = shell_word(text)
    assert _is_harmless(word)
    script = ["bash", "-c", f"printf %s {word}"]
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    told = subprocess.run(script, env=environment, capture_output=True, check=True)  # noqa: S603 - bash
    assert told.stdout.decode() == text


def test_json_on_one_line_has_no_spaces_between_its_parts() -> None:
    """For programs; with an indent for people."""
    value = {"a": [1, 2]}
    assert plain_json(value) == '{"a":[1,2]}'
    assert plain_json(value, indent=1) == '{\n "a": [\n  1,\n  2\n ]\n}'
