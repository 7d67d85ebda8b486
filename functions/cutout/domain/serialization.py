"""Between frozen dataclasses and plain values that a table can hold.

Enums become their value, times ISO 8601, tuples lists; None is left out. Reading follows the
field types and fills what is missing with the field's default, or with None where the field
may be None, so rows written by an earlier version stay readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import NamedTuple, TypeVar, get_args, get_origin, get_type_hints

STORED_AS = "stored_as"
"""Metadata of a field whose name in stored rows differs: rows keep the name of earlier versions."""

Row = dict[str, object]
_STORED_AS_THEY_ARE: frozenset[object] = frozenset({str, bool, Decimal})
T = TypeVar("T")


class _Column(NamedTuple):
    """A field of a dataclass: its name in code, its name in rows, and its type."""

    name: str
    stored_name: str
    hint: object
    is_required: bool


def to_row(value: object) -> Row:
    """The plain form of a dataclass instance."""
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise TypeError(f"{type(value).__name__} is not a dataclass")
    return plain


def from_row(kind: type[T], row: Row) -> T:
    """The instance that `to_row` wrote; names that the class does not have are ignored."""
    values: dict[str, object] = {}
    for column in _columns(kind):  # type: ignore[arg-type]  # classes are hashable
        if column.stored_name in row:
            values[column.name] = _typed(column.hint, row[column.stored_name])
        elif column.is_required and NoneType in get_args(column.hint):
            values[column.name] = None
    return kind(**values)


def is_exact(value: object) -> bool:
    """Whether every field of an instance that `from_row` made has the type that its class names.

    `from_row` does not check text and booleans: a message of another program may hold anything.
    """
    columns = _columns(type(value))  # type: ignore[arg-type]  # classes are hashable
    return all(_is_of(column.hint, getattr(value, column.name)) for column in columns)


def _is_of(hint: object, value: object) -> bool:
    if get_origin(hint) is UnionType:
        return any(_is_of(arg, value) for arg in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_of(get_args(hint)[0], one) for one in value)
    return (
        isinstance(hint, type)
        and isinstance(value, hint)
        and (not is_dataclass(value) or is_exact(value))
    )


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        columns = _columns(type(value))
        pairs = ((column.stored_name, getattr(value, column.name)) for column in columns)
        return {name: _plain(item) for name, item in pairs if item is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
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
    if isinstance(hint, type) and issubclass(hint, date):
        return hint.fromisoformat(as_text(value))
    return hint(value) if callable(hint) and hint not in _STORED_AS_THEY_ARE else value


def as_items(value: object) -> Iterable[object]:
    """The value, if it is a list.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, Iterable):
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
            is_required=field.default is MISSING,
        )
        for field in fields(kind)
    )
