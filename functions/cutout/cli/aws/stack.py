"""A deployed stack, as commands see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cutout.cli.aws.stack_metrics import Numbers
    from cutout.cli.photo_files import Photo
    from cutout.domain.gate import Gate
    from cutout.domain.job.job import Job
    from cutout.domain.states import State
    from cutout.operator.audit import Rules
    from cutout.operator.control import Control
    from cutout.ports.listings import BucketListing, JobIndex, ObjectCopies, UploadQueue
    from cutout.ports.queues import RenderQueue


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The stack's outputs that commands need."""

    uploads_bucket: str
    results_bucket: str
    jobs_table: str
    submissions_queue_url: str
    callbacks_queue_url: str
    recipes: tuple[str, ...] = ()

    @classmethod
    def read(cls, outputs: Mapping[str, str], *, stack: str) -> Self:
        """Take them from what CloudFormation says.

        Raises:
            Problem: One is missing: the stack is not one of ours.
        """
        try:
            return cls(
                uploads_bucket=outputs["UploadsBucketName"],
                results_bucket=outputs["ResultsBucketName"],
                jobs_table=outputs["JobsTableName"],
                submissions_queue_url=outputs["SubmissionsQueueUrl"],
                callbacks_queue_url=outputs["CallbacksQueueUrl"],
                recipes=tuple(filter(None, outputs.get("Recipes", "").split(","))),
            )
        except KeyError as missing:
            raise Problem(
                f"The stack {stack} has no output {missing.args[0]}; it is not Cutout's.",
                advice="`--stack NAME` names another.",
            ) from missing


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A photo that was uploaded.

    Attributes:
        job_id: The job it becomes; None where the bucket keeps no versions, so that only the
            event will tell.
    """

    photo: Photo
    at: datetime
    etag: str
    job_id: str | None

    @property
    def key(self) -> str:
        """The key in the uploads bucket."""
        return self.photo.key


class Stack(Protocol):
    """What commands do with a stack."""

    @property
    def where(self) -> str:
        """Where it is, in words."""

    @property
    def outputs(self) -> StackOutputs:
        """The names of its parts."""

    def upload_prefix(self) -> str:
        """Return what keys have to begin with to be watched."""

    def upload(self, photo: Photo) -> Sent:
        """Put a photo into the uploads bucket."""

    def find(self, sent: Sequence[Sent]) -> Mapping[str, Job]:
        """Return the jobs of these uploads by key, as far as there are any yet."""

    def newest(self, key: str) -> Job | None:
        """Return the job of the newest upload of a key."""

    def job(self, job_id: str) -> Job | None:
        """Return the job of that id."""

    def uploads_of(self, key: str, limit: int) -> Sequence[Job]:
        """Return so many jobs of a key, newest upload first."""

    def in_state(self, state: State, limit: int) -> Sequence[Job]:
        """Return so many jobs in a state, those that moved last first."""

    def gate(self) -> Gate:
        """Return the gate as it stands."""

    def numbers(self) -> Numbers:
        """Return how many jobs stand where, and what was settled lately."""

    def operate(self) -> Control:
        """Return what a person may do to it."""

    def renders(self) -> RenderQueue:
        """Return the queue for wishes for variants."""

    def fetch(self, key: str, target: Path) -> None:
        """Write an object of the results bucket to a file."""

    def download(self, job: Job, target: Path) -> None:
        """Write a completed job's cut-out to a file."""

    def records(self) -> JobIndex:
        """Return the jobs table, many rows at a time."""

    def objects(self, bucket: str) -> BucketListing:
        """Return a bucket of the stack, or any other that the credentials may list."""

    def intake(self) -> UploadQueue:
        """Return the queue for uploads that no event tells of."""

    def transfers(self, source_bucket: str) -> ObjectCopies:
        """Return what copies from another bucket into the uploads bucket."""

    def rules(self) -> Rules:
        """Return what the stack watches and takes: Submit's own settings."""

    def requests(self) -> Mapping[str, int]:
        """Return how many requests were made to AWS so far, by the name of the operation."""
