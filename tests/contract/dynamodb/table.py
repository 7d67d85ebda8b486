"""The jobs table as the stack makes it, and the protocols that its adapter implements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cutout.domain.job.job import Job
from cutout.domain.job.table_indexes import INDEXES
from cutout.ports.jobs_table import Backlog, Gates, Jobs, LatestVersions, ResultKeys
from cutout.ports.listings import JobIndex

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "Cutout-Jobs"
CALLS = "Cutout-Calls"


class Store(Jobs, Gates, Backlog, LatestVersions, ResultKeys, JobIndex, Protocol):
    """What the use cases and the command line ask of the table."""

    def of_source(self, bucket: str, key: str, limit: int) -> list[Job]:
        """The jobs of a key, newest upload first."""
        ...


def create_table(client: DynamoDBClient, name: str = TABLE) -> None:
    """An empty table with its four indexes."""
    types = {"pk": "S"}
    for partition, sort, kind in INDEXES.values():
        types |= {partition: "S", sort: kind}
    definitions: Any = [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]
    indexes: Any = [
        {
            "IndexName": index,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for index, (partition, sort, _kind) in INDEXES.items()
    ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=definitions,
        GlobalSecondaryIndexes=indexes,
    )


def create_calls_table(client: DynamoDBClient, name: str = CALLS) -> None:
    """An empty table of bodies."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
