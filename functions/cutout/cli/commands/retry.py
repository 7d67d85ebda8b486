"""``cutout retry``: photos once more, on a person's word."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.job_filters import choosing_options, wanted
from cutout.cli.output.cost_preview import estimate, plan_as_json, plan_in_words
from cutout.cli.output.describe import counted, job_as_json, job_in_one_line
from cutout.cli.output.money import money_option, price_of
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, print_lines, results, talk
from cutout.cli.progress.progress import Tally
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.conflicts import JobMovedError
from cutout.domain.states import TRANSITIONS, Move, State, Transport
from cutout.operator.bounded_parallel import bounded_map
from cutout.operator.list_jobs import ListJobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice
    from cutout.cli.options.time_expressions import When
    from cutout.domain.job.job import Job
    from cutout.operator.list_jobs import JobFilter

_RETRIED = [state for state in State if state in TRANSITIONS[Move.RETRY][0]]
_AT_ONCE = 8


@click.command(
    "retry",
    cls=DocumentedCommand,
    exit_statuses={
        0: "every photo is queued again (with --dry-run: could be)",
        1: "one is not, or `--yes` was not said; it says which",
    },
    example="""
$ cutout retry shoes/a.jpg
shoes/a.jpg: queued because of retried-by-person · next: is submitted in 2 min

# what one bad hour left behind
$ cutout retry --reason task-failed --since 2h --yes
""",
)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in _RETRIED]),
    metavar="STATE",
    help="All photos that are failed, in review or rejected; may be said more than once.",
)
@choosing_options
@click.option(
    "--through-files", is_flag=True, help="Hand them over through the Files API this time."
)
@click.option(
    "--fresh", "bypass_cache", is_flag=True, help="Buy anew, also what was bought before."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be retried and what it costs.")
@click.option("--yes", is_flag=True, help="Do it: needed where more than one photo is meant.")
@money_option
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings,
    *,
    keys: Sequence[str],
    states: Sequence[str],
    reasons: Sequence[str],
    prefix: str,
    since: When | None,
    until: When | None,
    through_files: bool,
    bypass_cache: bool,
    dry_run: bool,
    yes: bool,
    cents_per_credit: Decimal | None,
    as_json: bool,
    choice: Choice,
) -> int:
    """Submit failed, rejected or reviewed photos again.

    The newest upload of each KEY gets a new attempt, which costs about 5.4 credits if the provider
    takes it, and nothing if the same picture was bought meanwhile. Where an earlier request of the
    photo was accepted, its result is asked for first, free; `--fresh` sends a new request at once.
    Without a KEY, all photos are meant that the options choose; these stand behind the gate at
    once, after every live photo. Limits and the daily cap hold as always.
    """
    is_chosen = bool(states or reasons or prefix or since or until)
    if bool(keys) == is_chosen:
        raise click.UsageError("Say either KEYs, or which photos: --state, --reason, --prefix, ...")
    with explained():
        run = _Run(
            stack=surroundings.connect(choice),
            surroundings=surroundings,
            cents=cents_per_credit,
            transport=Transport.FILES if through_files else None,
            bypass_cache=bypass_cache,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )
        if keys:
            return run.named(keys)
        now = surroundings.clock.now()
        which = [State(state) for state in states] or _RETRIED
        return run.chosen(
            wanted(which, reasons=reasons, prefix=prefix, since=since, until=until, now=now)
        )


class _Run:
    """One run of the command."""

    def __init__(
        self,
        *,
        stack: Stack,
        surroundings: Surroundings,
        cents: Decimal | None,
        transport: Transport | None,
        bypass_cache: bool,
        dry_run: bool,
        yes: bool,
        as_json: bool,
    ) -> None:
        self._stack = stack
        self._surroundings = surroundings
        self._price = price_of(surroundings, cents)
        self._transport = transport
        self._bypass_cache = bypass_cache
        self._dry_run = dry_run
        self._yes = yes
        self._as_json = as_json

    def named(self, keys: Sequence[str]) -> int:
        """Retry the newest uploads of these keys; none, if one of them is not to be retried."""
        jobs = [self._of(key) for key in dict.fromkeys(keys)]
        if len(jobs) > 1 and not self._yes and not self._dry_run:
            return self._not_told_to(self._plan_of(len(jobs)))
        done: list[Job] = []
        moved: list[Problem] = []
        try:
            for job in jobs:
                try:
                    done.append(job if self._dry_run else self._retried(job))
                except Problem as late:
                    moved.append(late)
        finally:  # What was retried is printed, also if this is interrupted.
            self._tell_done(done)
        for problem in moved:
            problem.show()
        if self._dry_run:
            talk().print(f"Nothing was done: {len(jobs)} would be retried.", style="note")
        return 1 if moved else 0

    def _tell_done(self, jobs: Sequence[Job]) -> None:
        if self._as_json:
            print_json([job_as_json(job) for job in jobs])
            return
        for job in jobs:
            results().print(job_in_one_line(job, now=self._surroundings.clock.now()))

    def chosen(self, which: JobFilter) -> int:
        """Retry all jobs that are wanted."""
        with Tally(talk(), self._surroundings.clock) as tally:
            counts: Counter[str] = Counter()
            for job in self._browse(which):
                counts[f"{job.state} because of {job.reason}" if job.reason else job.state] += 1
                tally.at(f"counted {counts.total():,} photos")
            told = self._told(counts)
            if self._dry_run or not counts:
                talk().print(
                    f"Nothing was done: {counts.total():,} would be retried.", style="note"
                )
                return 0 if not self._as_json else _print(told)
            if counts.total() > 1 and not self._yes:
                return self._not_told_to(told)
            queued, lost = self._queue(which, tally)
        if self._as_json:
            print_json(told | {"queued": queued, "moved_meanwhile": lost})
        else:
            results().print(f"{counted(queued, 'photo')} queued, behind live uploads.")
        if lost:
            talk().print(f"{counted(lost, 'photo')} moved just now and were left alone.")
        return 1 if lost else 0

    def _queue(self, which: JobFilter, tally: Tally) -> tuple[int, int]:
        operate = self._stack.operate()
        queued: list[str] = []
        lost: list[str] = []

        def retried(job: Job) -> None:
            try:
                operate.retry_behind_others(
                    job, transport=self._transport, bypass_cache=self._bypass_cache
                )
            except (IllegalMoveError, JobMovedError):
                lost.append(job.id)
            else:
                queued.append(job.id)

        try:
            with closing(bounded_map(retried, self._browse(which), at_once=_AT_ONCE)) as steps:
                for _ in steps:
                    tally.at(f"queued {len(queued):,} photos")
        except BaseException:  # Those that were under way are done by now.
            talk().print(f"Broke off: {len(queued):,} are queued. Run it again for the others.")
            raise
        finally:
            operate.enqueue_waiting()
        return len(queued), len(lost)

    def _browse(self, which: JobFilter) -> Any:  # noqa: ANN401 - an iterator of jobs
        return ListJobs(records=self._stack.records(), at_once=_AT_ONCE).jobs(which)

    def _told(self, counts: Counter[str]) -> dict[str, Any]:
        """Say what is meant and what it costs; what programs are told of it in the end."""
        plan = estimate(self._stack, self._surroundings, counts.total())
        if not self._as_json:
            for name, count in counts.most_common():
                results().print(f"{count:>7,} {name}")
            if counts:
                print_lines(results(), plan_in_words(plan, self._price))
        return {"counts": dict(counts), **plan_as_json(plan, self._price), "queued": 0}

    def _plan_of(self, photos: int) -> dict[str, Any]:
        plan = estimate(self._stack, self._surroundings, photos)
        told = f"{counted(photos, 'photo')}: {plan_in_words(plan, self._price)}"
        print_lines(talk(), told)
        return {**plan_as_json(plan, self._price), "queued": 0}

    def _not_told_to(self, told: dict[str, Any]) -> int:
        if self._as_json:
            print_json(told)
        talk().print("Nothing was done; `--yes` does it.")
        return 1

    def _of(self, key: str) -> Job:
        job = self._stack.newest(key)
        if job is None:
            where = self._stack.where
            raise Problem(f"Nothing is known of {key} on {where}.", advice="See `cutout ls`.")
        if job.state not in _RETRIED and not self._dry_run:
            raise _not_retried(job)
        return job

    def _retried(self, job: Job) -> Job:
        try:
            return self._stack.operate().retry(
                job, transport=self._transport, bypass_cache=self._bypass_cache
            )
        except IllegalMoveError as error:
            raise _not_retried(job) from error
        except JobMovedError as error:
            raise Problem(
                f"{job.source.key} moved just now.", advice="See `cutout where` and try again."
            ) from error


def _not_retried(job: Job) -> Problem:
    return Problem(
        f"{job.source.key} is {job.state}: only failed, rejected and reviewed photos are retried.",
    )


def _print(told: dict[str, Any]) -> int:
    print_json(told)
    return 0
