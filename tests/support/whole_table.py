"""The jobs table with all ports that functions and operators have of it."""

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.job_index import DynamoJobIndex
from cutout.adapters.dynamodb.jobs import DynamoJobs
from tests.support.builders import PRICE


class WholeTable(DynamoJobIndex, DynamoJobs):
    """Single jobs, the gate, and lists of many jobs."""

    def __init__(self, table: Table) -> None:
        DynamoJobIndex.__init__(self, table)
        DynamoJobs.__init__(self, table, PRICE)
