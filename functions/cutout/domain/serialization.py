"""Between frozen dataclasses and plain values that a table can hold.

Enums become their value, times ISO 8601, tuples lists; None is left out. Reading follows the
field types and fills what is missing with the field's default, or with None where the field
may be None, so rows written by an earlier version stay readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import NamedTuple, TypeVar, get_args, get_origin, get_type_hints

STORED_AS = "stored_as"
"""Metadata of a field whose name in stored rows differs: rows keep the name of earlier versions."""

Row = dict[str, object]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STORED_AS_THEY_ARE = (str, bool, Decimal)
T = TypeVar("T")


class _Column(NamedTuple):
    """A field of a dataclass: its name in code, its name in rows, its type and its default."""

    name: str
    stored_name: str
    hint: object
    default: object


def to_row(value: object) -> Row:
    """The plain form of a dataclass instance."""
    return as_row(_plain(value))


def to_small_row(value: object) -> Row:
    """A smaller form, for items whose size counts: no defaults, and times as microseconds.

    `from_row` reads both. A field's default must not change while rows without the field exist.
    """
    return as_row(_plain(value, is_small=True))


def from_row(kind: type[T], row: Row) -> T:
    """The instance that `to_row` wrote; names that the class does not have are ignored.

    Raises:
        TypeError: a field is missing, or a value is not of its field's type.
        ValueError: a value is none that its field may have.
    """
    values: dict[str, object] = {}
    for column in _columns(kind):  # type: ignore[arg-type]  # classes are hashable
        if column.stored_name in row:
            values[column.name] = _typed(column.hint, row[column.stored_name])
        elif column.default is MISSING and NoneType in get_args(column.hint):
            values[column.name] = None
    return kind(**values)


def json_object(text: str | bytes) -> Row:
    """The object of an untrusted text; empty for anything else, or if it is nested too deeply."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def json_fields(of: object, *names: str) -> dict[str, object]:
    """Attributes for JSON: times in ISO 8601, enums by their value, decimals as numbers."""
    return {name: _for_json(getattr(of, name)) for name in names}


def _for_json(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return float(value)
        case Enum():
            return value.value
    return value


def _plain(value: object, *, is_small: bool = False) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((column, getattr(value, column.name)) for column in _columns(type(value)))
        return {
            column.stored_name: _plain(item, is_small=is_small)
            for column, item in pairs
            if item is not None and not (is_small and item == column.default)
        }
    if isinstance(value, Enum):
        return value.value
    if is_small and isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item, is_small=is_small) for item in value]
    return value


def _typed(hint: object, value: object) -> object:
    """The value as its field's type.

    Raises:
        TypeError: the type of the value does not fit.
        ValueError: the value does not fit.
    """
    if get_origin(hint) is UnionType:
        # Only `X | None` occurs.
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(_typed(get_args(hint)[0], item) for item in as_items(value))
    if isinstance(hint, type) and is_dataclass(hint):
        return from_row(hint, as_row(value))
    if hint is datetime and isinstance(value, int | Decimal):
        return _EPOCH + int(value) * _MICROSECOND
    if isinstance(hint, type) and issubclass(hint, date):
        return hint.fromisoformat(as_text(value))
    if hint in _STORED_AS_THEY_ARE:
        # A message of another program may hold anything: nothing but numbers is converted.
        if not isinstance(value, hint):
            raise TypeError(f"{value!r} is no {hint}")
        return value
    return hint(value) if callable(hint) else value


def as_items(value: object) -> Iterable[object]:
    """The value, if it is a list.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise TypeError(f"{value!r} is no list")
    return value


def as_row(value: object) -> Row:
    """The value, if it is an object of JSON; raises as `as_items` does."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def as_text(value: object) -> str:
    """The value, if it is text; raises as `as_items` does."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


@cache
def _columns(kind: type) -> tuple[_Column, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Column(
            name=field.name,
            stored_name=field.metadata.get(STORED_AS, field.name),
            hint=hints[field.name],
            default=field.default,
        )
        for field in fields(kind)
    )
