"""The jobs table with all ports that functions and operators have of it."""

from cutout.adapters.dynamodb.job_index import DynamoJobIndex
from cutout.adapters.dynamodb.jobs import DynamoJobs


class WholeTable(DynamoJobIndex, DynamoJobs):
    """Single jobs, the gate, and lists of many jobs."""
