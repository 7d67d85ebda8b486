"""`cutout get`: download cut-outs."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.options.shared_options import out_option
from cutout.cli.output.describe import counted
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.result_table import ResultRow, print_results
from cutout.cli.output.terminal import interruption, note, print_json, stderr, stdout
from cutout.cli.progress.parallel import in_parallel
from cutout.cli.round_trip.bucket_photos import BucketPhoto, BucketPhotos
from cutout.cli.round_trip.downloads import Downloads, variants_of
from cutout.cli.stack_command import stack_command
from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cutout.cli.aws.deployed_stack import Stack


@stack_command(
    "get",
    {
        0: "the cut-out of every photo is in the folder",
        1: "one has none, or could not be downloaded; the table says why",
    },
    """
# the cut-outs of what `cutout put photos` uploaded
cutout get photos --out cut

# of all photos whose keys begin with shop/shoes/
cutout get s3://cutout-uploads/shop/shoes/ --out cut
""",
)
@click.argument("names", metavar="KEY|PREFIX|FILE...", nargs=-1, required=True)
@out_option("the cut-outs")
@click.option(
    "--prefix",
    metavar="TEXT",
    help="Prefix of the keys of FILEs.  [default: the prefix that the stack watches]",
)
def command(
    stack: Stack,
    *,
    names: Sequence[str],
    out: Path,
    prefix: str | None,
    as_json: bool,
) -> int:
    """Download cut-outs and their variants.

    Each name is the KEY of a photo, a FILE or folder as given to `cutout put`, or a PREFIX of keys,
    whichever exists first. An s3:// URL of the uploads bucket is a KEY or a PREFIX. The newest
    upload of each photo counts.

    Cut-outs keep the folders of their keys, inside DIR. A file that is there with the same bytes is
    kept, so the command can be interrupted and run again; any other file of that name is replaced.
    Nothing is paid for.
    """
    photos = BucketPhotos(stack=stack, console=stderr(), prefix=prefix).named(names)
    out.mkdir(parents=True, exist_ok=True)
    fetcher = _Fetcher(downloads=Downloads(store=stack.ports.store, out=out))

    def done() -> str:
        count = counted(len(fetcher.downloads.fetched), "file")
        return f"{count} downloaded. Run it again for the others."

    with interruption(done):
        rows = in_parallel(stderr(), "Downloading", fetcher.fetch, photos)
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        print_results(stdout(), [row.as_cells() for row in rows])
        note(_summary(rows, len(fetcher.downloads.fetched)))
    return 0 if all(row.is_whole for row in rows) else 1


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A photo, the files of its cut-out and variants, and what went wrong."""

    photo: BucketPhoto
    file: Path | None = None
    variants: dict[str, Path] = field(default_factory=dict)
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        return self.file is not None and not self.problem

    def as_json(self) -> dict[str, Any]:
        facts = (
            job_as_json(self.photo.job)
            if self.photo.job
            else {"key": self.photo.key, "state": self.photo.state, "reason": self.photo.note}
        )
        return {
            **facts,
            "file": str(self.file) if self.file else None,
            "variant_files": {recipe: str(file) for recipe, file in self.variants.items()},
            "problem": self.problem or None,
        }

    def as_cells(self) -> ResultRow:
        return ResultRow(
            key=self.photo.key,
            state=self.photo.state,
            file=None if self.problem else self.file,
            why=self.problem or self.photo.why,
        )


@dataclass(frozen=True, kw_only=True)
class _Fetcher:
    downloads: Downloads

    def fetch(self, photo: BucketPhoto) -> _Row:
        """Download the cut-out and the variants of a photo, if it is completed."""
        if photo.cut_out is None:
            return _Row(photo=photo)
        file: Path | None = None
        variants: dict[str, Path] = {}
        try:
            with explained():
                file = self.downloads.fetch(photo.cut_out)
                for variant, cut_out in variants_of(photo.job):
                    variants[variant.recipe] = self.downloads.fetch(cut_out)
        except Problem as problem:
            return _Row(photo=photo, file=file, variants=variants, problem=problem.message)
        return _Row(photo=photo, file=file, variants=variants)


def _summary(rows: Sequence[_Row], fetched: int) -> str:
    files = sum(len(row.variants) + (row.file is not None) for row in rows)
    missing = sum(not row.is_whole for row in rows)
    text = f"{counted(fetched, 'file')} downloaded, {files - fetched:,} there already."
    return text + (f" {counted(missing, 'photo')} without a cut-out." if missing else "")
