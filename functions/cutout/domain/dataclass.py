"""`dataclass` under its standard name, so that code reads as usual; it compiles no source.

For each class, the standard library's decorator writes and compiles the source of its methods; with
two hundred classes this is a sixth of a cold start. Here the standard library only finds the
fields, so that its `fields`, `replace` and `asdict` work. All classes share the methods, which loop
over the fields; making an instance takes about as long.

Not supported: positional arguments, `order`, `ClassVar`, `InitVar`, fields with `init=False` or
`hash`, and pickling of a frozen instance with slots.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")
_assign = object.__setattr__


def _dataclass(
    *, kw_only: Literal[True], frozen: bool = False, slots: bool = False
) -> Callable[[type[T]], type[T]]:
    """Return the decorator, with these options of the standard library's.

    Two differences: nothing can be set on an instance of a subclass of a frozen class, and a frozen
    instance with slots cannot be pickled.
    """
    found = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=slots)

    def decorate(plain: type[T]) -> type[T]:
        # The standard library describes a class without a docstring by its signature, slowly.
        plain.__doc__ = plain.__doc__ or plain.__name__
        # It would search each annotation, a text, for the name of ClassVar; ours have none.
        annotations = plain.__annotations__
        plain.__annotations__ = dict.fromkeys(annotations, object)
        made = found(plain)
        made.__annotations__ = annotations
        for one in dataclasses.fields(made):  # type: ignore[arg-type] # it is one
            one.type = annotations.get(one.name, one.type)
        for name, method in (_FROZEN if frozen else _CHANGING).items():
            if name not in vars(made):  # as in the standard library, a class may have its own
                setattr(made, name, method)
        return made

    return decorate


class _Parameters(NamedTuple):
    """What an instance of a class is made from: names, and what replaces those not given."""

    known: frozenset[str]
    required: frozenset[str]
    defaults: dict[str, object]
    factories: dict[str, Callable[[], object]]


@cache
def _parameters(kind: type) -> _Parameters:
    missing, fields = dataclasses.MISSING, dataclasses.fields(kind)
    defaults = {one.name: one.default for one in fields if one.default is not missing}
    factories: dict[str, Callable[[], object]] = {
        one.name: one.default_factory for one in fields if one.default_factory is not missing
    }
    known = frozenset(field.name for field in fields)
    required = known - defaults.keys() - factories.keys()
    return _Parameters(known, required, defaults, factories)


@cache
def _compared(kind: type) -> Callable[[object], object]:
    names = (field.name for field in dataclasses.fields(kind) if field.compare)
    return attrgetter("__class__", *names)


def _init(self: object, /, **given: object) -> None:
    kind: type = type(self)
    known, required, defaults, factories = _parameters(kind)
    if not required <= given.keys() <= known:
        raise TypeError(
            f"{kind.__qualname__}() misses {sorted(required - given.keys())}"
            f" and does not know {sorted(given.keys() - known)}"
        )
    for name, value in {**defaults, **given}.items():
        _assign(self, name, value)
    for name in factories.keys() - given.keys():
        _assign(self, name, factories[name]())
    if finish := getattr(self, "__post_init__", None):
        finish()


def _equal(self: object, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    kind: type = type(self)
    compared = _compared(kind)
    return compared(self) == compared(other)


def _hash(self: object) -> int:
    kind: type = type(self)
    return hash(_compared(kind)(self))


@recursive_repr()
def _repr(self: object) -> str:
    kind: type = type(self)
    shown = (field.name for field in dataclasses.fields(kind) if field.repr)
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{kind.__qualname__}({values})"


def _refuse(_self: object, name: str, _value: object = None) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}, nor delete it")


_CHANGING = {"__init__": _init, "__eq__": _equal, "__repr__": _repr, "__hash__": None}
_FROZEN = {**_CHANGING, "__hash__": _hash, "__setattr__": _refuse, "__delattr__": _refuse}

if TYPE_CHECKING:
    from dataclasses import dataclass  # type checkers know it well
else:
    dataclass = _dataclass
