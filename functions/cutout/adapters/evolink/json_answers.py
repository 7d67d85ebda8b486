"""The provider's JSON, read once and as values that can be kept: bounded, and never half a letter.

What arrives may be a proxy's page, or longer, deeper and odder than a row, a log line or a URL
can hold. So nothing of it goes further unless it was read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
"""What the official client accepts, and shorter ones, since ids may be numbers. Never `..`."""
_LONGEST_CODE = 100
_LONGEST_LINK = 8192
_MOST_CREDITS = 1_000_000
"""What is more is no price, and may be more than a table can hold."""


def json_object(body: bytes | str) -> Mapping[str, Any]:
    """The body's object; empty for anything else, such as a proxy's HTML.

    What nests deeper than Python's recursion limit is nothing either.
    """
    text = body.removeprefix("\N{BYTE ORDER MARK}") if isinstance(body, str) else body
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def task_in(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task's members, out of the `data` that some answers wrap them in."""
    inner = told.get("data")
    return inner if isinstance(inner, dict) else told


def names_a_task(told: Mapping[str, Any]) -> bool:
    """Whether there is an id, be it one that can be read or not."""
    return bool(told.get("id") or told.get("task_id"))


def task_id_in(told: Mapping[str, Any]) -> str | None:
    """The task's id, if it has the form of one; a whole number is one, too."""
    found = told.get("id") or told.get("task_id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = str(found)
    return text if _TASK_ID.fullmatch(text) else None


def task_id_of_callback(body: bytes | str) -> str | None:
    """The id of the task that a callback's body names, if it names one that can be read."""
    return task_id_in(task_in(json_object(body)))


def error_in(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The API's own account of what is wrong; empty without one.

    Proxies say their own: a page, `{"message": ...}`, or an `error` that is text.
    """
    error = told.get("error")
    return error if isinstance(error, dict) else {}


def code_of(value: object) -> str | None:
    """An error code as text; some come as numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _whole_letters(str(value))[:_LONGEST_CODE] or None


def text_of(value: object, longest: int) -> str | None:
    """A text that is of use only as a whole; None if it is none, or longer."""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        return None
    return value if value == _whole_letters(value) else None


def link_of(value: object) -> str | None:
    """A link, whatever it leads to."""
    return text_of(value, _LONGEST_LINK)


def credits_of(value: object) -> Decimal | None:
    """A number of credits; None for what is none."""
    try:
        number = Decimal(str(value)) if isinstance(value, int | float | str) else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or not 0 <= number < _MOST_CREDITS:
        return None
    return round(number, 6)


def _whole_letters(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can name and UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()
