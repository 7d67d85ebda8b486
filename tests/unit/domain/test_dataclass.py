"""Our dataclass decorator behaves like the standard library's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from cutout.domain.dataclass import dataclass

Decorate = Callable[..., Callable[[type], type]]
OPTIONS = [
    pytest.param({"kw_only": True, "frozen": frozen, "slots": slots}, id=f"{frozen=} {slots=}")
    for frozen in (False, True)
    for slots in (False, True)
]


def family(decorate: Decorate, **options: bool) -> type:
    """A class with fields of all kinds, inherited ones, a method and a property."""

    @decorate(**options)
    class Base:
        """The base."""

        name: str
        parts: list[int] = field(default_factory=list)
        size: int = 1

    @decorate(**options)
    class Whole(Base):
        size: int = 2
        note: str | None = field(default=None, compare=False, metadata={"stored_as": "remark"})
        secret: str = field(default="", repr=False)

        @property
        def doubled(self) -> int:
            return self.size * 2

    return Whole


@pytest.fixture(params=OPTIONS)
def twins(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """The same class, made by our decorator and by the standard library's."""
    ours: Decorate = dataclass
    return family(ours, **request.param), family(dataclasses.dataclass, **request.param)


MANY: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b"},
    {"name": "a", "size": 3},
    {"name": "a", "note": "not compared"},
    {"name": "a", "secret": "not shown"},
    {"name": "a", "parts": [1, 2], "size": 0, "note": None},
]


def test_instances_have_the_same_repr_and_values(twins: tuple[Any, Any]) -> None:
    """`repr`, `asdict`, `astuple`, properties."""
    for given in MANY:
        ours, theirs = (one(**given) for one in twins)

        assert repr(ours) == repr(theirs)
        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
        assert dataclasses.astuple(ours) == dataclasses.astuple(theirs)
        assert ours.doubled == theirs.doubled


def test_instances_are_equal_in_the_same_cases(twins: tuple[Any, Any]) -> None:
    """Every pair is compared; instances of different classes are never equal."""

    def equal(kind: Any) -> list[bool]:
        return [kind(**one) == kind(**another) for one in MANY for another in MANY]

    ours, theirs = twins

    assert equal(ours) == equal(theirs)
    assert ours(name="a") != theirs(name="a")


def test_only_frozen_instances_have_a_hash(twins: tuple[Any, Any]) -> None:
    """Equal instances have the same hash, without fields that are not compared."""
    ours, theirs = twins
    if theirs.__hash__ is None:
        assert ours.__hash__ is None
        return
    plain, noted = (ours(name="a", parts=(), note=note) for note in (None, "not compared"))

    assert hash(plain) == hash(noted)
    with pytest.raises(TypeError):
        hash(ours(name="a"))


def test_replace_changes_fields(twins: tuple[Any, Any]) -> None:
    """And refuses unknown names."""
    for given in MANY:
        ours, theirs = (dataclasses.replace(one(**given), size=7) for one in twins)

        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    with pytest.raises(TypeError, match="odd"):
        dataclasses.replace(twins[0](name="a"), odd=1)


def test_fields_are_listed_alike(twins: tuple[Any, Any]) -> None:
    """Names, defaults, metadata and order, including inherited fields."""

    def found(kind: Any) -> list[Any]:
        return [
            (one.name, one.type, one.default, one.default_factory, dict(one.metadata), one.kw_only)
            for one in dataclasses.fields(kind)
        ]

    ours, theirs = twins

    assert found(ours) == found(theirs)
    assert ours.__match_args__ == theirs.__match_args__
    assert hasattr(ours(name="a"), "__dict__") == hasattr(theirs(name="a"), "__dict__")


def test_each_instance_gets_its_own_default(twins: tuple[Any, Any]) -> None:
    """The factory is called for each instance without a value."""
    ours, _ = twins

    ours(name="a").parts.append(1)

    assert ours(name="a").parts == []


@pytest.mark.parametrize("wrong", [{}, {"name": "a", "odd": 1}, {"size": 1}])
def test_missing_and_unknown_names_are_refused(
    twins: tuple[Any, Any], wrong: dict[str, Any]
) -> None:
    """Like positional arguments."""
    for kind in twins:
        with pytest.raises(TypeError):
            kind(**wrong)
        with pytest.raises(TypeError):
            kind("a")


def test_the_error_names_missing_and_unknown_fields(twins: tuple[Any, Any]) -> None:
    """So that the traceback is enough to correct the call."""
    with pytest.raises(TypeError, match=r"Whole\(\) misses \['name'\] and does not know \['odd'\]"):
        twins[0](odd=1)


def test_only_instances_that_are_not_frozen_change(twins: tuple[Any, Any]) -> None:
    """A frozen one raises the standard library's error."""
    ours, theirs = (one(name="a") for one in twins)
    try:
        theirs.size = 5
    except FrozenInstanceError:
        with pytest.raises(FrozenInstanceError, match="size"):
            ours.size = 5
        with pytest.raises(FrozenInstanceError, match="size"):
            del ours.size
        return
    ours.size = 5

    assert ours.size == theirs.size


def test_a_class_keeps_its_own_methods() -> None:
    """Only missing ones are added."""

    @dataclass(kw_only=True, frozen=True)
    class Own:
        size: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    assert (repr(Own(size=1)), hash(Own(size=1))) == ("own", 1)
    assert Own(size=1) == Own(size=2)


def test_post_init_runs_once_all_fields_are_set() -> None:
    """It may reject the values."""

    @dataclass(kw_only=True, frozen=True)
    class Side:
        pixels: int = 0

        def __post_init__(self) -> None:
            if self.pixels < 0:
                raise ValueError(self.pixels)

    assert Side().pixels == 0
    with pytest.raises(ValueError, match="-1"):
        Side(pixels=-1)


def test_the_repr_of_a_cyclic_instance_ends() -> None:
    """With `...` for the repetition."""

    @dataclass(kw_only=True)
    class Ring:
        nodes: list[Any]

    ring = Ring(nodes=[])
    ring.nodes.append(ring)

    assert repr(ring).endswith("Ring(nodes=[...])")


def test_instances_of_a_class_without_fields_are_equal() -> None:
    """And have the same hash."""

    @dataclass(kw_only=True, frozen=True, slots=True)
    class Nothing:
        pass

    assert {Nothing(), Nothing()} == {Nothing()}
