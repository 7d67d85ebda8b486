"""The dataclass decorator of the functions, which compiles nothing.

For each class, the standard library's writes and compiles the source of its methods; with two
hundred classes this is a sixth of a cold start. Here the standard library only finds the fields, so
that its `fields`, `replace` and `asdict` work. The methods are closures that loop over the fields;
making an instance takes about as long.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")


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
        made = found(plain)
        for name, method in _methods(made, frozen=frozen).items():
            if name not in vars(made):  # as in the standard library, a class may have its own
                setattr(made, name, method)
        return made

    return decorate


def _methods(made: type, *, frozen: bool) -> Mapping[str, object]:
    fields = dataclasses.fields(made)
    compared = attrgetter("__class__", *(field.name for field in fields if field.compare))
    shown = tuple(field.name for field in fields if field.repr)

    def equal(self: object, other: object) -> object:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hashed(self: object) -> int:
        return hash(compared(self))

    @recursive_repr()
    def described(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    methods = {"__init__": _init(made), "__eq__": equal, "__repr__": described}
    if frozen:
        return methods | {"__hash__": hashed, "__setattr__": _refuse, "__delattr__": _refuse}
    return methods | {"__hash__": None}


def _init(made: type) -> object:
    missing = dataclasses.MISSING
    fields = dataclasses.fields(made)
    defaults = {one.name: one.default for one in fields if one.default is not missing}
    factories: dict[str, Callable[[], object]] = {
        one.name: one.default_factory for one in fields if one.default_factory is not missing
    }
    known = {field.name for field in fields}
    required = known - defaults.keys() - factories.keys()
    assign = object.__setattr__
    finish = getattr(made, "__post_init__", None)

    def init(self: object, /, **given: object) -> None:
        if not required <= given.keys() <= known:
            raise TypeError(
                f"{made.__qualname__}() misses {sorted(required - given.keys())}"
                f" and does not know {sorted(given.keys() - known)}"
            )
        for name, value in {**defaults, **given}.items():
            assign(self, name, value)
        for name in factories.keys() - given.keys():
            assign(self, name, factories[name]())
        if finish:
            finish(self)

    return init


def _refuse(_self: object, name: str, _value: object = None) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}, nor delete it")


if TYPE_CHECKING:
    from dataclasses import dataclass  # type checkers know it well
else:
    dataclass = _dataclass
