"""A deployed stack over the AWS API; the local cloud speaks the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.s3.bucket_copies import S3Transfers
from cutout.adapters.s3.listing import S3Listing
from cutout.adapters.sqs import SqsCallbacks, SqsIntake, SqsSubmissions
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.stack import Sent, StackOutputs
from cutout.cli.aws.stack_metrics import ENDS, OPEN, WINDOW, Numbers
from cutout.cli.compose import operate
from cutout.cli.output.problems import Problem
from cutout.cli.progress.clock import MachineClock
from cutout.domain.gate import DEFAULT_LIMITS
from cutout.domain.job.source import Source
from cutout.domain.object_keys import BYPASS_CACHE_MARK, REVIEW_FOLDER
from cutout.operator.audit import Rules
from cutout.ports.jobs_table import MOST_COUNTED
from cutout.usecases.submit.register_upload import UploadFilter
from cutout.wiring.ports import GatePorts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from cutout.cli.options.target import Target
    from cutout.cli.photo_files import Photo
    from cutout.cli.progress.clock import Clock
    from cutout.domain.gate import Gate
    from cutout.domain.job.job import Job
    from cutout.domain.states import State
    from cutout.operator.control import Control
    from cutout.ports.listings import BucketListing, JobIndex, ObjectCopies, UploadQueue
    from cutout.ports.queues import RenderQueue

_LEASE = timedelta(minutes=2)
"""Sweep looks at a job that was retried after this long, should its message be lost."""
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_UNREACHABLE_STACK = "ValidationError"
_WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


def connect(target: Target) -> AwsStack:
    """Find the stack and read its outputs.

    Raises:
        Problem: There is no such stack, or it is not ours.
    """
    clients = Clients(target)
    outputs = _outputs(clients, target.stack)
    return AwsStack(clients, outputs, name=target.stack, clock=MachineClock())


class AwsStack:
    """One stack."""

    def __init__(self, clients: Clients, outputs: StackOutputs, *, name: str, clock: Clock) -> None:
        self._clients = clients
        self._name = name
        self._s3 = clients.client("s3")
        self._table = Table(clients.client("dynamodb"), outputs.jobs_table)
        self._jobs = DynamoJobs(self._table)
        self._clock = clock
        self._outputs = outputs

    @property
    def where(self) -> str:
        """Where it is, in words."""
        return self._clients.where

    @property
    def outputs(self) -> StackOutputs:
        """The names of its parts."""
        return self._outputs

    def upload_prefix(self) -> str:
        """Return what keys have to begin with to be watched: Submit's own setting."""
        return self._submits_settings().get("CUTOUT_UPLOAD_PREFIX", "")

    def rules(self) -> Rules:
        """Return what the stack watches and takes: Submit's own settings."""
        return _rules(self._submits_settings(), self._outputs)

    def records(self) -> JobIndex:
        """Return the jobs table, many rows at a time."""
        return self._jobs

    def objects(self, bucket: str) -> BucketListing:
        """Return a bucket of the stack, or any other that the credentials may list."""
        return S3Listing(self._s3, bucket)

    def intake(self) -> UploadQueue:
        """Return the queue for uploads that no event tells of."""
        return SqsIntake(self._clients.client("sqs"), self._outputs.submissions_queue_url)

    def transfers(self, source_bucket: str) -> ObjectCopies:
        """Return what copies from another bucket into the uploads bucket."""
        return S3Transfers(self._s3, source_bucket, self._outputs.uploads_bucket)

    def requests(self) -> Mapping[str, int]:
        """Return how many requests were made to AWS so far, by the name of the operation."""
        return dict(self._clients.requests)

    def upload(self, photo: Photo) -> Sent:
        """Put a photo into the uploads bucket."""
        at = self._clock.now()
        bucket = self._outputs.uploads_bucket
        with photo.path.open("rb") as body:
            answer = self._s3.put_object(
                Bucket=bucket,
                Key=photo.key,
                Body=body,
                ContentType=photo.content_type,
                Metadata={BYPASS_CACHE_MARK: "true"} if photo.bypass_cache else {},
            )
        etag = answer["ETag"].strip('"')
        version = answer.get("VersionId")
        job_id = _job_id(bucket, photo.key, version) if version else None
        return Sent(photo=photo, at=at, etag=etag, job_id=job_id)

    def find(self, sent: Sequence[Sent]) -> Mapping[str, Job]:
        """Return the jobs of these uploads by key, as far as there are any yet."""
        by_id = {one.job_id: one.key for one in sent if one.job_id is not None}
        found = {by_id[job.id]: job for job in self._jobs.find_all(list(by_id))}
        for one in sent:
            if one.job_id is None and (job := self._of_unversioned(one)):
                found[one.key] = job
        return found

    def newest(self, key: str) -> Job | None:
        """Return the job of the newest upload of a key."""
        jobs = self._jobs.of_source(self._outputs.uploads_bucket, key, limit=1)
        return jobs[0] if jobs else None

    def job(self, job_id: str) -> Job | None:
        """Return the job of that id."""
        return self._jobs.find(job_id)

    def uploads_of(self, key: str, limit: int) -> Sequence[Job]:
        """Return so many jobs of a key, newest upload first."""
        return self._jobs.of_source(self._outputs.uploads_bucket, key, limit=limit)

    def in_state(self, state: State, limit: int) -> Sequence[Job]:
        """Return so many jobs in a state, those that moved last first."""
        return self._jobs.in_state(state, limit)

    def gate(self) -> Gate:
        """Return the gate as it stands."""
        return self._jobs.read_gate()

    def numbers(self) -> Numbers:
        """Return how many jobs stand where, and what was settled lately."""
        now = self._clock.now()
        ever = datetime.fromtimestamp(0, UTC)
        return Numbers(
            at=now,
            gate=self._jobs.read_gate(),
            backlog=self._jobs.backlog_status(),
            now={state: self._count(state, ever) for state in OPEN},
            lately={state: self._count(state, now - WINDOW) for state in ENDS},
        )

    def operate(self) -> Control:
        """Return what a person may do to it."""
        gate = self._jobs.read_gate()
        ports = GatePorts(
            clock=self._clock,
            jobs=self._jobs,
            submissions=SqsSubmissions(
                self._clients.client("sqs"), self._outputs.submissions_queue_url
            ),
        )
        limits = gate.limits or gate.deployed or DEFAULT_LIMITS
        return operate(ports, limits, lease=_LEASE)

    def download(self, job: Job, target: Path) -> None:
        """Write a completed job's cut-out to a file, whole or not at all."""
        if job.result is None:
            raise Problem(f"{job.source.key} has no cut-out.")
        self.fetch(job.result.key, target)

    def renders(self) -> RenderQueue:
        """Return the queue for wishes for variants."""
        return SqsCallbacks(self._clients.client("sqs"), self._outputs.callbacks_queue_url)

    def fetch(self, key: str, target: Path) -> None:
        """Write an object of the results bucket to a file, whole or not at all."""
        fresh = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._s3.get_object(Bucket=self._outputs.results_bucket, Key=key)
            with fresh.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(1 << 20):
                    file.write(chunk)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)

    def _submits_settings(self) -> Mapping[str, str]:
        functions = self._clients.client("lambda")
        name = self._function("Submit")
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]
        settings: Mapping[str, str] = variables["Variables"]
        return settings

    def _count(self, state: State, since: datetime) -> int:
        """Count the jobs that came into a state since then, by one page of its index."""
        between = (int(since.timestamp() * 1000), int(_LATEST.timestamp() * 1000))
        moved = self._table.numbered("state", ("state", state.value), "updated_at", between)
        return sum(1 for _ in islice(moved, MOST_COUNTED))

    def _function(self, name: str) -> str:
        pages = self._clients.client("cloudformation").get_paginator("list_stack_resources")
        names = (
            str(resource["PhysicalResourceId"])
            for page in pages.paginate(StackName=self._name)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
            and name in resource["LogicalResourceId"]
        )
        if (found := next(names, None)) is None:
            raise Problem(
                f"The stack {self._name} has no function {name}.", advice="`cutout doctor`."
            )
        return found

    def _of_unversioned(self, sent: Sent) -> Job | None:
        newest = self.newest(sent.key)
        return newest if newest and newest.source.etag == sent.etag else None


def _rules(settings: Mapping[str, str], outputs: StackOutputs) -> Rules:
    """Read what Submit was deployed with; rules of a newer version than this are passed over."""
    sizes = (settings.get(f"CUTOUT_{name}", "0") for name in ("MAX_BYTES", "PREPARE_MAX_BYTES"))
    suffixes = settings.get("CUTOUT_UPLOAD_SUFFIXES", "")
    return Rules(
        watch=UploadFilter(
            uploads_bucket=outputs.uploads_bucket,
            upload_prefix=settings.get("CUTOUT_UPLOAD_PREFIX", ""),
            upload_suffixes=tuple(filter(None, suffixes.split(","))),
            results_bucket=outputs.results_bucket,
            result_prefix=settings.get("CUTOUT_RESULT_PREFIX", ""),
            review_prefix=REVIEW_FOLDER,
        ),
        max_bytes=max(int(size) for size in sizes),
        retention=timedelta(days=int(settings.get("CUTOUT_RETENTION_DAYS", "90"))),
    )


def _job_id(bucket: str, key: str, version: str) -> str:
    source = Source(bucket=bucket, key=key, version_id=version, etag="", sequencer="", size=0)
    return source.job_id


def _outputs(clients: Clients, stack: str) -> StackOutputs:
    try:
        found = clients.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != _UNREACHABLE_STACK:
            raise
        raise Problem(
            f"There is no stack {stack} on {clients.where}.",
            advice="Deploy it with `make deploy`, start a local cloud with `cutout up`, "
            "or name another with `--stack NAME`.",
        ) from error
    return outputs_of(found, stack=stack)


def outputs_of(described: StackTypeDef, *, stack: str) -> StackOutputs:
    """Read the outputs of a stack as CloudFormation describes it.

    Raises:
        Problem: It has none yet, or is not ours.
    """
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
    if not outputs and described["StackStatus"] not in _WHOLE:
        raise Problem(
            f"The stack {stack} is {described['StackStatus']} and has no outputs.",
            advice="Wait until it is deployed; if that failed, its events in CloudFormation say "
            "why.",
        )
    return StackOutputs.read(outputs, stack=stack)
