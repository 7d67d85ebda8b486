"""`cutout get`: download cut-outs."""

from collections.abc import Sequence
from pathlib import Path

import click

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.job_filters import prefix_option
from cutout.cli.options.shared_options import out_option
from cutout.cli.output.result_table import ResultRow, print_results
from cutout.cli.output.terminal import interruption, print_json, remark, stderr, stdout
from cutout.cli.output.units import counted
from cutout.cli.progress.parallel import in_parallel
from cutout.cli.round_trip.bucket_photos import BucketPhotos
from cutout.cli.round_trip.downloads import CutOutDownloads
from cutout.cli.stack_command import stack_command


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
@prefix_option("Prefix of the keys of FILEs.  [default: the prefix that the stack watches]")
def command(
    stack: Stack, *, names: Sequence[str], out: Path, prefix: str | None, as_json: bool
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
    statuses = list(photos.values())
    out.mkdir(parents=True, exist_ok=True)
    downloads = CutOutDownloads(store=stack.ports.store, out=out)

    def done() -> str:
        count = counted(len(downloads.fetched), "file")
        return f"{count} downloaded. Run it again for the others."

    with interruption(done):
        fetched = in_parallel(stderr(), "Downloading", downloads.fetch_all, statuses)
    rows = list(zip(photos, statuses, fetched, strict=True))
    missing = sum(files.file is None or files.problem is not None for files in fetched)
    if as_json:
        print_json(
            [
                {
                    **files.as_json(key, status),
                    "problem": files.problem.message if files.problem else None,
                }
                for key, status, files in rows
            ]
        )
    else:
        table = [
            ResultRow(
                key=key,
                state=status.state,
                file=None if files.problem else files.file,
                why=files.problem.message if files.problem else status.why,
            )
            for key, status, files in rows
        ]
        print_results(stdout(), table)
        written = sum(len(files.variants) + (files.file is not None) for files in fetched)
        new = len(downloads.fetched)
        text = f"{counted(new, 'file')} downloaded, {written - new:,} there already."
        remark(text + (f" {counted(missing, 'photo')} without a cut-out." if missing else ""))
    return 1 if missing else 0
