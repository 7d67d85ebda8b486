"""Limits of stored text, lists and numbers.

Photos, the provider and libraries may contain or return text of any length. DynamoDB rejects items
above 400 KB, text that UTF-8 cannot encode, and numbers of more than 38 digits; EventBridge rejects
events above 256 KB. A job that cannot be written can neither continue nor end, so the jobs table
applies these limits to every job that it writes.

Values of S3 and of Cutout are bounded already (a key has at most 1,024 bytes) and not listed.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from cutout.domain.recipes import MOST_RECIPES, RECIPE_NAME_BYTES
from cutout.domain.sanitize import shortened

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)

TEXT_BYTES = {
    "by": 700,
    "code": 100,
    "file_id": 200,
    "format": 20,
    "message": 600,
    "model": 200,
    "named_task": 200,
    "problem": 300,
    "profile": 100,
    "recipe": 100,
    "recipes": RECIPE_NAME_BYTES,
    "remark": 600,
    "task_id": 200,
}
"""Bytes of UTF-8, by the name of the field in any dataclass."""
LIST_LENGTHS = {"attempts": 30, "history": 60, "recipes": MOST_RECIPES, "variants": 50}
"""Entries, by the name of the field; the newest are kept."""
MOST_CREDITS = Decimal(10**9)
MOST_COUNTED = 10**15
_CREDITS_STEP = Decimal("0.000001")


def bounded(value: T) -> T:
    """The dataclass instance with all values within their limits; the same one if they are."""
    changed: dict[str, object] = {}
    for field in fields(value):
        old = getattr(value, field.name)
        new = _within(field.name, old)
        if new is not old:
            changed[field.name] = new
    return replace(value, **changed) if changed else value


def _within(name: str, item: object) -> object:
    # First: most enums are text, and a bool is an int.
    if isinstance(item, Enum | bool | None):
        return item
    if isinstance(item, str):
        return _text(name, item)
    if isinstance(item, tuple):
        return _newest(name, item)
    if isinstance(item, int):
        return max(-MOST_COUNTED, min(item, MOST_COUNTED))
    if isinstance(item, Decimal):
        return _credits(item)
    return bounded(item) if is_dataclass(item) and not isinstance(item, type) else item


def _text(name: str, text: str) -> str:
    most = TEXT_BYTES.get(name)
    if most is None or (text.isascii() and len(text) <= most):
        return text
    within = shortened(text, most)
    # The same object if it fits: `bounded` then sees that nothing changed.
    return text if within == text else within


def _newest(name: str, items: tuple[object, ...]) -> tuple[object, ...]:
    surplus = max(0, len(items) - LIST_LENGTHS.get(name, len(items)))
    within = tuple(_within(name, item) for item in items[surplus:])
    return items if within == items else within


def _credits(number: Decimal) -> Decimal:
    if not number.is_finite():
        return Decimal(0)
    clamped = max(-MOST_CREDITS, min(number, MOST_CREDITS))
    # Quantizing a number that has few enough digits would only add zeros.
    stepped = clamped.quantize(_CREDITS_STEP)
    return clamped if clamped == stepped else stepped
