"""A stack over the AWS API; the local cloud answers the same requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions, SqsUploadQueue
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.deployed_stack import Ports, Stack
from cutout.cli.aws.photo_store import S3Store
from cutout.cli.aws.stack_resources import Resources

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cutout.cli.aws.description import StackOutputs
    from cutout.cli.aws.target import Target
    from cutout.cli.progress.clock import Clock
    from cutout.ports.listings import BucketListing, ObjectCopies


def connect(target: Target, clock: Clock, *, is_impatient: bool = False) -> Stack:
    """Return the stack. No request is made yet."""
    clients = Clients(target, is_impatient=is_impatient)
    # The names of buckets, table and queues are known only when CloudFormation has answered.
    return Stack(Resources(clients, target), partial(_ports, clients, clock), clock)


def _ports(clients: Clients, clock: Clock, outputs: StackOutputs) -> Ports:
    """Return the adapters of AWS."""
    s3, sqs = clients.client("s3"), clients.client("sqs")
    # StoreResult makes variants and carries decisions out: both are messages of its queue.
    callbacks = SqsCallbacks(sqs, outputs.callbacks_queue_url)
    return Ports(
        clock=clock,
        jobs=DynamoJobs(Table(clients.client("dynamodb"), outputs.jobs_table)),
        submissions=SqsSubmissions(sqs, outputs.submissions_queue_url),
        upload_queue=SqsUploadQueue(sqs, outputs.submissions_queue_url),
        renders=callbacks,
        checks=callbacks,
        # Any credentials may ask this of STS.
        caller=lambda: clients.client("sts").get_caller_identity()["Arn"],
        store=S3Store(s3, outputs.uploads_bucket, outputs.results_bucket),
        objects=partial(_listing, s3),
        transfers=partial(_transfers, s3, to=outputs.uploads_bucket),
    )


# Few commands list or copy objects: what these adapters import is spared the others.


def _listing(s3: S3Client, bucket: str) -> BucketListing:
    from cutout.adapters.s3.listing import S3Listing  # noqa: PLC0415 - see above

    return S3Listing(s3, bucket)


def _transfers(s3: S3Client, source: str, *, to: str) -> ObjectCopies:
    from cutout.adapters.s3.bucket_copies import S3Transfers  # noqa: PLC0415 - see above

    return S3Transfers(s3, source, to)
