"""From files to cut-outs: upload, wait, download each cut-out as it completes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from cutout.cli import compose
from cutout.cli.output.describe import counted
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.result_table import ResultRow, print_results
from cutout.cli.progress.parallel import AT_ONCE, in_parallel, progress_bar
from cutout.cli.round_trip.downloads import Downloads, variants_of
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.upload_plan import Action
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto, wait_for_jobs
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.conflicts import JobMovedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from concurrent.futures import Future
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
        """The credits that it cost, without those of an earlier command; None if it has no job."""
        job = self.photo.job
        return None if job is None else float(job.credits - self.photo.sent.credits_before)

    @property
    def state(self) -> str:
        """The state of its job."""
        return self.photo.state


@dataclass(frozen=True, kw_only=True)
class WaysOn:
    """How to get the other cut-outs after an interruption: during the uploads, or later."""

    uploading: str = ""
    waiting: str = ""


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Uploads photos to a stack and downloads the cut-outs. An error of one does not stop others.

    Attributes:
        ways_on: after an interruption: how to get the other cut-outs.
        problems: why photos could not be uploaded or downloaded, by key.
    """

    stack: Stack
    clock: Clock
    console: Console
    ways_on: WaysOn = WaysOn()
    problems: dict[str, Problem] = field(default_factory=dict)

    def begin(self, plan: Sequence[PlannedPhoto]) -> list[PlannedPhoto]:
        """Upload and retry photos as planned; return those that are in the bucket now.

        Raises:
            Problem: None of them is; it is the problem of the first.
        """
        uploads = [one.photo for one in plan if one.action is Action.UPLOAD]
        sent = self._uploaded(uploads)
        self._retry([one.job for one in plan if one.action is Action.RETRY and one.job])
        begun = [
            replace(one, there=sent.get(one.photo.key)) if one.action is Action.UPLOAD else one
            for one in plan
        ]
        begun = [one for one in begun if one.there]
        self._print_problems([one.key for one in uploads], is_all=not begun)
        return begun

    def deliver(
        self, begun: Sequence[PlannedPhoto], out: Path, *, timeout_seconds: float | None
    ) -> list[DeliveredPhoto]:
        """Wait until the photos are settled or the time is up; download what is completed."""
        self.problems.clear()
        deliveries = _Deliveries(self, Downloads(store=self.stack.ports.store, out=out))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                tracked = deliveries.wait(begun, pool, timeout_seconds)
                delivered = deliveries.results(tracked)
            # Also Ctrl-C: leaving the `with` block would first wait for every download in the pool.
            except BaseException:
                pool.shutdown(cancel_futures=True)
                self._print_rest("Interrupted", deliveries.settled.values(), len(begun))
                raise
        if not all(one.photo.is_settled for one in delivered):
            self._print_rest("The time is up", deliveries.settled.values(), len(begun))
        self._print_problems([one.photo.sent.key for one in delivered])
        return delivered

    def tried(self, key: str, work: Callable[[], _Made]) -> _Made | None:
        """Return the result of the work; None if it has a problem, which is kept."""
        try:
            with explained():
                return work()
        except Problem as problem:
            self.problems[key] = problem
            return None

    def _uploaded(self, photos: Sequence[Photo]) -> dict[str, SentPhoto]:
        sent: dict[str, SentPhoto] = {}

        def upload(photo: Photo) -> None:
            if one := self.tried(photo.key, lambda: self.stack.upload(photo)):
                sent[photo.key] = one

        try:
            in_parallel(self.console, "Uploading", upload, photos)
        except BaseException:
            self.console.print(
                f"Interrupted: {len(sent):,} of {counted(len(photos), 'photo')} uploaded. "
                f"The stack goes on with them. {self.ways_on.uploading}"
            )
            raise
        return sent

    def _retry(self, jobs: Sequence[Job]) -> None:
        """Retry jobs that ended without a cut-out; a job that has moved since is left alone."""
        if not jobs:
            return
        control = compose.control(self.stack)
        for job in jobs:
            # Another command, or a late callback, was faster: the photo is waited for all the same.
            with suppress(IllegalMoveError, JobMovedError):
                control.retry(job)

    def _print_problems(self, keys: Sequence[str], *, is_all: bool = False) -> None:
        """Print the problems of these photos; raise the first if all photos have one."""
        for key in keys:
            if problem := self.problems.get(key):
                if is_all:
                    raise problem
                self.console.print(f"{key}: {problem.message}", soft_wrap=True)

    def _print_rest(self, why: str, settled: Collection[TrackedPhoto], total: int) -> None:
        """Print what is done, what continues without this command, and how to get the rest."""
        completed = sum(photo.is_completed for photo in settled)
        left = total - len(settled)
        self.console.print(
            f"{why}: {completed:,} of {counted(total, 'photo')} completed. "
            f"The stack goes on with {counted(left, 'photo')}."
        )
        if self.ways_on.waiting:
            self.console.print(self.ways_on.waiting, soft_wrap=True)


class _Deliveries:
    """Downloads the cut-out of each photo as soon as it is completed."""

    def __init__(self, trip: RoundTrip, downloads: Downloads) -> None:
        self.settled: dict[str, TrackedPhoto] = {}
        self._trip = trip
        self._downloads = downloads
        self._files: dict[str, Future[DeliveredPhoto]] = {}

    def wait(
        self, begun: Sequence[PlannedPhoto], pool: ThreadPoolExecutor, timeout_seconds: float | None
    ) -> list[TrackedPhoto]:
        """Wait for the photos whose jobs have yet to end; return all photos."""

        def settled(photo: TrackedPhoto) -> None:
            self.settled[photo.sent.key] = photo
            # In another thread, so that a large download does not hold up the table.
            self._files[photo.sent.key] = pool.submit(self._delivered, photo)

        for one in begun:
            if one.there and not one.is_moving:
                settled(_standing(one, one.there))
        moving = [one.there for one in begun if one.there and one.is_moving]
        waited: dict[str, TrackedPhoto] = {}
        if moving:
            with LiveTable(self._trip.console) as table:
                photos = wait_for_jobs(
                    self._trip.stack,
                    moving,
                    clock=self._trip.clock,
                    watcher=table,
                    timeout_seconds=timeout_seconds,
                    on_settled=settled,
                )
            waited = {photo.sent.key: photo for photo in photos}
        return [waited.get(one.photo.key) or self.settled[one.photo.key] for one in begun]

    def results(self, photos: Sequence[TrackedPhoto]) -> list[DeliveredPhoto]:
        """Return these photos once the downloads are done."""
        results = (self._result(photo) for photo in photos)
        return list(progress_bar(self._trip.console, "Downloading", results, len(photos)))

    def _result(self, photo: TrackedPhoto) -> DeliveredPhoto:
        download = self._files.get(photo.sent.key)
        return self._delivered(photo) if download is None else download.result()

    def _delivered(self, photo: TrackedPhoto) -> DeliveredPhoto:
        file: Path | None = None
        variants: tuple[tuple[Variant, Path], ...] = ()
        if photo.is_completed:
            key, tried = photo.sent.key, self._trip.tried
            file = tried(key, lambda: self._cut_out(photo))
            variants = tried(key, lambda: tuple(self._variants(photo))) or ()
        seconds = photo.age(self._trip.clock.now()).total_seconds()
        return DeliveredPhoto(photo=photo, file=file, seconds=seconds, variants=variants)

    def _cut_out(self, photo: TrackedPhoto) -> Path | None:
        cut_out = photo.cut_out
        return None if cut_out is None else self._downloads.fetch(cut_out)

    def _variants(self, photo: TrackedPhoto) -> Iterator[tuple[Variant, Path]]:
        for variant, cut_out in variants_of(photo.job):
            yield variant, self._downloads.fetch(cut_out)


def _standing(one: PlannedPhoto, there: SentPhoto) -> TrackedPhoto:
    return TrackedPhoto(
        sent=there,
        job=one.job,
        is_expired=one.job is None,
        result_key=one.result_key,
        note=one.why,
    )


def print_delivery(console: Console, delivered: Sequence[DeliveredPhoto]) -> None:
    """Print the table of results; the last row has the totals if there are several photos."""
    completed = sum(one.photo.is_completed for one in delivered)
    totals = (
        counted(len(delivered), "photo"),
        f"{completed} completed",
        f"{max((one.seconds for one in delivered), default=0):.1f}",
        f"{sum(one.credits or 0 for one in delivered):g}",
    )
    print_results(
        console,
        [
            ResultRow(
                key=one.photo.sent.key,
                state=one.state,
                figures=(f"{one.seconds:.1f}", _cost(one)),
                file=one.file,
                why=one.photo.why,
            )
            for one in delivered
        ],
        figures=("seconds", "credits"),
        totals=totals if len(delivered) > 1 else (),
    )


def _cost(one: DeliveredPhoto) -> str:
    job = one.photo.job
    if one.credits is None:
        return "-"
    return "reused" if job and job.reused and not job.credits else f"{one.credits:g}"


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
