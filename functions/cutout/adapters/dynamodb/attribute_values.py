"""Values as DynamoDB writes them, such as `{"S": "text"}`.

What `boto3.dynamodb.types` does, for the types that are stored. Importing boto3 for it takes as
long as a tenth of a cold start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

_NUMBERS = Context(
    prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow]
)
"""What a number of DynamoDB can hold."""


def written(value: object) -> Any:  # noqa: ANN401 - as the SDK's types have it
    """Write a value; TypeError if its type is not stored, such as a float.

    decimal.DecimalException: a number has more digits than DynamoDB keeps.
    """
    match value:
        case None:
            return {"NULL": True}
        # Before numbers: a bool is an int, too.
        case bool() | str():
            return {"S" if isinstance(value, str) else "BOOL": value}
        case int() | Decimal():
            return {"N": str(_NUMBERS.create_decimal(value))}
        case Mapping():
            return {"M": {name: written(one) for name, one in value.items()}}
        case AbstractSet():
            return {"SS": sorted(value)}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return {"L": [written(one) for one in value]}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def plain(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the same
    """Read a value; numbers become decimals. TypeError: it is of a type that is not stored."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _NUMBERS.create_decimal(value)
        case "NULL":
            return None
        case "M":
            return {name: plain(one) for name, one in value.items()}
        case "SS":
            return frozenset(value)
        case "L":
            return [plain(one) for one in value]
    raise TypeError(f"the type {kind} is not stored")
