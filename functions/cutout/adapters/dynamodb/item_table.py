"""One DynamoDB table of plain items: strong reads, conditional writes that return the winner."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.attribute_values import plain, written
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import StoreBusyError
from cutout.domain.job.table_indexes import INDEXES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_BATCH = 100
"""BatchGetItem takes 100 keys."""
_INDEX_PAGE = 300
"""Entries that one request of a list reads. They hold nothing but keys."""
_FAILED_CHECK = "ConditionalCheckFailed"
_LONGEST_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before a collided write is repeated; each wait is random, up to this length.

The SDK repeats neither a transaction that was canceled by another, nor a single write that met one.
"""
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
    """A whole item, written if the condition holds on the stored one; an empty one always holds.

    Names that DynamoDB reserves begin with `#`; values are by their placeholders.
    """

    item: Item
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Update:
    """A change of some attributes of an item, which is made if it does not exist.

    Names that DynamoDB reserves begin with `#`; `names` says what others with `#` stand for. Values
    are by their placeholders. No condition is needed where it is empty.
    """

    pk: str
    expression: str
    condition: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


class LostError(Exception):
    """A condition on the item `pk` failed; `old` is the stored item, empty if there is none."""

    def __init__(self, pk: str, old: Item) -> None:
        super().__init__("a condition failed")
        self.pk = pk
        self.old = old


class _CanceledError(StoreBusyError):
    """A transaction that collided with another: nothing of it was written."""


class Table:
    """The table's items as plain dictionaries; the client retries with back-off first.

    `new_id` makes an id that was never used before, of at most 32 characters.
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

    def get(self, pk: str) -> Item | None:
        """The item (strongly consistent); StoreBusyError if throttled, as all reads may be."""
        request = {"TableName": self._name, "Key": {"pk": {"S": pk}}, "ConsistentRead": True}
        answer = _answer(self._client.get_item, request)
        item = answer.get("Item")
        return None if item is None else _read(item)

    def get_all(self, pks: Sequence[str]) -> dict[str, Item]:
        """The items that exist of these, each named once, by their keys (strongly consistent)."""
        found: list[Item] = []
        for start in range(0, len(pks), _BATCH):
            wanted: Any = [{"pk": {"S": pk}} for pk in pks[start : start + _BATCH]]
            while wanted:
                request: Any = {"Keys": wanted, "ConsistentRead": True}
                whole = {"RequestItems": {self._name: request}}
                answer = _answer(self._client.batch_get_item, whole)
                found += map(_read, answer["Responses"].get(self._name, []))
                # Keys are left over if it is throttled, or if the items have more than 16 MB:
                # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
                wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys")
                if wanted:
                    # Throttled: a request that follows at once is throttled again.
                    self._sleep(_LONGEST_WAITS[-1] * self._randomness())
        return {item["pk"]: item for item in found}

    def write(self, first: Put | Update, *others: Put | Update) -> Item:
        """Write one item, or several in one transaction; return what an update alone has replaced.

        LostError: a condition failed, so nothing was written. StoreBusyError: throttled, or other
        transactions kept colliding with this write.
        """
        requests = [self._request(one) for one in (first, *others)]
        try:
            return self._write_in_time(requests)
        except LostError as lost:
            # A single write whose answer was lost is repeated, by the SDK or here, and then fails
            # its own condition. A transaction has a token instead.
            is_own = not others and isinstance(first, Put) and lost.old == _stored(first)
            if not is_own:
                raise
            return {}

    def _write_in_time(self, requests: Sequence[Any]) -> Item:
        """Try several times. A transaction that may have been made is repeated with its own token.

        Then DynamoDB makes it once, within ten minutes. One that was canceled was not made:
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        token = self._new_id()
        for longest in _LONGEST_WAITS:
            try:
                return self._write_all(requests, token)
            except _CanceledError:
                token = self._new_id()
            except StoreBusyError:
                pass
            self._sleep(longest * self._randomness())
        return self._write_all(requests, token)

    def _write_all(self, requests: Sequence[Any], token: str) -> Item:
        if len(requests) > 1:
            whole = {"TransactItems": requests, "ClientRequestToken": token}
            _answer(self._client.transact_write_items, whole, requests)
        elif "Put" in requests[0]:
            _answer(self._client.put_item, requests[0]["Put"], requests)
        else:
            update = {**requests[0]["Update"], "ReturnValues": "ALL_OLD"}
            answer = _answer(self._client.update_item, update, requests)
            return _read(answer.get("Attributes", {}))
        return {}

    def entries(
        self,
        index: str,
        partition: str,
        *,
        between: tuple[int, int] | None = None,
        page: int = _INDEX_PAGE,
        is_newest_first: bool = False,
    ) -> Iterator[tuple[str, Any]]:
        """Primary and sort keys of an index partition (eventual), of which a request reads a page.

        `between` are the least and the greatest sort key.
        """
        names, sort, _letter = INDEXES[index]
        condition = "#p = :p"
        values: dict[str, Any] = {":p": partition}
        if between is not None:
            condition += " AND #s BETWEEN :least AND :greatest"
            values |= {":least": between[0], ":greatest": between[1]}
        request: Any = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#p": names} | ({"#s": sort} if between else {}),
            "ExpressionAttributeValues": _typed(values),
            "ScanIndexForward": not is_newest_first,
            "Limit": page,
        }
        while True:  # a paginator of the SDK takes a tenth longer
            answer = _answer(self._client.query, request)
            for item in map(_read, answer["Items"]):
                yield item["pk"], item[sort]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _request(self, write: Put | Update) -> Any:  # noqa: ANN401 - the SDK's
        """The write as a member of a transaction, which a single request has as its parameters."""
        members: dict[str, Any] = {"TableName": self._name}
        names = _names_in(write.condition)
        if isinstance(write, Update):
            names |= {**_names_in(write.expression), **write.names}
            members |= {"Key": _typed({"pk": write.pk}), "UpdateExpression": write.expression}
        else:
            members["Item"] = _typed(write.item)
        if write.condition:
            members["ConditionExpression"] = write.condition
            # With the stored item in the error, a lost write needs no further read.
            members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        # DynamoDB refuses empty maps.
        if names:
            members["ExpressionAttributeNames"] = names
        if write.values:
            members["ExpressionAttributeValues"] = _typed(write.values)
        return {type(write).__name__: members}


def _answer(
    call: Callable[..., Any], request: Mapping[str, Any], writes: Sequence[Any] = ()
) -> Any:  # noqa: ANN401 - the SDK's
    """The answer to a request. Lost conditions and a busy table are our own errors."""
    try:
        return call(**request)
    except ClientError as exc:
        _explain(exc, writes)
        raise


def _explain(exc: ClientError, requests: Sequence[Any]) -> None:
    """Raise our own error for a lost condition or a busy table; else return."""
    code = str(exc.response["Error"]["Code"])
    reasons: Any = exc.response.get("CancellationReasons", [])
    if code == "ConditionalCheckFailedException":
        reasons = [{"Code": _FAILED_CHECK, "Item": exc.response.get("Item")}]
    # A transaction has one reason for each of its items, in their order.
    for request, reason in zip(requests, reasons, strict=False):
        if reason.get("Code") == _FAILED_CHECK:
            raise LostError(_key(request), _read(reason.get("Item") or {})) from exc
    if {code, *(reason.get("Code") for reason in reasons)} & _BUSY:
        raise (_CanceledError if reasons else StoreBusyError)(code) from exc


def _key(request: Any) -> str:  # noqa: ANN401 - the SDK's
    (members,) = request.values()
    return str(members.get("Item", members.get("Key"))["pk"]["S"])


def _stored(put: Put) -> Item:
    """The item as it is read again: numbers are decimals then."""
    return _read(_typed(put.item))


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: written(value) for name, value in values.items()}


def _read(item: Mapping[str, Any]) -> Item:
    return {name: plain(value) for name, value in item.items()}


def _names_in(expression: str) -> dict[str, str]:
    """`#version` in an expression stands for the attribute `version`."""
    return {name: name[1:] for name in _NAME.findall(expression)}


_NAME = re.compile(r"#\w+")
