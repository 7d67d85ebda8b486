"""``cutout backfill``: photos that were there before anybody watched."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.enqueue import feed, pace_of, survey_of
from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.cost_preview import estimate, plan_as_json, plan_in_words
from cutout.cli.output.describe import counted
from cutout.cli.output.money import money_option, price_of
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from cutout.cli.progress.progress import Tally
from cutout.operator.audit import Finding
from cutout.operator.backfill import BucketImport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.operator.audit import AuditedObject
    from cutout.operator.backfill import Candidate
    from cutout.ports.listings import ListedObject, ObjectCopies

_SHOWN = 20
_WHY = {
    Finding.MISSING: "",
    Finding.FRESH: "written just now: its event may be on its way",
    Finding.FORGOTTEN: "worked on before, its row has expired",
}


@click.command(
    "backfill",
    cls=DocumentedCommand,
    exit_statuses={
        0: "everything there is to queue is queued (with --dry-run: counted)",
        1: "it is not, S3 refused to copy an object, or `--yes` was not said",
    },
    example="""
# what the photos of a year would cost, and when they would be done
cutout backfill s3://cutout-uploads/2025/ --dry-run

# a thousand of them; say it again for the next thousand
cutout backfill s3://cutout-uploads/2025/ --limit 1000 --yes
""",
)
@click.argument("place", metavar="s3://BUCKET/[PREFIX]")
@click.option("--limit", type=click.IntRange(min=1), help="Queue only so many.")
@click.option("--dry-run", is_flag=True, help="Only count, and say what it costs.")
@click.option("--yes", is_flag=True, help="Do it.")
@money_option
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    place: str,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    cents_per_credit: Decimal | None,
    as_json: bool,
    choice: Choice,
) -> int:
    """Have photos worked on that are there already.

    In the uploads bucket, what has no job is queued. From another bucket, photos are copied to the
    uploads bucket under the same keys, behind the watched prefix, inside S3 and with your
    credentials; what stands there is never written over. Either way they come after live uploads,
    no faster than the queue empties, and limits and the daily cap hold. What has a job is passed
    over, so it may be interrupted and said again. An object that S3 refuses to copy (archived,
    encrypted with a key that you may not use) is named with S3's reason; the others are copied.
    """
    price = price_of(surroundings, cents_per_credit)
    with explained():
        stack = surroundings.connect(choice)
        bucket, prefix = _place(place)
        with Tally(talk(), surroundings.clock) as tally:
            source = _source(stack, surroundings, bucket, prefix, tally)
            counts = _counted(source, limit, tally)
            photos = counts.pop("", 0)
            plan = estimate(stack, surroundings, photos)
            told: dict[str, Any] = {
                "skipped": dict(counts),
                **plan_as_json(plan, price),
                "queued": 0,
                "refused": [],
            }
            if not as_json:
                results().print(f"s3://{bucket}/{prefix}: {counted(photos, 'photo')} to queue")
                for why, count in counts.most_common():
                    results().print(f"{count:>7,} skipped: {why}")
                if photos:
                    print_lines(results(), plan_in_words(plan, price))
            _tell_requests(stack, tally.seconds)
            is_done = photos == 0
            if not is_done and yes and not dry_run:
                told["queued"] = source.queue(limit)
                told["refused"] = [_refused_as_json(one) for one in source.refused]
                is_done = not source.refused
                talk().print(f"{counted(told['queued'], 'photo')} queued, behind live uploads.")
                _tell_refused(source.refused)
            elif not is_done:
                talk().print("Nothing was queued; `--yes` does it.")
    if as_json:
        print_json(told)
    return 0 if is_done or dry_run else 1


def _place(text: str) -> tuple[str, str]:
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise click.UsageError(f"{text} is not s3://BUCKET/PREFIX.")
    return bucket, prefix


def _source(
    stack: Stack, surroundings: Surroundings, bucket: str, prefix: str, tally: Tally
) -> _Own | _Other:
    if bucket == stack.outputs.uploads_bucket:
        return _Own(stack, surroundings, prefix, tally)
    if bucket == stack.outputs.results_bucket:
        raise Problem(f"{bucket} is the results bucket: it holds our own output.")
    return _Other(stack, surroundings, bucket, prefix, tally)


def _counted(source: _Own | _Other, limit: int | None, tally: Tally) -> Counter[str]:
    """Count why objects are skipped; the empty reason counts those that are not."""
    counts: Counter[str] = Counter()
    for why in source.skipped():
        counts[why] += 1
        if counts.total() % 1000 == 0:
            tally.at(f"counted {counts.total():,} objects")
        if limit is not None and counts[""] >= limit:
            break
    return counts


def _tell_requests(stack: Stack, seconds: float) -> None:
    requests = ", ".join(f"{count:,} {name}" for name, count in sorted(stack.requests().items()))
    talk().print(f"{seconds:.1f} s; requests: {requests}", style="note", soft_wrap=True)


def _refused_as_json(one: Candidate) -> dict[str, Any]:
    return {"key": one.listed.key, "version": one.listed.version_id, "reason": one.refused}


def _tell_refused(refused: Sequence[Candidate]) -> None:
    for one in refused[:_SHOWN]:
        talk().print(f"  {one.listed.key}: {one.refused}", soft_wrap=True)
    if len(refused) > _SHOWN:
        talk().print(f"  and {len(refused) - _SHOWN:,} more; `--json` names them all")


class _Own:
    """The uploads bucket itself."""

    refused: Sequence[Candidate] = ()

    def __init__(self, stack: Stack, surroundings: Surroundings, prefix: str, tally: Tally) -> None:
        self._stack = stack
        self._surroundings = surroundings
        self._prefix = prefix
        self._tally = tally

    def skipped(self) -> Iterator[str]:
        """Yield for every object why it is skipped; nothing for one that is not."""
        survey = survey_of(
            self._stack,
            self._surroundings,
            lambda what, count: self._tally.at(f"listed {count:,} {what}"),
        )
        for page in survey.look(self._prefix):
            yield from map(_why, page)

    def queue(self, limit: int | None) -> int:
        """Queue what is not skipped."""
        return feed(self._stack, self._surroundings, self._prefix, tally=self._tally, limit=limit)


class _Other:
    """A bucket that nobody watches."""

    def __init__(
        self, stack: Stack, surroundings: Surroundings, bucket: str, prefix: str, tally: Tally
    ) -> None:
        self._prefix = prefix
        self._tally = tally
        self.refused: list[Candidate] = []
        self._transfers = _Remembered(stack.transfers(bucket))
        self._import = BucketImport(
            source=stack.objects(bucket),
            uploads=stack.objects(stack.outputs.uploads_bucket),
            transfers=self._transfers,
            rules=stack.rules(),
            pace=pace_of(stack, surroundings, tally),
        )

    def skipped(self) -> Iterator[str]:
        """Yield for every object why it is skipped; nothing for one that is not."""
        return (one.skipped for one in self._import.look(self._prefix))

    def queue(self, limit: int | None) -> int:
        """Copy what is not skipped; what S3 refuses does not count towards the limit."""
        wanted = (one for one in self._import.look(self._prefix) if not one.skipped)
        counts: Counter[str] = Counter()
        try:
            while self._copy(islice(wanted, None if limit is None else limit - counts[""]), counts):
                pass
        except BaseException:  # Those that were under way are done by now.
            copied = len(self._transfers.keys)
            talk().print(f"Broke off: {copied:,} are copied. Run it again for the others.")
            raise
        for why, count in counts.items():
            if why:
                talk().print(f"{count:,} not copied after all: {why}")
        return counts[""]

    def _copy(self, wanted: Iterator[Candidate], counts: Counter[str]) -> bool:
        """Copy these and count what becomes of them; False if there were none."""
        before = counts.total()
        with closing(self._import.copy(wanted)) as copies:
            for one in copies:
                counts[one.skipped] += 1
                if one.refused:
                    self.refused.append(one)
                self._tally.at(f"copied {counts['']:,} photos, S3 refused {len(self.refused):,}")
        return counts.total() > before


class _Remembered:
    """Copies, and remembers which keys were copied."""

    def __init__(self, transfers: ObjectCopies) -> None:
        self._transfers = transfers
        self.keys: list[str] = []

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy one."""
        done = self._transfers.copy(listed, key, marks)
        if done:
            self.keys.append(key)
        return done


def _why(found: AuditedObject) -> str:
    """Return why an object of the uploads bucket is skipped."""
    if found.finding in _WHY:
        return _WHY[found.finding]
    if found.finding in {Finding.NO_PHOTO, Finding.NOT_WATCHED}:
        return found.reason
    return f"has a job: {found.finding}"
