"""`cutout render`: make variants again from existing cut-outs."""

from collections.abc import Sequence
from dataclasses import replace

import click

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.options.job_filters import prefix_option
from cutout.cli.options.shared_options import timeout_option
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import plain_table, print_json, remark, stdout
from cutout.cli.output.units import counted
from cutout.cli.photo_names import newest_job
from cutout.cli.stack_command import stack_command
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.serialization import json_fields
from cutout.domain.states import State
from cutout.operator.list_jobs import JobFilter, ListJobs

_PAUSE_SECONDS = 0.5
_FACTS = ("recipe", "key", "width", "height", "size", "problem")


@stack_command(
    "render",
    {0: "every variant is made", 1: "one is not; the table says why"},
    """
$ cutout render shoes/a.jpg --recipe market
photo        recipe  size       result
shoes/a.jpg  market  2000x2000  shoes/a.market.jpg
""",
)
@click.argument("key", required=False)
@prefix_option("All completed photos whose keys have this prefix.")
@click.option(
    "--recipe", "names", multiple=True, required=True, help="Name of a recipe (repeatable)."
)
@timeout_option("Stop waiting after this time; the variants are still made.", default=600.0)
@click.option("--dry-run", is_flag=True, help="Print what would be made, and stop.")
def command(
    stack: Stack,
    *,
    key: str | None,
    prefix: str | None,
    names: tuple[str, ...],
    timeout: float,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make variants again from existing cut-outs, free of charge.

    Use it after a change to recipes.toml, or if a variant could not be made. The deployed recipes
    are used.
    """
    if (key is None) == (prefix is None):
        raise click.UsageError("Name a KEY or a --prefix.")
    _check_recipes(stack, names)
    wanted = JobFilter(states=(State.COMPLETED,), prefix=prefix or "")
    browse = ListJobs(records=stack.index)
    jobs = list(browse.jobs(wanted)) if key is None else [_job(stack, key)]
    if dry_run:
        return _print_preview(jobs, names, as_json=as_json)
    made = _rendered(stack, jobs, names, timeout)
    _print(made, as_json=as_json)
    return 0 if all(one.problem is None for _, one in made) else 1


def _check_recipes(stack: Stack, names: Sequence[str]) -> None:
    known = stack.outputs.recipes
    for name in names:
        if name not in known:
            advice = (
                f"Its recipes are {', '.join(known)}."
                if known
                else "It has none: deploy with `-c recipes=FILE`."
            )
            raise Problem(f"The stack on {stack.where} has no recipe {name}.", advice=advice)


def _job(stack: Stack, key: str) -> Job:
    job = newest_job(stack, key)
    if job.state is not State.COMPLETED:
        raise Problem(f"{key} is {job.state}: variants are made from completed photos.")
    return job


_Made = list[tuple[Job, Variant]]


def _rendered(stack: Stack, jobs: Sequence[Job], names: tuple[str, ...], timeout: float) -> _Made:
    """Request all variants, and wait until each job stores new ones or the time is up."""
    stack.ports.renders.render([RenderRequest(job_id=job.id, recipes=names) for job in jobs])
    # A variant that is made again has another time, even if its bytes are the same.
    before = {(job.id, one.recipe): one for job in jobs for one in job.variants}
    missing = {(job.id, name) for job in jobs for name in names}
    found: dict[tuple[str, str], Variant] = {}
    deadline = stack.clock.monotonic() + timeout
    while missing:
        for job in stack.index.find_all(sorted({job_id for job_id, _ in missing})):
            for one in job.variants:
                name = (job.id, one.recipe)
                if name in missing and one != before.get(name):
                    missing.remove(name)
                    found[name] = one
        if not missing or stack.clock.monotonic() >= deadline:
            break
        stack.clock.sleep(_PAUSE_SECONDS)
    late = Variant(recipe="", format="", made_at=stack.clock.now(), problem="not made yet")
    return [
        (job, found.get((job.id, name), replace(late, recipe=name)))
        for job in jobs
        for name in names
    ]


def _print_preview(jobs: Sequence[Job], names: Sequence[str], *, as_json: bool) -> int:
    preview = [{"photo": job.source.key, "job": job.id, "recipes": list(names)} for job in jobs]
    if as_json:
        print_json(preview)
    else:
        for job in jobs:
            stdout().print(f"{job.source.key}: {', '.join(names)}")
    remark(f"Dry run: {counted(len(jobs), 'photo')}; nothing was made.")
    return 0


def _print(made: _Made, *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"photo": job.source.key, "job": job.id, **json_fields(one, *_FACTS)}
                for job, one in made
            ]
        )
        return
    columns = ("photo", "recipe", "size", "result")
    table = plain_table(*columns, fold=columns)
    for job, one in made:
        size = f"{one.width}x{one.height}" if one.key else ""
        table.add_row(job.source.key, one.recipe, size, one.key or one.problem or "")
    stdout().print(table)
