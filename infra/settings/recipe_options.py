"""The options of a recipe and what their values may be; a refusal says what to write instead."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from cutout.domain.recipes import FORMATS, LONGEST_SIDE, Fit, Length, Shadow
from cutout.domain.states import Pixels

from .value_rules import RecipeError
from .variant_key_templates import template

_COLOURS: Final = {"white": "#ffffff", "black": "#000000"}
_MOST_PIXELS: Final = 50_000_000
_LONGEST_LENGTH: Final = 5000
_LARGEST_SHARE: Final = 0.45
_SHADOW: Final = ("opacity", "blur", "offset")


def name(key: str, value: object) -> str:
    """Read a name, which appears in keys and on the command line."""
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", value):
        return value
    raise _refusal(key, "small letters, digits, - and _, at most 32", value, '"web"')


def prefix(key: str, value: object) -> str:
    """Read the prefix of photos' keys."""
    if isinstance(value, str) and not value.startswith("/"):
        return value
    raise _refusal(key, "what keys begin with, without a leading slash", value, '"shoes/"')


def format_(key: str, value: object) -> str:
    """Read a file format."""
    if value == "jpeg":
        value = "jpg"
    if isinstance(value, str) and value in FORMATS:
        return value
    *others, last = FORMATS
    raise _refusal(key, f"{', '.join(others)} or {last}", value, '"webp"')


def colour(key: str, value: object) -> str:
    """Read a colour in sRGB."""
    if isinstance(value, str):
        word = _COLOURS.get(value.lower(), value.lower())
        if re.fullmatch(r"#[0-9a-f]{3}", word):
            word = "#" + "".join(2 * digit for digit in word[1:])
        if re.fullmatch(r"#[0-9a-f]{6}", word):
            return word
    raise _refusal(key, "a colour like #ffffff, or white, or black", value, '"#ffffff"')


def flag(key: str, value: object) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    raise _refusal(key, "true or false, without quotation marks", value, "true")


def fit(key: str, value: object) -> Fit:
    """Read an exact size in pixels."""
    text = value if isinstance(value, str) else ""
    found = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text)
    if found:
        width, height = int(found[1]), int(found[2])
        if min(width, height) >= 1 and max(width, height) <= LONGEST_SIDE:
            if width * height > _MOST_PIXELS:
                raise RecipeError(
                    key, f"{key} must be at most {_MOST_PIXELS:,} pixels in all, got {value!r}"
                )
            return Fit(width=width, height=height)
    raise _refusal(key, f"WIDTHxHEIGHT in pixels, up to {LONGEST_SIDE}", value, '"2000x2000"')


def quality(key: str, value: object) -> int:
    """Read a quality."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:  # noqa: PLR2004
        return value
    raise _refusal(key, "a whole number from 1 to 100", value, "85")


def pixels(key: str, value: object) -> Pixels:
    """Read whose pixels the variant has."""
    if isinstance(value, str) and value in set(Pixels):
        return Pixels(value)
    raise _refusal(key, " or ".join(Pixels), value, '"source"')


def shadow(key: str, value: object) -> Shadow:
    """Read how dark and how soft a shadow is, and where it falls."""
    example = '{ opacity = 0.3, blur = "2%", offset = [0, "1%"] }'
    if not isinstance(value, dict):
        raise _refusal(key, "a table", value, example)
    for one in value:
        if one not in _SHADOW:
            raise RecipeError(f"{key}.{one}", f"a shadow has no {one}: write {key} = {example}")
    right, down = _offset(f"{key}.offset", value.get("offset", [0, "1%"]))
    return Shadow(
        opacity=_opacity(f"{key}.opacity", value.get("opacity", 0.3)),
        blur=_length(f"{key}.blur", value.get("blur", "2%"), least=0),
        right=right,
        down=down,
    )


def _opacity(key: str, value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 < float(value) <= 1:  # type: ignore[arg-type] # it is a number
        return float(value)  # type: ignore[arg-type] # the same
    raise _refusal(key, "a number above 0, up to 1", value, "0.3")


def _offset(key: str, value: object) -> tuple[Length, Length]:
    if isinstance(value, list) and len(value) == 2:  # noqa: PLR2004 # to the right, and down
        right, down = (_length(key, one, least=-_LONGEST_LENGTH) for one in value)
        return right, down
    raise _refusal(key, "two lengths, to the right and down", value, '[0, "1%"]')


def _length(key: str, value: object, *, least: int) -> Length:
    """Read pixels, or a share of the variant's shorter side in percent."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LONGEST_LENGTH:
        return Length(pixels=value)
    text = value if isinstance(value, str) else ""
    number = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(px|%)", text)
    # A pixel has no parts: `1.5px` is refused, `1.5%` is not.
    if number and number[2] == "px" and number[1].lstrip("-").isdigit():
        return _length(key, int(number[1]), least=least)
    if number and number[2] == "%":
        share = float(number[1]) / 100
        if abs(share) < _LARGEST_SHARE and (share >= 0 or least < 0):
            return Length(share=share)
    raise _refusal(
        key, f"pixels up to {_LONGEST_LENGTH}, or a share below 45%", value, '"5%" or 40'
    )


def _refusal(key: str, meaning: str, value: object, example: str) -> RecipeError:
    short = key.rpartition(".")[2]
    return RecipeError(key, f"{key} must be {meaning}, got {value!r}: write {short} = {example}")


RULES: Final[Mapping[str, Callable[[str, object], object]]] = {
    "name": name,
    "prefix": prefix,
    "format": format_,
    "background": colour,
    "trim": flag,
    "margin": partial(_length, least=0),
    "fit": fit,
    "quality": quality,
    "shadow": shadow,
    "pixels": pixels,
    "key": template,
}
"""For each option of a recipe, what reads its value."""
