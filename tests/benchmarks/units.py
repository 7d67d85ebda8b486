"""How many units of DynamoDB requests take, by the sizes of the items that went over the wire.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cutout.domain.job.table_indexes import INDEXES
from tests.functions.wire import Sent

_WRITE_BYTES = 1024
_READ_BYTES = 4096
_NEW_ALONE = "attribute_not_exists(pk)"
Item = Mapping[str, Any]


@dataclass
class Units:
    """The table as it stands after what was sent so far, which is what sizes depend on.

    Attributes:
        index_writes: Entries written or deleted, by index and partition.
        gate_writes: How often the gate's item was written.
    """

    index_writes: Counter[str] = field(default_factory=Counter)
    gate_writes: int = 0
    _items: dict[str, Item] = field(default_factory=dict)

    def of(self, sent: Sent) -> Decimal:
        """Units of reading or of writing, whichever the request does.

        A transaction reads or writes each item twice, but its index entries once.
        """
        body = sent.body
        match sent.operation:
            case "PutItem":
                return Decimal(self._put(body, times=1))
            case "TransactWriteItems":
                return Decimal(sum(self._write(one) for one in body["TransactItems"]))
            case "GetItem":
                return Decimal(self._read(body["Key"]["pk"]["S"]))
            case "BatchGetItem":
                (asked,) = body["RequestItems"].values()
                return Decimal(sum(self._read(key["pk"]["S"]) for key in asked["Keys"]))
            case "Query":
                return Decimal("0.5")  # eventual, and a page of keys of up to 4 KB
            case _:
                raise NotImplementedError(sent.operation)

    def _write(self, one: Mapping[str, Any]) -> int:
        """One write of a transaction. A deletion takes as much as what it deletes."""
        if "Put" in one:
            return self._put(one["Put"], times=2)
        old = self._items.pop(one["Delete"]["Key"]["pk"]["S"], {})
        return 2 * _blocks(size_of(old), _WRITE_BYTES)

    def _put(self, put: Mapping[str, Any], times: int) -> int:
        new, pk = put["Item"], put["Item"]["pk"]["S"]
        old = self._items.get(pk)
        size = max(size_of(new), size_of(old or {}))
        units = times * _blocks(size, _WRITE_BYTES)
        if old is not None and put.get("ConditionExpression") == _NEW_ALONE:
            return units  # it loses, and takes as many units as if it had won
        self._items[pk] = new
        self.gate_writes += pk == "gate"
        return units + sum(self._index_writes(name, old or {}, new) for name in INDEXES)

    def _index_writes(self, index: str, old: Item, new: Item) -> int:
        """An entry whose keys change is deleted and written again; one that keeps them is left."""
        before, after = _entry(index, old), _entry(index, new)
        if before == after:
            return 0
        changed = [entry for entry in (before, after) if entry]
        self.index_writes.update(f"{index} {entry[0]}" for entry in changed)
        return len(changed)

    def _read(self, pk: str) -> int:
        return _blocks(size_of(self._items.get(pk, {})), _READ_BYTES)


def size_of(item: Item) -> int:
    """How many bytes an item has: its names and its values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return 1 + (len(content.strip("-0.")) + 1) // 2
        case "M":
            return 3 + len(content) + size_of(content)
        case "L":
            return 3 + len(content) + sum(map(_value_size, content))
        case _:
            return 1


def _entry(index: str, item: Item) -> tuple[str, ...]:
    partition, sort, kind = INDEXES[index]
    if partition not in item or sort not in item:
        return ()
    return item[partition]["S"], item[sort][kind]


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))
