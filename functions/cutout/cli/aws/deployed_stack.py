"""A deployed stack: the jobs, buckets and queues that its outputs name, and its resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cutout.cli.aws.description import StackOutputs
from cutout.cli.aws.photo_store import S3Store
from cutout.cli.aws.stack_resources import Resources
from cutout.cli.photo_files import Photo, SentPhoto
from cutout.cli.progress.clock import Clock
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import Settings
from cutout.domain.job.job import Job
from cutout.domain.job.source import job_id_of
from cutout.ports.jobs_table import MOST_COUNTED, JobsTable
from cutout.ports.listings import BucketListing, JobIndex, ObjectCopies, UploadQueue
from cutout.ports.queues import RenderRequestQueue, TaskCheckQueue
from cutout.wiring.environment_reader import read_settings
from cutout.wiring.gate_parts import GatePorts

if TYPE_CHECKING:
    from cutout.cli.output.stack_metrics import StackMetrics
    from cutout.operator.audit import Rules


class OperatorTable(JobsTable, JobIndex, Protocol):
    """The jobs table, also for many jobs at a time."""


@dataclass(frozen=True, kw_only=True)
class Ports(GatePorts):
    """The ports of commands, on the names in the stack's outputs.

    Attributes:
        checks: the callbacks queue, for jobs that StoreResult must move.
        caller: returns the ARN of the person whose credentials are used.
        objects: lists a bucket of the stack, or any other that the credentials may list.
        transfers: copies from another bucket into the uploads bucket.
    """

    jobs: OperatorTable
    upload_queue: UploadQueue
    renders: RenderRequestQueue
    checks: TaskCheckQueue
    caller: Callable[[], str]
    store: S3Store
    objects: Callable[[str], BucketListing]
    transfers: Callable[[str], ObjectCopies]


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchSettings(Settings):
    """Those of Submit's settings that commands read; a stack of another version has them, too."""

    upload_prefix: str = ""
    upload_suffixes: tuple[str, ...] = ()
    result_prefix: str = ""
    max_bytes: int
    prepare_max_bytes: int = 0
    retention_days: timedelta


class UploadedObject(NamedTuple):
    """An upload, as far as it names its job; `job_id` is None in a bucket without versions."""

    key: str
    etag: str
    job_id: str | None


class Stack:
    """A deployed stack. Nothing is asked of AWS before it is needed."""

    def __init__(
        self, resources: Resources, ports_on: Callable[[StackOutputs], Ports], clock: Clock
    ) -> None:
        self.resources = resources
        self.clock = clock
        self._ports_on = ports_on

    @property
    def where(self) -> str:
        """Where it is, in words."""
        return self.resources.where

    def place(self) -> str:
        """Return its name, where it is, and in which account: no two stacks have the same."""
        account = self.resources.existing().account
        parts = [self.resources.name, self.where, account and f"account {account}"]
        return " · ".join(filter(None, parts))

    @cached_property
    def outputs(self) -> StackOutputs:
        """The names of its buckets, table and queues.

        Raises:
            Problem: There is no such stack, or it is not a Cutout stack.
        """
        return StackOutputs.read(self.resources.existing(), stack=self.resources.name)

    @cached_property
    def ports(self) -> Ports:
        """The adapters."""
        return self._ports_on(self.outputs)

    @property
    def jobs(self) -> OperatorTable:
        """The jobs table."""
        return self.ports.jobs

    def upload_prefix(self) -> str:
        """Return the prefix of the keys that the stack watches: Submit's own setting."""
        return self.rules().upload_filter.upload_prefix

    def rules(self) -> Rules:
        """Return which keys the stack watches and what it accepts: Submit's own settings."""
        from cutout.operator.audit import Rules  # noqa: PLC0415 - loads slowly; few commands ask
        from cutout.usecases.submit.register_upload import UploadFilter  # noqa: PLC0415

        settings = read_settings(WatchSettings, self.resources.environment_of("Submit"))
        return Rules(
            upload_filter=UploadFilter(
                uploads_bucket=self.outputs.uploads_bucket,
                upload_prefix=settings.upload_prefix,
                upload_suffixes=settings.upload_suffixes,
                results_bucket=self.outputs.results_bucket,
                result_prefix=settings.result_prefix,
            ),
            max_bytes=max(settings.max_bytes, settings.prepare_max_bytes),
            retention=settings.retention_days,
        )

    def requests(self) -> Mapping[str, int]:
        """Return how many requests were made to AWS so far, by the name of the operation."""
        return dict(self.resources.clients.requests)

    def upload(self, photo: Photo) -> SentPhoto:
        """Upload a photo to the uploads bucket."""
        at = self.clock.now()
        etag, version = self.ports.store.upload(photo)
        job_id = self.job_id(photo.key, version)
        return SentPhoto(photo=photo, at=at, etag=etag, job_id=job_id)

    def job_id(self, key: str, version_id: str | None) -> str | None:
        """Return the id of the job of an upload; None in a bucket without versions."""
        # There, the id follows from the sequencer, which only the event has.
        return job_id_of(self.outputs.uploads_bucket, key, version_id) if version_id else None

    def find(self, sent: Sequence[SentPhoto | UploadedObject]) -> Mapping[str, Job]:
        """Return the jobs of these uploads by key, as far as they exist."""
        by_id = {one.job_id: one.key for one in sent if one.job_id is not None}
        found = {by_id[job.id]: job for job in self.jobs.find_all(list(by_id))}
        for one in sent:
            if one.job_id is None:
                newest = self.newest(one.key)
                # The newest job may still be that of the upload before.
                if newest is not None and newest.source.etag == one.etag:
                    found[one.key] = newest
        return found

    def newest(self, key: str) -> Job | None:
        """Return the job of the newest upload of a key."""
        return next(iter(self.uploads_of(key, 1)), None)

    def uploads_of(self, key: str, limit: int) -> Sequence[Job]:
        """Return up to `limit` jobs of a key, newest upload first."""
        return self.jobs.of_source(self.outputs.uploads_bucket, key, limit=limit)

    def metrics(self) -> StackMetrics:
        """Return how many jobs are in each state, and how many were settled lately."""
        # Imported here, as only `cutout watch` and the console show it.
        from cutout.cli.output.stack_metrics import ENDS, OPEN, WINDOW, StackMetrics  # noqa: PLC0415

        now = self.clock.now()
        # The index does not say in which state a moving job is, so that moves do not change it.
        ids = [entry.job_id for entry in islice(self.jobs.moving(), MOST_COUNTED)]
        moving = Counter(job.state for job in self.jobs.find_all(ids))
        return StackMetrics(
            at=now,
            gate=self.jobs.read_gate(),
            backlog=self.jobs.backlog_status(),
            now={state: moving[state] for state in OPEN},
            # Counting ends at a limit: each 300 jobs of a list cost a request.
            lately={
                state: len(list(islice(self.jobs.moved(state, since=now - WINDOW), MOST_COUNTED)))
                for state in ENDS
            },
        )
