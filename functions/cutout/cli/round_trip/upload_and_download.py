"""From files to cut-outs: upload, wait, download, and a table of the results."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from rich.table import Table

from cutout.cli import compose
from cutout.cli.output.describe import cost, job_as_json, state_text
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import plain_table
from cutout.cli.progress.parallel import in_parallel
from cutout.cli.round_trip.download_paths import target_path
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.upload_plan import Action
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto, wait_for_jobs
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.conflicts import JobMovedError
from cutout.domain.text.sanitize import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.photo_files import Photo, SentPhoto
    from cutout.cli.progress.clock import Clock
    from cutout.cli.round_trip.upload_plan import PlannedPhoto
    from cutout.domain.job.job import Job
    from cutout.domain.job.variant import Variant

_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class DeliveredPhoto:
    """The result for one photo, and the files that its cut-out and variants were written to."""

    photo: TrackedPhoto
    file: Path | None
    seconds: float
    variants: tuple[tuple[Variant, Path], ...] = ()

    @property
    def credits(self) -> float | None:
        """The credits that it cost; None if it has no job yet."""
        return None if self.photo.job is None else float(self.photo.job.credits)

    @property
    def state(self) -> str:
        """The state of its job."""
        return self.photo.state


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Uploads photos to a stack and downloads the cut-outs. An error of one does not stop others.

    Attributes:
        problems: why photos could not be uploaded or downloaded, by key.
    """

    stack: Stack
    clock: Clock
    console: Console
    problems: dict[str, Problem] = field(default_factory=dict)

    def begin(self, plan: Sequence[PlannedPhoto]) -> list[PlannedPhoto]:
        """Upload and retry photos as planned; return those that are in the bucket now.

        Raises:
            Problem: None of them is; it is the problem of the first.
        """
        uploads = [one.photo for one in plan if one.action is Action.UPLOAD]
        sent = {one.key: one for one in self._send(uploads)}
        self._retry([one.job for one in plan if one.action is Action.RETRY and one.job])
        begun = [
            replace(one, there=sent.get(one.photo.key)) if one.action is Action.UPLOAD else one
            for one in plan
        ]
        begun = [one for one in begun if one.there]
        self._print_problems(uploads, is_all=not begun)
        return begun

    def follow(
        self, begun: Sequence[PlannedPhoto], *, timeout_seconds: float | None
    ) -> list[TrackedPhoto]:
        """Wait for the photos whose jobs have yet to end; return all photos."""
        moving = [one.there for one in begun if one.is_moving and one.there]
        waited = {one.sent.key: one for one in self.wait(moving, timeout_seconds=timeout_seconds)}
        return [
            waited.get(one.photo.key)
            or TrackedPhoto(sent=one.there, job=one.job, result_key=one.result_key, note=one.why)
            for one in begun
            if one.there
        ]

    def send(self, photos: Sequence[Photo]) -> list[SentPhoto]:
        """Upload photos, a few at a time.

        Raises:
            Problem: None of them could be uploaded; it is the problem of the first.
        """
        sent = self._send(photos)
        self._print_problems(photos, is_all=not sent)
        return sent

    def _send(self, photos: Sequence[Photo]) -> list[SentPhoto]:
        def send_one(photo: Photo) -> SentPhoto | None:
            return self._tried(photo.key, lambda: self.stack.upload(photo))

        return [one for one in in_parallel(self.console, "Uploading", send_one, photos) if one]

    def _retry(self, jobs: Sequence[Job]) -> None:
        """Retry jobs that ended without a cut-out; a job that has moved since is left alone."""
        if not jobs:
            return
        control = compose.control(self.stack)
        for job in jobs:
            with suppress(IllegalMoveError, JobMovedError):
                control.retry(job)

    def wait(
        self, sent: Sequence[SentPhoto], *, timeout_seconds: float | None
    ) -> list[TrackedPhoto]:
        """Show the photos until all are settled or the time is up."""
        with LiveTable(self.console) as table:
            return wait_for_jobs(
                self.stack,
                sent,
                clock=self.clock,
                watcher=table,
                timeout_seconds=timeout_seconds,
            )

    def fetch(self, photos: Sequence[TrackedPhoto], out: Path) -> list[DeliveredPhoto]:
        """Download the cut-outs of the completed photos."""
        self.problems.clear()

        def fetch_one(photo: TrackedPhoto) -> DeliveredPhoto:
            file = None
            variants: tuple[tuple[Variant, Path], ...] = ()
            if photo.is_completed:
                file = self._tried(photo.sent.key, lambda: self._download(photo, out))
                made = self._tried(photo.sent.key, lambda: tuple(self._variants(photo.job, out)))
                variants = made or ()
            seconds = photo.age(self.clock.now()).total_seconds()
            return DeliveredPhoto(photo=photo, file=file, seconds=seconds, variants=variants)

        delivered = in_parallel(self.console, "Downloading", fetch_one, photos)
        self._print_problems([one.sent.photo for one in photos])
        return delivered

    def _tried(self, key: str, work: Callable[[], _Made]) -> _Made | None:
        try:
            with explained():
                return work()
        except Problem as problem:
            self.problems[key] = problem
            return None

    def _print_problems(self, photos: Sequence[Photo], *, is_all: bool = False) -> None:
        """Print the problems of these photos; raise the first if all photos have one."""
        for photo in photos:
            if problem := self.problems.get(photo.key):
                if is_all:
                    raise problem
                self.console.print(f"{photo.key}: {problem.message}", soft_wrap=True)

    def _download(self, photo: TrackedPhoto, out: Path) -> Path | None:
        job = photo.job
        key = job.result.key if job and job.result else photo.result_key
        if key is None:
            return None
        file = target_path(out, key)
        self.stack.ports.store.download(key, file)
        return file

    def _variants(self, job: Job | None, out: Path) -> Iterator[tuple[Variant, Path]]:
        for variant in job.variants if job else ():
            if variant.key is not None:
                file = target_path(out, variant.key)
                self.stack.ports.store.download(variant.key, file)
                yield variant, file


def delivery_table(delivered: Sequence[DeliveredPhoto]) -> Table:
    """Return the table of results."""
    table = plain_table()
    table.add_column("photo", overflow="fold")
    table.add_column("state")
    table.add_column("seconds", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("result", overflow="fold")
    for one in delivered:
        table.add_row(
            plain(one.photo.sent.key),
            state_text(one.state),
            f"{one.seconds:.1f}",
            cost(one.photo.job) if one.photo.job else "-",
            str(one.file) if one.file else one.photo.why,
        )
    return table


def delivery_as_json(delivered: Sequence[DeliveredPhoto]) -> list[dict[str, Any]]:
    """Return the JSON of each job, with the file of its cut-out."""
    return [
        {
            **_job_as_json(one.photo),
            "seconds": round(one.seconds, 3),
            "photo": str(one.photo.sent.photo.path),
            "file": str(one.file) if one.file else None,
            "variant_files": {variant.recipe: str(file) for variant, file in one.variants},
        }
        for one in delivered
    ]


def _job_as_json(photo: TrackedPhoto) -> dict[str, Any]:
    if photo.job is not None:
        return job_as_json(photo.job)
    return {"key": photo.sent.key, "state": photo.state, "reason": photo.why}
