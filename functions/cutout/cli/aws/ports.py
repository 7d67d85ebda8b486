"""The adapters of AWS that commands use, on the names in a stack's outputs."""

from collections.abc import Callable
from functools import partial

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.s3.bucket_copies import S3Transfers
from cutout.adapters.s3.listing import S3Listing
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.description import StackOutputs
from cutout.cli.aws.photo_store import S3Store
from cutout.cli.progress.clock import Clock
from cutout.domain.dataclass import dataclass
from cutout.ports.listings import BucketListing, ObjectCopies, UploadQueue
from cutout.ports.queues import RenderRequestQueue, TaskCheckQueue
from cutout.wiring.chosen_provider import terms
from cutout.wiring.gate_parts import GatePorts


@dataclass(frozen=True, kw_only=True)
class Ports(GatePorts):
    """The ports of commands.

    Attributes:
        checks: the callbacks queue, for jobs that StoreResult must move.
        caller: returns the ARN of the person whose credentials are used.
        objects: lists a bucket of the stack, or any other that the credentials may list.
        transfers: copies from another bucket into the uploads bucket.
    """

    upload_queue: UploadQueue
    renders: RenderRequestQueue
    checks: TaskCheckQueue
    caller: Callable[[], str]
    store: S3Store
    objects: Callable[[str], BucketListing]
    transfers: Callable[[str], ObjectCopies]


def aws_ports(clients: TargetClients, clock: Clock, table: Table, outputs: StackOutputs) -> Ports:
    """Return the adapters of AWS."""
    s3, sqs = clients.client("s3"), clients.client("sqs")
    # StoreResult makes variants and carries decisions out: both are messages of its queue.
    callbacks = SqsCallbacks(sqs, outputs.callbacks_queue_url)
    submissions = SqsSubmissions(sqs, outputs.submissions_queue_url)
    return Ports(
        clock=clock,
        jobs=DynamoJobs(table, terms().usual_price),
        submissions=submissions,
        upload_queue=submissions,
        renders=callbacks,
        checks=callbacks,
        # Any credentials may ask this of STS.
        caller=lambda: clients.client("sts").get_caller_identity()["Arn"],
        store=S3Store(s3, outputs.uploads_bucket, outputs.results_bucket),
        objects=partial(S3Listing, s3),
        transfers=lambda source: S3Transfers(s3, source, outputs.uploads_bucket),
    )
