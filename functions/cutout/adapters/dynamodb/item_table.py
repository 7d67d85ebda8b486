"""One DynamoDB table of plain items: strong reads, conditional writes that return the winner."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.attribute_values import TypeDeserializer, TypeSerializer
from cutout.adapters.dynamodb.expressions import names_in, projection
from cutout.domain.errors import StoreBusyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_BATCH = 100
"""BatchGetItem takes 100 keys."""
_INDEX_PAGE = 2000
"""Entries of an index that hold nothing but keys: about 200 bytes each, of the 1 MB a page has."""
_FAILED_CHECK = "ConditionalCheckFailed"
_WRITE = "write_id"
"""The attribute of every item with the id of the write that made it."""
_LONGEST_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before a collided write is repeated; each wait is random, up to this length.

The SDK repeats neither a transaction that was canceled by another, nor a single write that met one.
"""
_OVERTAKEN = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
_BUSY = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    },
)


@dataclass(frozen=True, kw_only=True)
class Put:
    """An item to write, and the condition on the item that it replaces.

    Attributes:
        condition: a condition expression; names in it that DynamoDB reserves begin with `#`. None
            is needed where it is empty.
        values: by their placeholders.
        table: another table than the one that is written to.
    """

    item: Item
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delete:
    """An item of a table to delete together with other writes, if it is there."""

    pk: str
    table: str


class LostError(Exception):
    """A condition failed.

    Attributes:
        index: which of the writes lost.
        old: the stored item, or None.
    """

    def __init__(self, index: int, old: Item | None) -> None:
        super().__init__("a condition failed")
        self.index = index
        self.old = old


class _CanceledError(StoreBusyError):
    """A transaction that collided with another: nothing of it was written."""


class Table:
    """The table's items as plain dictionaries.

    Args:
        client: a DynamoDB client; its own retries with back-off come first.
        name: the table's name.
        sleep: waits so many seconds.
        randomness: a number from 0 up to, not including, 1.
        new_id: an id that was never used before, of at most 32 characters.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        randomness: Callable[[], float] = random.random,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._randomness = randomness
        self._new_id = new_id
        self._write = TypeSerializer().serialize
        self._read = TypeDeserializer().deserialize

    def get(self, pk: str, *, table: str | None = None) -> Item | None:
        """The item (strongly consistent), of this table or of another."""
        answer = self._client.get_item(
            TableName=table or self._name,
            Key={"pk": {"S": pk}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        return None if item is None else self._plain(item)

    def get_all(self, pks: Sequence[str], paths: Sequence[str] = ()) -> Iterator[Item]:
        """The items that exist of these, in any order (strongly consistent).

        Args:
            pks: their keys, each once.
            paths: of each item only these, as in `job.reason`; all of it if there are none.
        """
        only = projection(paths)
        for start in range(0, len(pks), _BATCH):
            wanted: Any = [{"pk": {"S": pk}} for pk in pks[start : start + _BATCH]]
            while wanted:
                request: Any = {"Keys": wanted, "ConsistentRead": True, **only}
                answer: Any = self._client.batch_get_item(RequestItems={self._name: request})
                yield from map(self._plain, answer["Responses"].get(self._name, []))
                wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys")
                if wanted:
                    # Throttled: a request that follows at once is throttled again.
                    self._sleep(_LONGEST_WAITS[-1] * self._randomness())

    def put(self, first: Put, *others: Put | Delete) -> None:
        """Write one item, or several in one transaction.

        All jobs in flight write the gate's item, so transactions often collide. A transaction that
        collided wrote nothing and is tried again.

        A write whose answer was lost is repeated, by the SDK or here, and then fails its own
        condition. It recognises its items by the write's id, which each of them holds.

        Raises:
            LostError: a condition failed; nothing was written.
            StoreBusyError: throttled, or other transactions kept colliding with this one.
        """
        write_id = self._new_id()
        requests = [self._request(one, write_id) for one in (first, *others)]
        try:
            self._write_in_time(requests, write_id)
        except LostError as lost:
            if lost.old is None or lost.old.get(_WRITE) != write_id:
                raise

    def _write_in_time(self, requests: Sequence[Any], write_id: str) -> None:
        """Try several times. A transaction that may have been made is repeated with its own token.

        Then DynamoDB makes it once, within ten minutes. One that was canceled was not made:
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        token = write_id
        for longest in _LONGEST_WAITS:
            try:
                self._write_all(requests, token)
            except _CanceledError:
                token = self._new_id()
            except StoreBusyError:
                pass
            else:
                return
            self._sleep(longest * self._randomness())
        self._write_all(requests, token)

    def _write_all(self, requests: Sequence[Any], token: str) -> None:
        try:
            if len(requests) == 1:
                self._client.put_item(**requests[0]["Put"])
            else:
                self._client.transact_write_items(
                    TransactItems=requests,
                    ClientRequestToken=token,
                )
        except ClientError as exc:
            self._explain(exc)
            raise

    def set_number(self, pk: str, name: str, number: int, *, condition: Put) -> bool:
        """Change one number of an item; False if the condition does not hold.

        Also False while a transaction writes the item, which then differs from what was read.
        """
        names = {f"#{name}": name} | names_in(condition.condition)
        values = {":number": number} | dict(condition.values)
        try:
            self._client.update_item(
                TableName=self._name,
                Key={"pk": {"S": pk}},
                UpdateExpression=f"SET #{name} = :number",
                ConditionExpression=condition.condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=self._typed(values),
            )
        except ClientError as exc:
            if _code(exc) in _OVERTAKEN:
                return False
            raise
        return True

    def query(
        self,
        index: str,
        partition: tuple[str, str],
        *,
        limit: int,
        up_to: tuple[str, int] | None = None,
        is_newest_first: bool = False,
    ) -> list[str]:
        """Primary keys of an index partition, in the order of its sort key (eventual).

        Args:
            index: the index's name.
            partition: its partition key's name and value.
            limit: how many at most.
            up_to: the sort key's name and greatest value.
            is_newest_first: from the greatest sort key down.
        """
        names, values = {"#p": partition[0]}, {":p": partition[1]} | {}
        condition = "#p = :p"
        typed = self._typed(values)
        if up_to is not None:
            names["#s"] = up_to[0]
            typed[":s"] = {"N": str(up_to[1])}
            condition += " AND #s <= :s"
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=typed,
            ScanIndexForward=not is_newest_first,
            PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 1000)},
        )
        return [item["pk"]["S"] for page in pages for item in page["Items"]]

    def pages(self, index: str, partition: tuple[str, str], size: int) -> Iterator[Sequence[str]]:
        """Primary keys of an index partition, the least sort key first, page by page (eventual)."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            KeyConditionExpression="#p = :p",
            ExpressionAttributeNames={"#p": partition[0]},
            ExpressionAttributeValues={":p": {"S": partition[1]}},
            PaginationConfig={"PageSize": size},
        )
        for page in pages:
            yield [item["pk"]["S"] for item in page["Items"]]

    def numbered(
        self, index: str, partition: tuple[str, str], sort: str, between: tuple[int, int]
    ) -> Iterator[tuple[str, int]]:
        """Primary and sort keys of an index partition, the greatest sort key first (eventual).

        Args:
            index: the index's name.
            partition: its partition key's name and value.
            sort: its sort key's name.
            between: the sort key's least and greatest value.
        """
        least, greatest = (str(one) for one in between)
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            KeyConditionExpression="#p = :p AND #s BETWEEN :least AND :greatest",
            ExpressionAttributeNames={"#p": partition[0], "#s": sort},
            ExpressionAttributeValues={
                ":p": {"S": partition[1]},
                ":least": {"N": least},
                ":greatest": {"N": greatest},
            },
            ScanIndexForward=False,
            PaginationConfig={"PageSize": _INDEX_PAGE},
        )
        for page in pages:
            yield from ((item["pk"]["S"], int(item[sort]["N"])) for item in page["Items"])

    def count(self, index: str, partition: tuple[str, str]) -> int:
        """The number of items in an index partition (eventual)."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            Select="COUNT",
            KeyConditionExpression="#p = :p",
            ExpressionAttributeNames={"#p": partition[0]},
            ExpressionAttributeValues={":p": {"S": partition[1]}},
        )
        return sum(page["Count"] for page in pages)

    def _request(self, write: Put | Delete, write_id: str) -> Any:  # noqa: ANN401 - the SDK's
        if isinstance(write, Delete):
            return {"Delete": {"TableName": write.table, "Key": self._typed({"pk": write.pk})}}
        return {"Put": self._put_request(write, write_id)}

    def _put_request(self, put: Put, write_id: str) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": put.table or self._name,
            "Item": self._typed({**put.item, _WRITE: write_id}),
        }
        if put.condition:
            request["ConditionExpression"] = put.condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if names := names_in(put.condition):
            request["ExpressionAttributeNames"] = names
        if put.values:
            request["ExpressionAttributeValues"] = self._typed(put.values)
        return request

    def _explain(self, exc: ClientError) -> None:
        """Raise our own error for a lost condition or a busy table; else return."""
        code = _code(exc)
        single = {"Code": _FAILED_CHECK, "Item": exc.response.get("Item")}
        reasons: Any = exc.response.get("CancellationReasons", [])
        if code == "ConditionalCheckFailedException":
            reasons = [single]
        for index, reason in enumerate(reasons):
            if reason.get("Code") == _FAILED_CHECK:
                old = reason.get("Item")
                raise LostError(index, self._plain(old) if old else None) from exc
        if {code, *(reason.get("Code") for reason in reasons)} & _BUSY:
            raise (_CanceledError if reasons else StoreBusyError)(code) from exc

    def _typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._write(value) for name, value in values.items()}

    def _plain(self, item: Mapping[str, Any]) -> Item:
        return {name: self._read(value) for name, value in item.items()}


def _code(exc: ClientError) -> str:
    return str(exc.response["Error"]["Code"])
