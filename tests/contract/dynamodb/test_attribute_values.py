"""Our converters write and read what boto3's do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from boto3.dynamodb import types
from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.dynamodb.attribute_values import plain, written

_NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(-1000, 1000, places=3)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | _NUMBERS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_VALUES)
def test_values_are_written_and_read_as_boto3_does(value: object) -> None:
    """A row that one wrote is the same for the other."""
    attribute = written(value)
    assert attribute == types.TypeSerializer().serialize(value)
    assert plain(attribute) == types.TypeDeserializer().deserialize(attribute)


@pytest.mark.parametrize("value", [1.5, {"a": 1.5}, b"bytes", object()])
def test_what_is_not_stored_is_refused(value: object) -> None:
    """A float loses digits, and nothing that we store is binary."""
    with pytest.raises(TypeError, match="cannot be stored"):
        written(value)


def test_a_number_keeps_all_of_its_digits_or_is_refused() -> None:
    """DynamoDB keeps 38."""
    with pytest.raises(ArithmeticError):
        written(Decimal("1." + "1" * 38))


def test_a_set_of_text_is_written_and_read() -> None:
    """The gate's shards keep their holders so."""
    attribute = written(frozenset({"b", "a"}))
    assert attribute == {"SS": ["a", "b"]}
    assert plain(attribute) == {"a", "b"}


def test_a_set_of_numbers_is_not_read() -> None:
    """No row of ours has one."""
    with pytest.raises(TypeError, match="the type NS is not stored"):
        plain({"NS": ["1"]})
