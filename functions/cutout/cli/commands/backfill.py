"""`cutout backfill`: process photos that are already in a bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import click

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.enqueue import enqueue_missing, survey_of, wait_shown
from cutout.cli.options.price_option import price_option
from cutout.cli.output.money import Price, preview_as_json, preview_in_words
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import (
    interruption,
    print_first,
    print_json,
    print_lines,
    stderr,
    stdout,
)
from cutout.cli.output.units import counted
from cutout.cli.progress.progress import ProgressLine
from cutout.cli.stack_command import stack_command
from cutout.domain.dataclass import dataclass
from cutout.operator.audit import AuditedObject, Finding
from cutout.operator.backfill import Candidate
from cutout.ports.listings import ListedObject, ObjectCopies

_SHOWN = 20
_WHY = {
    Finding.MISSING: "",
    Finding.FRESH: "written just now: its event may still arrive",
    Finding.FORGOTTEN: "processed before, its job has expired",
}


@stack_command(
    "backfill",
    {
        0: "all photos are queued (with --dry-run: counted)",
        1: "some are not, S3 refused to copy an object, or `--yes` is missing",
    },
    """
# the cost and duration for the photos of a year
cutout backfill s3://cutout-uploads/2025/ --dry-run

# a thousand of them; run it again for the next thousand
cutout backfill s3://cutout-uploads/2025/ --limit 1000 --yes
""",
    counts_requests=True,
)
@click.argument("place", metavar="s3://BUCKET/[PREFIX]")
@click.option("--limit", type=click.IntRange(min=1), help="Queue up to this many photos.")
@click.option("--dry-run", is_flag=True, help="Print the number of photos and the cost, and stop.")
@click.option("--yes", is_flag=True, help="Queue the photos.")
@price_option
def command(
    stack: Stack,
    *,
    place: str,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    price: Price,
    as_json: bool,
) -> int:
    """Process photos that are already in a bucket.

    In the uploads bucket, objects without a job are queued. From another bucket, photos are copied
    to the uploads bucket, under the watched prefix and the same keys, inside S3 and with your
    credentials; existing objects are never overwritten. Backfilled photos have lower priority than
    live uploads, concurrency and daily-credit limits apply, and the queue is kept short. Objects
    that have a job are skipped, so the command can be interrupted and run again. If S3 refuses to
    copy an object (archived, or encrypted with a key that you may not use), the command prints its
    key and the reason and copies the others.
    """
    bucket, prefix = _place(place)
    with ProgressLine(stack.clock) as progress:
        source = _source(stack, bucket, prefix, progress)
        counts = _counted(source, limit, progress)
        photos = counts.pop("", 0)
        preview = compose.estimate(stack, photos)
        report: dict[str, Any] = {
            "skipped": dict(counts),
            **preview_as_json(preview, price),
            "queued": 0,
            "refused": [],
        }
        if not as_json:
            stdout().print(f"s3://{bucket}/{prefix}: {counted(photos, 'photo')} to queue")
            for why, count in counts.most_common():
                stdout().print(f"{count:>7,} skipped: {why}")
            if photos:
                print_lines(stdout(), preview_in_words(preview, price))
        is_done = photos == 0
        if not is_done and yes and not dry_run:
            report["queued"] = source.queue(limit)
            report["refused"] = [
                {"key": one.listed.key, "version": one.listed.version_id, "reason": one.refused}
                for one in source.refused
            ]
            is_done = not source.refused
            stderr().print(f"{counted(report['queued'], 'photo')} queued at low priority.")
            refused = [f"{one.listed.key}: {one.refused}" for one in source.refused]
            print_first(stderr(), refused, _SHOWN, rest="`--json` lists all")
        elif not is_done:
            stderr().print("Dry run: nothing was queued. Add `--yes` to queue them.")
    if as_json:
        print_json(report)
    return 0 if is_done or dry_run else 1


def _place(text: str) -> tuple[str, str]:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise click.UsageError(f"{text} is not s3://BUCKET/PREFIX.")
    return bucket, prefix


def _source(
    stack: Stack, bucket: str, prefix: str, progress: ProgressLine
) -> _OwnBucket | _OtherBucket:
    if bucket == stack.outputs.uploads_bucket:
        return _OwnBucket(stack=stack, prefix=prefix, progress=progress)
    if bucket == stack.outputs.results_bucket:
        raise Problem(f"{bucket} is the results bucket: it holds cut-outs.")
    return _OtherBucket(stack, bucket, prefix, progress)


def _counted(
    source: _OwnBucket | _OtherBucket, limit: int | None, progress: ProgressLine
) -> Counter[str]:
    """Count the reasons why objects are skipped; the empty reason is for those that are not."""
    counts: Counter[str] = Counter()
    for why in source.skipped():
        counts[why] += 1
        if counts.total() % 1000 == 0:
            progress.show(f"counted {counted(counts.total(), 'object')}")
        if limit is not None and counts[""] >= limit:
            break
    return counts


@dataclass(frozen=True, kw_only=True)
class _OwnBucket:
    """The uploads bucket itself."""

    stack: Stack
    prefix: str
    progress: ProgressLine
    refused: Sequence[Candidate] = ()

    def skipped(self) -> Iterator[str]:
        """Yield for every object why it is skipped; an empty text if it is not."""
        for page in survey_of(self.stack, self.progress).look(self.prefix):
            yield from map(_why, page)

    def queue(self, limit: int | None) -> int:
        """Queue the objects that are not skipped."""
        return enqueue_missing(self.stack, self.prefix, progress=self.progress, limit=limit)


class _OtherBucket:
    """Another bucket, whose photos are copied to the uploads bucket."""

    def __init__(self, stack: Stack, bucket: str, prefix: str, progress: ProgressLine) -> None:
        self._prefix = prefix
        self._progress = progress
        self.refused: list[Candidate] = []
        self._transfers = _CountedTransfers(stack.ports.transfers(bucket))
        self._import = compose.import_from(stack, bucket, self._transfers, wait_shown(progress))

    def skipped(self) -> Iterator[str]:
        """Yield for every object why it is skipped; an empty text if it is not."""
        return (one.skipped for one in self._import.look(self._prefix))

    def queue(self, limit: int | None) -> int:
        """Copy the objects that are not skipped; refused copies do not count towards the limit."""
        wanted = (one for one in self._import.look(self._prefix) if not one.skipped)
        counts: Counter[str] = Counter()

        def done() -> str:
            # The copies that were running have ended by now.
            copied = counted(self._transfers.count, "photo")
            return f"{copied} copied. Run it again for the others."

        # A copy that S3 refuses does not count: as many others are copied in the next round.
        with interruption(done):
            while self._copy(islice(wanted, None if limit is None else limit - counts[""]), counts):
                pass
        for why, count in counts.items():
            if why:
                stderr().print(f"{count:,} not copied: {why}")
        return counts[""]

    def _copy(self, wanted: Iterator[Candidate], counts: Counter[str]) -> bool:
        """Copy these objects and count the results; False if there were none."""
        before = counts.total()
        with closing(self._import.copy(wanted)) as copies:
            for one in copies:
                counts[one.skipped] += 1
                if one.refused:
                    self.refused.append(one)
                self._progress.show(
                    f"copied {counted(counts[''], 'photo')}, S3 refused {len(self.refused):,}"
                )
        return counts.total() > before


class _CountedTransfers:
    """Copies, and counts the copies, also those that end during an interruption."""

    def __init__(self, transfers: ObjectCopies) -> None:
        self._transfers = transfers
        self.count = 0

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy one object."""
        done = self._transfers.copy(listed, key, marks)
        if done:
            self.count += 1
        return done


def _why(found: AuditedObject) -> str:
    """Return why an object of the uploads bucket is skipped."""
    if found.finding in _WHY:
        return _WHY[found.finding]
    if found.finding in {Finding.NO_PHOTO, Finding.NOT_WATCHED}:
        return found.reason
    return f"has a job: {found.finding}"
