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
def test_converters_write_and_read_values_as_boto3_does(value: object) -> None:
    """What one of them has written, the other reads as the same value."""
    attribute = written(value)
    assert attribute == types.TypeSerializer().serialize(value)
    assert plain(attribute) == types.TypeDeserializer().deserialize(attribute)


@pytest.mark.parametrize("value", [1.5, {"a": 1.5}, b"bytes", object()])
def test_converters_refuse_values_of_other_types(value: object) -> None:
    """A float loses digits, and we store nothing binary."""
    with pytest.raises(TypeError, match="cannot be stored"):
        written(value)


def test_converters_keep_all_digits_of_a_number_or_refuse_it() -> None:
    """DynamoDB stores 38 digits."""
    with pytest.raises(ArithmeticError):
        written(Decimal("1." + "1" * 38))


def test_converters_write_and_read_a_set_of_text() -> None:
    """The gate's shards store their holders as such a set."""
    attribute = written(frozenset({"b", "a"}))
    assert attribute == {"SS": ["a", "b"]}
    assert plain(attribute) == {"a", "b"}


def test_converters_refuse_to_read_a_set_of_numbers() -> None:
    """None of our items has one."""
    with pytest.raises(TypeError, match="the type NS is not stored"):
        plain({"NS": ["1"]})
