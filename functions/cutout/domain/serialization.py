"""Between frozen dataclasses and plain values that a table can hold.

Enums become their text, times ISO 8601, tuples lists; what is None is left out. Reading follows
the field types and fills what is missing with the field's default, or with None where the field
may be None, so rows written by an earlier version stay readable.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Row = dict[str, Any]
T = TypeVar("T")


def to_row(value: object) -> Row:
    """The plain form of a dataclass instance."""
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise TypeError(f"{type(value).__name__} is not a dataclass")
    return plain


def from_row(kind: type[T], row: Row) -> T:
    """The instance that `to_row` wrote; fields that the class does not know are ignored."""
    hints = _hints(kind)  # type: ignore[arg-type]  # classes are hashable
    known = {name: _typed(hints[name], row[name]) for name in hints if name in row}
    required = _without_default(kind)  # type: ignore[arg-type]  # classes are hashable
    absent = [name for name in required if name not in row]
    nothing = {name: None for name in absent if _may_be_none(hints[name])}
    return kind(**nothing, **known)


def is_exact(value: object) -> bool:
    """Whether every field of an instance that `from_row` made is of its class's type.

    Texts and truths are taken as they stand; what another program wrote may hold anything.
    """
    hints = _hints(type(value))  # type: ignore[arg-type]  # classes are hashable
    return all(_is_of(hint, getattr(value, name)) for name, hint in hints.items())


def _is_of(hint: Any, value: object) -> bool:  # noqa: ANN401 - types are values here
    if get_origin(hint) is UnionType:
        return any(_is_of(arg, value) for arg in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_of(get_args(hint)[0], one) for one in value)
    return isinstance(value, hint) and (not is_dataclass(value) or is_exact(value))


def _plain(value: object) -> Any:  # noqa: ANN401 - any plain value
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(item) for name, item in pairs if item is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _typed(hint: Any, value: Any) -> Any:  # noqa: ANN401 - types are values here
    if get_origin(hint) is UnionType:
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(_typed(get_args(hint)[0], item) for item in value)
    if is_dataclass(hint) and isinstance(hint, type):
        return from_row(hint, value)
    if hint in {datetime, date}:
        return hint.fromisoformat(value)
    return value if hint in {str, bool, Decimal} else hint(value)


def _may_be_none(hint: Any) -> bool:  # noqa: ANN401 - types are values here
    return NoneType in get_args(hint)


@cache
def _without_default(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - a dataclass
    return tuple(field.name for field in fields(kind) if field.default is MISSING)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
