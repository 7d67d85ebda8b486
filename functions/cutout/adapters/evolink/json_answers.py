"""Reads the provider's JSON into values that can be stored: bounded, and valid UTF-8.

An answer may be a proxy's page, or hold values that no row, log line or URL can hold. The rest of
the adapter sees only what these functions return.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from cutout.domain.serialization import json_object

# What the official client accepts, and shorter ids. Never `..`, since ids go into paths.
_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_MAX_CODE = 100
_MAX_LINK = 8192
_MAX_CREDITS = 1_000_000  # a larger number is no price, and the table may be unable to store it


def body_object(body: bytes | str) -> Mapping[str, Any]:
    """The body's object; empty for anything else, such as HTML or too deeply nested JSON."""
    # Some servers begin a text with the mark, which is no JSON; in bytes, json.loads skips it.
    return json_object(body.removeprefix("\N{BYTE ORDER MARK}") if isinstance(body, str) else body)


def part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of that name; empty if there is none, or something else."""
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def task_in(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task's members, without the `data` object that wraps them in some answers."""
    return content["data"] if isinstance(content.get("data"), dict) else content


def names_a_task(content: Mapping[str, Any]) -> bool:
    """True if there is an id, valid or not."""
    return bool(content.get("id") or content.get("task_id"))


def task_id_in(content: Mapping[str, Any]) -> str | None:
    """The task's id if it is valid; some are whole numbers."""
    found = content.get("id") or content.get("task_id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = str(found)
    return text if _TASK_ID.fullmatch(text) else None


def error_in(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The API's `error` object; empty without one."""
    # A proxy's error is a page, `{"message": ...}`, or an `error` that is text.
    return part(content, "error")


def code_of(value: object) -> str | None:
    """An error code as text; some answers have numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _valid_text(str(value))[:_MAX_CODE] or None


def text_of(value: object, max_length: int) -> str | None:
    """A text that must not be cut; None for anything else, or if it is longer."""
    if not isinstance(value, str) or not 0 < len(value) <= max_length:
        return None
    return value if value == _valid_text(value) else None


def link_of(value: object) -> str | None:
    """A link; None for anything else."""
    return text_of(value, _MAX_LINK)


def credits_of(value: object) -> Decimal | None:
    """A number of credits; None for anything else."""
    try:
        number = Decimal(str(value)) if isinstance(value, int | float | str) else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or not 0 <= number < _MAX_CREDITS:
        return None
    # A fraction with more digits than that is noise of a binary number.
    return round(number, 6)


def _valid_text(text: str) -> str:
    """The text without lone surrogates, which JSON can express and UTF-8 cannot."""
    return text.encode(errors="replace").decode()
