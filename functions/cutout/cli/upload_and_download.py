"""From files to cut-outs: upload, wait, download, and a table of what became of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cutout.cli.download_paths import target_path
from cutout.cli.output.describe import cost, explanation, job_as_json
from cutout.cli.output.problems import Problem, explained
from cutout.cli.progress.live_table import Board, state_text
from cutout.cli.progress.wait_for_jobs import follow
from cutout.domain.text.sanitize import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from cutout.cli.aws.stack import Sent, Stack
    from cutout.cli.photo_files import Photo
    from cutout.cli.progress.clock import Clock
    from cutout.cli.progress.wait_for_jobs import Followed
    from cutout.domain.job.job import Job
    from cutout.domain.job.variant import Variant

_Thing = TypeVar("_Thing")
_Made = TypeVar("_Made")
_AT_ONCE = 4
_SHOWN_FROM = 5


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What became of one photo, and the files that its cut-out and variants were written to."""

    photo: Followed
    file: Path | None
    seconds: float
    variants: tuple[tuple[Variant, Path], ...] = ()

    @property
    def credits(self) -> float | None:
        """Credits that it cost; None while nobody knows of it."""
        return None if self.photo.job is None else float(self.photo.job.credits)

    @property
    def state(self) -> str:
        """Its state in a word."""
        return self.photo.job.state.value if self.photo.job else "unknown"


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Brings photos to a stack and cut-outs back. One that cannot be brought stops no other.

    Attributes:
        problems: what could not be uploaded or downloaded, and why, by key.
    """

    stack: Stack
    clock: Clock
    console: Console
    problems: dict[str, Problem] = field(default_factory=dict)

    def send(self, photos: Sequence[Photo]) -> list[Sent]:
        """Upload photos, a few at a time.

        Raises:
            Problem: none of them could be uploaded; it is that of the first.
        """

        def send_one(photo: Photo) -> Sent | None:
            return self._tried(photo.key, lambda: self.stack.upload(photo))

        sent = [one for one in self._together("Uploading", send_one, photos) if one]
        if not sent and self.problems:
            raise next(self.problems[one.key] for one in photos if one.key in self.problems)
        self._tell_problems()
        return sent

    def wait(self, sent: Sequence[Sent], *, timeout_seconds: float | None) -> list[Followed]:
        """Show how the photos fare until all have settled or the time is up."""
        with Board(self.console) as board:
            return follow(
                self.stack,
                sent,
                clock=self.clock,
                watcher=board,
                timeout_seconds=timeout_seconds,
            )

    def fetch(self, photos: Sequence[Followed], out: Path) -> list[Delivered]:
        """Download the cut-outs that there are."""
        self.problems.clear()

        def fetch_one(photo: Followed) -> Delivered:
            file = None
            variants: tuple[tuple[Variant, Path], ...] = ()
            if photo.is_completed and (job := photo.job) is not None:
                file = self._tried(photo.sent.key, lambda: self._download(job, out))
                made = self._tried(photo.sent.key, lambda: tuple(self._variants(job, out)))
                variants = made or ()
            seconds = photo.age(self.clock.now()).total_seconds()
            return Delivered(photo=photo, file=file, seconds=seconds, variants=variants)

        delivered = self._together("Downloading", fetch_one, photos)
        self._tell_problems()
        return delivered

    def _tried(self, key: str, work: Callable[[], _Made]) -> _Made | None:
        try:
            with explained():
                return work()
        except Problem as problem:
            self.problems[key] = problem
            return None

    def _tell_problems(self) -> None:
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
                self.stack.fetch(variant.key, file)
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


def delivery_table(delivered: Sequence[Delivered]) -> Table:
    """Return the table that a command ends with."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("photo", overflow="fold")
    table.add_column("state")
    table.add_column("seconds", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("result", overflow="fold")
    for one in delivered:
        why = explanation(one.photo.job) if one.photo.job else "not taken note of"
        table.add_row(
            plain(one.photo.sent.key),
            state_text(one.state),
            f"{one.seconds:.1f}",
            cost(one.photo.job) if one.photo.job else "-",
            str(one.file) if one.file else why,
        )
    return table


def delivery_as_json(delivered: Sequence[Delivered]) -> list[dict[str, Any]]:
    """Return what ``--json`` prints: each job, with the file of its cut-out."""
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
