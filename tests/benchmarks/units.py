"""How many units of DynamoDB requests take, by the sizes of the items that went over the wire.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cutout.adapters.dynamodb.gate_and_claim_items import GATE
from cutout.domain.job.table_indexes import INDEXES
from tests.contract.dynamodb.table import CALLS, TABLE, create_calls_table, create_table
from tests.functions.wire import Sent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITE_BYTES = 1024
_READ_BYTES = 4096
_TRANSACTION = "TransactWriteItems"
_REPEATED = {TABLE: f"Repeated-{TABLE}", CALLS: f"Repeated-{CALLS}"}
Item = Mapping[str, Any]


class Units:
    """Repeats each request on tables of its own, which show the items before and after it.

    Attributes:
        index_writes: entries written or deleted, by index and partition.
        gate_writes: how often the gate's item and its shards were written, by key.
    """

    def __init__(self, client: DynamoDBClient) -> None:
        """Two empty tables in the account of this client."""
        create_table(client, _REPEATED[TABLE])
        create_calls_table(client, _REPEATED[CALLS])
        self._client = client
        self.index_writes: Counter[str] = Counter()
        self.gate_writes: Counter[str] = Counter()

    def of(self, sent: Sent) -> Decimal:
        """Units of reading or of writing, whichever the request does."""
        body = sent.body
        match sent.operation:
            case "GetItem":
                return Decimal(self._read(body["TableName"], body["Key"]))
            case "BatchGetItem":
                return Decimal(
                    sum(
                        self._read(table, key)
                        for table, asked in body["RequestItems"].items()
                        for key in asked["Keys"]
                    )
                )
            case "Query":
                return Decimal("0.5")  # eventual, and a page of keys of up to 4 KB
            case _:
                return Decimal(self._write(sent))

    def _write(self, sent: Sent) -> int:
        """A transaction writes each item twice, but its index entries once."""
        writes = [one for write in _members(sent) for one in write.values()]
        before = [self._item(one["TableName"], _key(one)) for one in writes]
        is_lost = not self._is_made(sent)
        after = [self._item(one["TableName"], _key(one)) for one in writes]
        times = 2 if sent.operation == _TRANSACTION else 1
        units = 0
        for one, old, new in zip(writes, before, after, strict=True):
            # A write that loses takes as many units as if it had won.
            size = max(map(size_of, (old, new, one.get("Item", {}))))
            units += times * _blocks(size, _WRITE_BYTES)
            units += sum(self._index_writes(name, old, new) for name in INDEXES)
            key = _key(one)["pk"]["S"]
            if key.startswith(GATE) and not is_lost:
                self.gate_writes[key] += 1
        return units

    def _is_made(self, sent: Sent) -> bool:
        """Repeat the write; False if a condition fails."""
        client, errors = self._client, self._client.exceptions
        members: Any = [
            {kind: one | {"TableName": _REPEATED[one["TableName"]]} for kind, one in write.items()}
            for write in _members(sent)
        ]
        try:
            if sent.operation == _TRANSACTION:
                client.transact_write_items(TransactItems=members)
            elif "Put" in members[0]:
                client.put_item(**members[0]["Put"])
            else:
                client.update_item(**members[0]["Update"])
        except (errors.ConditionalCheckFailedException, errors.TransactionCanceledException):
            return False
        return True

    def _index_writes(self, index: str, old: Item, new: Item) -> int:
        """An entry whose keys change is deleted and written again; one that keeps them is left."""
        before, after = _entry(index, old), _entry(index, new)
        if before == after:
            return 0
        changed = [entry for entry in (before, after) if entry]
        self.index_writes.update(f"{index} {entry[0]}" for entry in changed)
        return len(changed)

    def _read(self, table: str, key: Any) -> int:
        return _blocks(size_of(self._item(table, key)), _READ_BYTES)

    def _item(self, table: str, key: Any) -> Item:
        return self._client.get_item(TableName=_REPEATED[table], Key=key).get("Item", {})


def read_units(keys: int | None, items: Iterable[Item]) -> Decimal:
    """Units of a read, by its answer.

    Args:
        keys: how many items were asked for by their keys, strongly consistent; None for a query,
            which is eventual and reads the entries of its page together.
        items: those in the answer.
    """
    sizes = [size_of(one) for one in items]
    if keys is None:
        return Decimal(_blocks(sum(sizes), _READ_BYTES)) / 2
    # An item that does not exist takes a unit, too.
    return Decimal(sum(_blocks(size, _READ_BYTES) for size in sizes) + keys - len(sizes))


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
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "M":
            return 3 + len(content) + size_of(content)
        case "L":
            return 3 + len(content) + sum(map(_value_size, content))
        case _:
            return 1


def _members(sent: Sent) -> list[Any]:
    """The writes as members of a transaction, also the one of a single write."""
    if sent.operation == _TRANSACTION:
        return list(sent.body["TransactItems"])
    return [{sent.operation.removesuffix("Item"): sent.body}]


def _key(write: Mapping[str, Any]) -> Any:
    return write["Key"] if "Key" in write else {"pk": write["Item"]["pk"]}


def _entry(index: str, item: Item) -> tuple[str, ...]:
    partition, sort, kind = INDEXES[index]
    if partition not in item or sort not in item:
        return ()
    return item[partition]["S"], item[sort][kind]


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))
