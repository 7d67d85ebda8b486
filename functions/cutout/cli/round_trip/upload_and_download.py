"""From files to cut-outs: upload, wait, download each cut-out as it completes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.result_table import ResultRow, print_results
from cutout.cli.output.terminal import REPORTED, interruption
from cutout.cli.output.units import counted
from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.progress.parallel import AT_ONCE, in_parallel, progress_bar
from cutout.cli.round_trip.downloads import CutOutDownloads, Fetched
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.upload_plan import Action, PlannedPhoto
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto, wait_for_jobs
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.job import Job
from cutout.ports.jobs_table import JobMovedError


@dataclass(frozen=True, kw_only=True)
class DeliveredPhoto(Fetched):
    """The result for one photo, and the files that its cut-out and variants were written to."""

    photo: TrackedPhoto
    seconds: float

    @property
    def credits(self) -> float | None:
        """The credits that it cost, without those of an earlier command; None if it has no job."""
        job = self.photo.job
        return None if job is None else float(job.credits - self.photo.sent.credits_before)


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Uploads photos to a stack and downloads the cut-outs. An error of one does not stop others.

    Attributes:
        advice_uploading: what to do after an interruption of the uploads.
        advice_waiting: what to do after an interruption of the wait, or if the time is up.
        problems: why photos could not be uploaded or downloaded, by key.
    """

    stack: Stack
    console: Console
    advice_uploading: str = ""
    advice_waiting: str = ""
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
        # Nothing is there to wait for: the first problem is the error of the command.
        if uploads and not begun:
            raise self.problems[uploads[0].key]
        self._print_problems()
        return begun

    def deliver(
        self, begun: Sequence[PlannedPhoto], out: Path, *, timeout_seconds: float | None
    ) -> list[DeliveredPhoto]:
        """Wait until the photos are settled or the time is up; download what is completed."""
        self.problems.clear()
        downloads = CutOutDownloads(store=self.stack.ports.store, out=out)
        settled: dict[str, TrackedPhoto] = {}
        files: dict[str, Future[Fetched]] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:

            def on_settled(photo: TrackedPhoto) -> None:
                settled[photo.sent.key] = photo
                # In another thread, so that a large download does not hold up the table.
                files[photo.sent.key] = pool.submit(downloads.fetch_all, photo)

            def delivered(photo: TrackedPhoto) -> DeliveredPhoto:
                download = files.get(photo.sent.key)
                found = download.result() if download else Fetched()
                if found.problem:
                    self.problems[photo.sent.key] = found.problem
                seconds = photo.age(self.stack.clock.now()).total_seconds()
                return DeliveredPhoto(
                    photo=photo, file=found.file, variants=found.variants, seconds=seconds
                )

            try:
                tracked = self._waited(begun, timeout_seconds, on_settled)
                results = map(delivered, tracked)
                done = list(progress_bar(self.console, "Downloading", results, len(tracked)))
            # Also Ctrl-C: leaving the `with` block would first wait for every download in the pool.
            except BaseException as error:
                pool.shutdown(cancel_futures=True)
                self._print_rest("Interrupted", list(settled.values()), len(begun))
                error.add_note(REPORTED)
                raise
        if not all(one.photo.is_settled for one in done):
            self._print_rest("The time is up", list(settled.values()), len(begun))
        self._print_problems()
        return done

    def _uploaded(self, photos: Sequence[PhotoFile]) -> dict[str, SentPhoto]:
        sent: dict[str, SentPhoto] = {}

        def upload(photo: PhotoFile) -> None:
            try:
                with explained():
                    sent[photo.key] = self.stack.upload(photo)
            except Problem as problem:
                self.problems[photo.key] = problem

        with interruption(
            lambda: (
                f"{len(sent):,} of {counted(len(photos), 'photo')} uploaded. "
                f"The stack goes on with them. {self.advice_uploading}"
            )
        ):
            in_parallel(self.console, "Uploading", upload, photos)
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

    def _waited(
        self,
        begun: Sequence[PlannedPhoto],
        timeout_seconds: float | None,
        on_settled: Callable[[TrackedPhoto], None],
    ) -> list[TrackedPhoto]:
        """Wait for the photos whose jobs have yet to end; return all photos, in order."""
        found: dict[str, TrackedPhoto] = {}
        for one in begun:
            if one.there and not one.is_moving:
                found[one.photo.key] = TrackedPhoto(
                    sent=one.there,
                    job=one.job,
                    has_ended_before=True,
                    result_key=one.result_key,
                    note=one.why,
                )
                on_settled(found[one.photo.key])
        if moving := [one.there for one in begun if one.there and one.is_moving]:
            with LiveTable(self.console) as table:
                photos = wait_for_jobs(
                    self.stack,
                    moving,
                    watcher=table,
                    timeout_seconds=timeout_seconds,
                    on_settled=on_settled,
                )
            found |= {photo.sent.key: photo for photo in photos}
        return [found[one.photo.key] for one in begun]

    def _print_problems(self) -> None:
        for key, problem in self.problems.items():
            self.console.print(f"{key}: {problem.message}", soft_wrap=True)

    def _print_rest(self, why: str, settled: Sequence[TrackedPhoto], total: int) -> None:
        """Print what is done, what continues without this command, and how to get the rest."""
        completed = sum(photo.is_completed for photo in settled)
        left = total - len(settled)
        self.console.print(
            f"{why}: {completed:,} of {counted(total, 'photo')} completed. "
            f"The stack goes on with {counted(left, 'photo')}."
        )
        if self.advice_waiting:
            self.console.print(self.advice_waiting, soft_wrap=True)


def print_delivery(console: Console, delivered: Sequence[DeliveredPhoto]) -> None:
    """Print the table of results; the last row has the totals if there are several photos."""
    completed = sum(one.photo.is_completed for one in delivered)
    totals = (
        counted(len(delivered), "photo"),
        f"{completed} completed",
        f"{max((one.seconds for one in delivered), default=0):.1f}",
        f"{sum(one.credits or 0 for one in delivered):g}",
    )
    rows = [
        ResultRow(
            key=one.photo.sent.key,
            state=one.photo.state,
            figures=(f"{one.seconds:.1f}", _cost(one)),
            file=one.file,
            why=one.photo.why,
        )
        for one in delivered
    ]
    figures = ("seconds", "credits")
    print_results(console, rows, figures=figures, totals=totals if len(delivered) > 1 else ())


def _cost(one: DeliveredPhoto) -> str:
    job = one.photo.job
    if one.credits is None:
        return "-"
    return "reused" if job and job.reused and not job.credits else f"{one.credits:g}"


def delivery_as_json(delivered: Sequence[DeliveredPhoto]) -> list[dict[str, Any]]:
    """Return the JSON of each job, with the file of its cut-out."""
    return [
        {
            **one.as_json(one.photo.sent.key, one.photo),
            "seconds": round(one.seconds, 3),
            "photo": str(one.photo.sent.photo.path),
        }
        for one in delivered
    ]
