"""A deployed stack: the jobs, buckets and queues that its outputs name, and its resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from cutout.adapters.dynamodb.item_table import Table
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.description import StackOutputs
from cutout.cli.aws.stack_resources import StackResources
from cutout.domain.job.source import job_id_of

if TYPE_CHECKING:
    from cutout.cli.aws.ports import Ports
    from cutout.cli.aws.target import Target
    from cutout.cli.output.stack_metrics import StackMetrics
    from cutout.cli.photo_files import PhotoFile, SentPhoto
    from cutout.cli.progress.clock import Clock
    from cutout.domain.job.job import Job
    from cutout.operator.audit import Rules
    from cutout.ports.jobs_table import JobsTable
    from cutout.ports.listings import JobIndex


_ALL_MOVED_AFTER: Final = timedelta(days=30)
"""After an update. The longest deadline of a job is a week; waiting ones are written by Sweep."""


class UploadedObject(NamedTuple):
    """An upload, as far as it names its job; `job_id` is None in a bucket without versions."""

    key: str
    etag: str
    job_id: str | None


def connect(target: Target, clock: Clock, *, is_impatient: bool = False) -> Stack:
    """Return a stack on AWS or in the local cloud. No request is made yet."""
    return Stack(StackResources(TargetClients(target, is_impatient=is_impatient), target), clock)


class Stack:
    """A deployed stack. Nothing is asked of AWS before it is needed."""

    def __init__(self, resources: StackResources, clock: Clock) -> None:
        self.resources = resources
        self.clock = clock

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

    # A command needs one or two adapters: what the others import is spared it.

    @cached_property
    def index(self) -> JobIndex:
        """Many jobs of the table at a time."""
        from cutout.adapters.dynamodb.job_index import DynamoJobIndex  # noqa: PLC0415 - see above

        updated_at = self.resources.existing().updated_at
        has_earlier = updated_at is not None and self.clock.now() < updated_at + _ALL_MOVED_AFTER
        return DynamoJobIndex(self._table, has_earlier=has_earlier)

    @cached_property
    def ports(self) -> Ports:
        """The other adapters."""
        from cutout.cli.aws.ports import aws_ports  # noqa: PLC0415 - see above

        return aws_ports(self.resources.clients, self.clock, self._table, self.outputs)

    @cached_property
    def _table(self) -> Table:
        return Table(self.resources.clients.client("dynamodb"), self.outputs.jobs_table)

    @property
    def jobs(self) -> JobsTable:
        """The jobs table."""
        return self.ports.jobs

    def upload_prefix(self) -> str:
        """Return the prefix of the keys that the stack watches: Submit's own setting."""
        return self.rules().upload_filter.upload_prefix

    def rules(self) -> Rules:
        """Return which keys the stack watches and what it accepts: Submit's own settings."""
        from cutout.cli.aws.upload_rules import read_rules  # noqa: PLC0415 - see above

        return read_rules(self.resources.environment_of("Submit"), self.outputs)

    def requests(self) -> Mapping[str, int]:
        """Return how many requests were made to AWS so far, by the name of the operation."""
        return dict(self.resources.clients.requests)

    def upload(self, photo: PhotoFile) -> SentPhoto:
        """Upload a photo to the uploads bucket."""
        from cutout.cli.photo_files import SentPhoto  # noqa: PLC0415 - see above

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
        found = {by_id[job.id]: job for job in self.index.find_all(list(by_id))}
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
        # Only `cutout watch` shows it.
        from cutout.cli.output.stack_metrics import ENDS, OPEN, WINDOW, StackMetrics  # noqa: PLC0415
        from cutout.ports.jobs_table import MOST_COUNTED  # noqa: PLC0415

        now = self.clock.now()
        # The index does not say in which state a moving job is, so that moves do not change it.
        ids = [entry.job_id for entry in islice(self.index.moving(), MOST_COUNTED)]
        moving = Counter(job.state for job in self.index.find_all(ids))
        return StackMetrics(
            at=now,
            gate=self.jobs.read_gate(),
            backlog=self.jobs.backlog_status(),
            now={state: moving[state] for state in OPEN},
            # Counting ends at a limit: each 300 jobs of a list cost a request.
            lately={
                state: len(list(islice(self.index.moved(state, since=now - WINDOW), MOST_COUNTED)))
                for state in ENDS
            },
        )
