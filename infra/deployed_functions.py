"""The functions that Cutout deploys: handler, size, and contents of the asset of each.

It does not import the CDK, so that assets can be built without it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cutout.domain import function_settings


class FunctionName(StrEnum):
    """Names of the functions, in the order of a photo's way."""

    SUBMIT = "Submit"
    PREPARE = "Prepare"
    RECEIVE_CALLBACK = "ReceiveCallback"
    STORE_RESULT = "StoreResult"
    SWEEP = "Sweep"


@dataclass(frozen=True, kw_only=True)
class FunctionShape:
    """How one function is built and run."""

    name: FunctionName
    description: str
    handler: str
    settings: type[function_settings.Settings]
    """Its environment variables."""
    memory_mb: int
    timeout_seconds: int
    distributions: tuple[str, ...]
    """The locked requirements that it imports; their own requirements are added."""
    aws_services: tuple[str, ...]
    """The service models of botocore that its asset keeps."""
    reads_recipes: bool = False
    """Whether its asset has the file of variants."""
    disk_mb: int | None = None
    """Size of /tmp; None is Lambda's default, 512 MB."""
    starts: tuple[str, ...] = ()
    """Our modules that it runs in child processes."""
    reserved_concurrency: int | None = None
    """Reserved concurrency: other functions cannot take it, and this one cannot exceed it."""
    may_call_itself: bool = False
    """Whether its messages may cause its own next invocation. For other functions, Lambda stops
    such a loop at about the sixteenth invocation:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """

    @property
    def service(self) -> str:
        """Its name in log lines."""
        return function_settings.SERVICES[self.settings]


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A built function: a zip and the digest of its contents."""

    path: Path
    digest: str


_LAMBDAS_DISK_MB = 512
_EVERYWHERE = ("aws-lambda-powertools", "botocore")

SHAPES: dict[FunctionName, FunctionShape] = {
    shape.name: shape
    for shape in (
        FunctionShape(
            name=FunctionName.SUBMIT,
            description="Makes a job of each upload, passes the gate, asks for the cut-out",
            handler="submit.handler.handler",
            settings=function_settings.SubmitSettings,
            memory_mb=256,
            timeout_seconds=100,  # reading, uploading and calling, each with its own limit
            distributions=(*_EVERYWHERE, "httpx"),
            aws_services=("dynamodb", "events", "s3", "secretsmanager", "sqs", "sts"),
            reads_recipes=True,
            may_call_itself=True,  # a freed slot admits the next job, whose end frees it again
        ),
        FunctionShape(
            name=FunctionName.PREPARE,
            description="Makes a copy that the model takes of a photo that it does not",
            handler="prepare.handler.handler",
            settings=function_settings.PrepareSettings,
            memory_mb=3008,  # 200 megapixels take 2.3 GB; a new account gets no more
            disk_mb=_LAMBDAS_DISK_MB,
            timeout_seconds=110,
            starts=("cutout.adapters.pillow.sandbox.child",),
            distributions=(*_EVERYWHERE, "pillow", "pillow-heif"),
            aws_services=("s3", "sqs"),
            may_call_itself=True,  # it is between Submit and Submit
        ),
        FunctionShape(
            name=FunctionName.RECEIVE_CALLBACK,
            description="Authenticates a callback and queues it; nothing else",
            handler="callback.receive.handler",
            settings=function_settings.ReceiveSettings,
            memory_mb=256,
            timeout_seconds=10,
            distributions=_EVERYWHERE,
            aws_services=("secretsmanager", "sqs"),
            reserved_concurrency=10,
        ),
        FunctionShape(
            name=FunctionName.STORE_RESULT,
            description="Re-reads the task, fetches and accepts the cut-out, stores it",
            handler="callback.store.handler",
            settings=function_settings.StoreSettings,
            memory_mb=1769,  # a whole processor; 50 megapixels as AVIF take 1.4 GB
            timeout_seconds=110,  # under the lease, so that no result has two workers
            distributions=(*_EVERYWHERE, "httpx", "pillow"),
            aws_services=("dynamodb", "events", "s3", "secretsmanager", "sqs"),
            reads_recipes=True,
        ),
        FunctionShape(
            name=FunctionName.SWEEP,
            description="Enqueues jobs that are due or wait, publishes the gauges",
            handler="sweep.handler.handler",
            settings=function_settings.SweepSettings,
            memory_mb=256,
            timeout_seconds=55,
            distributions=_EVERYWHERE,
            aws_services=("dynamodb", "sqs"),
            reserved_concurrency=1,
        ),
    )
}


_SUBMITS_OWN_MB = 128
_MOST_COPIES = 4  # one more than measured


def shape_of(name: FunctionName, *, uses_source_pixels: bool, max_bytes: int = 0) -> FunctionShape:
    """Return a function's shape, with the memory and disk that it needs.

    If any cut-out or variant has its photo's own pixels, Prepare has the largest photo that is
    decoded, 200 megapixels, on disk, and StoreResult has it on disk and in memory (1.6 GB, as
    tests.benchmarks.storing measures). Submit holds a file of `max_bytes` three times at most:
    while it reads it, or sends it to the provider's file store.
    """
    shape = SHAPES[name]
    if name is FunctionName.SUBMIT:
        needed = _SUBMITS_OWN_MB + _MOST_COPIES * max_bytes // 1_000_000
        return replace(shape, memory_mb=max(shape.memory_mb, needed))
    if not uses_source_pixels:
        return shape
    if name is FunctionName.STORE_RESULT:
        return replace(shape, memory_mb=3008, disk_mb=2048)
    return replace(shape, disk_mb=2048) if name is FunctionName.PREPARE else shape
