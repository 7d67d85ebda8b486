"""From files to cut-outs: upload, wait, download, and a table of the results."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cutout.cli.output.describe import cost, explanation, job_as_json, state_text
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import plain_table
from cutout.cli.round_trip.download_paths import target_path
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.wait_for_jobs import wait_for_jobs
from cutout.domain.text.sanitize import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.photo_files import Photo, SentPhoto
    from cutout.cli.progress.clock import Clock
    from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
    from cutout.domain.job.job import Job
    from cutout.domain.job.variant import Variant

_Thing = TypeVar("_Thing")
_Made = TypeVar("_Made")
_AT_ONCE = 4
_SHOWN_FROM = 5


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
        return self.photo.job.state.value if self.photo.job else "unknown"


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

    def send(self, photos: Sequence[Photo]) -> list[SentPhoto]:
        """Upload photos, a few at a time.

        Raises:
            Problem: None of them could be uploaded; it is the problem of the first.
        """

        def send_one(photo: Photo) -> SentPhoto | None:
            return self._tried(photo.key, lambda: self.stack.upload(photo))

        sent = [one for one in self._together("Uploading", send_one, photos) if one]
        if not sent and self.problems:
            raise next(self.problems[one.key] for one in photos if one.key in self.problems)
        self._print_problems()
        return sent

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
            if photo.is_completed and (job := photo.job) is not None:
                file = self._tried(photo.sent.key, lambda: self._download(job, out))
                made = self._tried(photo.sent.key, lambda: tuple(self._variants(job, out)))
                variants = made or ()
            seconds = photo.age(self.clock.now()).total_seconds()
            return DeliveredPhoto(photo=photo, file=file, seconds=seconds, variants=variants)

        delivered = self._together("Downloading", fetch_one, photos)
        self._print_problems()
        return delivered

    def _tried(self, key: str, work: Callable[[], _Made]) -> _Made | None:
        try:
            with explained():
                return work()
        except Problem as problem:
            self.problems[key] = problem
            return None

    def _print_problems(self) -> None:
        for key, problem in self.problems.items():
            self.console.print(f"{key}: {problem.message}", soft_wrap=True)

    def _download(self, job: Job, out: Path) -> Path | None:
        if job.result is None:
            return None
        file = target_path(out, job.result.key)
        self.stack.download(job, file)
        return file

    def _variants(self, job: Job, out: Path) -> Iterator[tuple[Variant, Path]]:
        for variant in job.variants:
            if variant.key is not None:
                file = target_path(out, variant.key)
                self.stack.ports.store.download(variant.key, file)
                yield variant, file

    def _together(
        self, title: str, work: Callable[[_Thing], _Made], things: Sequence[_Thing]
    ) -> list[_Made]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            made = pool.map(work, things)
            try:
                return list(self._counted(title, made, len(things)))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _counted(self, title: str, made: Iterable[_Made], total: int) -> Iterator[_Made]:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=total < _SHOWN_FROM or not self.console.is_terminal,
        ) as progress:
            yield from progress.track(made, total=total, description=title)


def delivery_table(delivered: Sequence[DeliveredPhoto]) -> Table:
    """Return the table of results."""
    table = plain_table()
    table.add_column("photo", overflow="fold")
    table.add_column("state")
    table.add_column("seconds", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("result", overflow="fold")
    for one in delivered:
        why = explanation(one.photo.job) if one.photo.job else "not picked up by the stack yet"
        table.add_row(
            plain(one.photo.sent.key),
            state_text(one.state),
            f"{one.seconds:.1f}",
            cost(one.photo.job) if one.photo.job else "-",
            str(one.file) if one.file else why,
        )
    return table


def delivery_as_json(delivered: Sequence[DeliveredPhoto]) -> list[dict[str, Any]]:
    """Return the JSON of each job, with the file of its cut-out."""
    return [
        {
            **(job_as_json(one.photo.job) if one.photo.job else {"key": one.photo.sent.key}),
            "seconds": round(one.seconds, 3),
            "photo": str(one.photo.sent.photo.path),
            "file": str(one.file) if one.file else None,
            "variant_files": {variant.recipe: str(file) for variant, file in one.variants},
        }
        for one in delivered
    ]
