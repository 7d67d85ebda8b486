"""`cutout retry`: submit failed, rejected or reviewed photos again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import click

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.context import Context
from cutout.cli.job_retry import RETRYABLE, check_retryable, retry_job, warning_of
from cutout.cli.options.job_filters import filter_options
from cutout.cli.options.price_option import price_option
from cutout.cli.options.shared_options import fresh_option
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.money import Price, preview_as_json, preview_in_words
from cutout.cli.output.next_step import job_in_one_line
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import interruption, print_json, print_lines, remark, stderr, stdout
from cutout.cli.output.units import counted
from cutout.cli.photo_names import newest_job
from cutout.cli.progress.progress import ProgressLine
from cutout.cli.stack_command import stack_command
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.job import Job
from cutout.domain.retry_policy import is_final_refusal
from cutout.domain.sanitize import plain
from cutout.domain.states import Transport
from cutout.operator.bounded_parallel import bounded_map
from cutout.operator.list_jobs import JobFilter, ListJobs
from cutout.ports.jobs_table import JobMovedError
from cutout.wiring.chosen_provider import terms

_AT_ONCE = 8


@stack_command(
    "retry",
    {
        0: "every photo is queued again (with --dry-run: could be)",
        1: "one is not, or `--yes` is missing; the message says which",
    },
    """
$ cutout retry shoes/a.jpg
1 photo: at most 5.4 credits, about $0.08 (at 1.47 cents a credit); done in about 45 s: [...]
Retry it? [y/N]: y
shoes/a.jpg: queued because of retried-by-person · next: will be submitted in 2 min

# the photos whose tasks failed in the last two hours
$ cutout retry --reason task-failed --since 2h --yes
""",
)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@filter_options(RETRYABLE, "All photos in this state: failed, review or rejected (repeatable).")
@click.option(
    "--through-files",
    "transport",
    flag_value=Transport.FILES,
    type=click.UNPROCESSED,
    help="Upload the photos to the provider's Files API this time.",
)
@fresh_option
@click.option(
    "--include-refused",
    is_flag=True,
    help="Also retry photos whose content the provider refused; it may charge for each again.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be retried and its cost, and stop.")
@click.option(
    "--yes",
    is_flag=True,
    help="Retry without asking; required for several photos, and where no terminal is.",
)
@price_option
@click.pass_obj
def command(
    context: Context,
    stack: Stack,
    /,
    *,
    keys: Sequence[str],
    wanted: JobFilter,
    **options: Any,  # noqa: ANN401 - fields of the run
) -> int:
    """Submit failed, rejected or reviewed photos again.

    The newest upload of each KEY gets a new attempt. It costs credits, or nothing if a
    result of the same photo is cached. If the provider accepted an earlier request for the photo,
    the result of that request is checked first, free of charge. `--fresh` sends a new request at
    once, unless a callback has named a task that was never read: that task is read first. Without a
    KEY, retries every photo that matches the options, at lower priority than live uploads.
    Concurrency and daily-credit limits apply.

    Photos whose content the provider refused (moderation) are left out: it would refuse them again,
    and may charge for it.
    """
    if bool(keys) == (wanted != JobFilter(states=())):
        raise click.UsageError(
            "Name KEYs, or choose photos with --state, --reason, --prefix, --since or --until."
        )
    run = _Run(stack=stack, is_terminal=context.is_terminal, **options)
    if keys:
        return run.named(keys)
    return run.chosen(wanted if wanted.states else replace(wanted, states=tuple(RETRYABLE)))


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One run of the command."""

    stack: Stack
    price: Price
    transport: Transport | None
    bypass_cache: bool
    include_refused: bool
    dry_run: bool
    yes: bool
    is_terminal: bool
    as_json: bool

    def named(self, keys: Sequence[str]) -> int:
        """Retry the newest uploads of these keys; none of them, if one cannot be retried."""
        jobs = [newest_job(self.stack, key) for key in dict.fromkeys(keys)]
        for job in jobs:
            check_retryable(job, include_refused=self.include_refused)
            if warning := warning_of(job):
                remark(f"{plain(job.source.key)}: {warning}")
        report = self._preview_of(len(jobs))
        if not self.dry_run and not self._is_agreed(len(jobs)):
            return self._without_yes(report)
        done: list[Job] = []
        moved: list[Problem] = []
        try:
            for job in jobs:
                try:
                    done.append(job if self.dry_run else self._retry(job))
                # A job that was moved in the meantime does not stop the others.
                except Problem as late:
                    moved.append(late)
        finally:  # After an interruption, print what was retried.
            self._print_done(done)
        for problem in moved:
            problem.show()
        if self.dry_run:
            remark(f"Dry run: {len(jobs)} would be retried.")
        return 1 if moved else 0

    def _retry(self, job: Job) -> Job:
        return retry_job(self.stack, job, transport=self.transport, bypass_cache=self.bypass_cache)

    def _print_done(self, jobs: Sequence[Job]) -> None:
        if self.as_json:
            print_json([job_as_json(job) for job in jobs])
            return
        for job in jobs:
            stdout().print(job_in_one_line(job, now=self.stack.clock.now()))

    def chosen(self, which: JobFilter) -> int:
        """Retry all jobs that match."""
        with ProgressLine(self.stack.clock) as progress:
            counts, refused = self._count(which, progress)
            report = self._preview(counts, refused)
            if self.dry_run or not counts:
                remark(
                    f"Dry run: {counts.total():,} would be retried."
                    if counts or refused
                    else "No photo matches."
                )
                if self.as_json:
                    print_json(report)
                return 0
            if not self._is_agreed(counts.total()):
                return self._without_yes(report)
            queued, lost = self._queue(which, progress)
        if self.as_json:
            print_json(report | {"queued": queued, "moved_meanwhile": lost})
        else:
            stdout().print(f"{counted(queued, 'photo')} queued at low priority.")
        if lost:
            stderr().print(f"{counted(lost, 'photo')} changed at the same time and were skipped.")
        return 1 if lost else 0

    def _count(self, which: JobFilter, progress: ProgressLine) -> tuple[Counter[str], int]:
        """Count the jobs that match by state and reason, and those that are left out."""
        counts: Counter[str] = Counter()
        refused = 0
        for job in self._browse(which):
            if self._is_left_out(job):
                refused += 1
            else:
                counts[f"{job.state} because of {job.reason}" if job.reason else job.state] += 1
            progress.show(f"counted {counted(counts.total(), 'photo')}")
        return counts, refused

    def _queue(self, which: JobFilter, progress: ProgressLine) -> tuple[int, int]:
        operate = compose.control(self.stack)
        queued: list[str] = []
        lost: list[str] = []

        def retried(job: Job) -> None:
            try:
                operate.retry(
                    job,
                    transport=self.transport,
                    bypass_cache=self.bypass_cache,
                    is_one_of_many=True,
                )
            # Between the listing and this write, another command or a late result may move the job.
            except (IllegalMoveError, JobMovedError):
                lost.append(job.id)
            else:
                queued.append(job.id)

        jobs = (job for job in self._browse(which) if not self._is_left_out(job))
        try:
            with (
                interruption(
                    lambda: f"{counted(len(queued), 'photo')} queued. Run it again for the others."
                ),
                # Closing waits for the retries that run: the count printed after Ctrl-C is true.
                closing(bounded_map(retried, jobs, at_once=_AT_ONCE)) as steps,
            ):
                for _ in steps:
                    progress.show(f"queued {counted(len(queued), 'photo')}")
        finally:
            # Once for all, also after an interruption: until Sweep's next run nothing else would.
            operate.enqueue_waiting()
        return len(queued), len(lost)

    def _browse(self, which: JobFilter) -> Iterator[Job]:
        return ListJobs(records=self.stack.index, at_once=_AT_ONCE).jobs(which)

    def _is_left_out(self, job: Job) -> bool:
        return not self.include_refused and is_final_refusal(job, terms().final_codes)

    def _is_agreed(self, photos: int) -> bool:
        """Whether the person agrees to the price; for one photo, a terminal asks."""
        can_ask = photos == 1 and self.is_terminal
        return self.yes or (can_ask and click.confirm("Retry it?", err=True))

    def _preview(self, counts: Counter[str], refused: int) -> dict[str, Any]:
        """Print the number of photos and their cost for people; return it for programs."""
        preview = compose.estimate(self.stack, counts.total())
        if not self.as_json:
            for name, count in counts.most_common():
                stdout().print(f"{count:>7,} {name}")
            if counts:
                print_lines(stdout(), preview_in_words(preview, self.price))
        if refused:
            left = f"{counted(refused, 'photo')} left out, as the provider refused the content"
            remark(f"{left}; `--include-refused` retries them, too.")
        report = {"counts": dict(counts), **preview_as_json(preview, self.price)}
        return report | {"queued": 0, "refused_left_out": refused}

    def _preview_of(self, photos: int) -> dict[str, Any]:
        preview = compose.estimate(self.stack, photos)
        text = f"{counted(photos, 'photo')}: at most {preview_in_words(preview, self.price)}"
        print_lines(stderr(), text)
        return {**preview_as_json(preview, self.price), "queued": 0}

    def _without_yes(self, report: dict[str, Any]) -> int:
        if self.as_json:
            print_json(report)
        stderr().print("Nothing was retried. Add `--yes` to retry.")
        return 1
