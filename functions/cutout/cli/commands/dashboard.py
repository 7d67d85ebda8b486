"""``cutout dashboard``: the deployed dashboard as a picture."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cutout.cli.options.common import json_option, stack_options
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.output.dashboard.definition import Graph, read_body
from cutout.cli.output.dashboard.svg import Picture, draw
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, results, talk

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from cutout.cli.context import Surroundings
    from cutout.cli.options.target import Choice


@click.command(
    "dashboard",
    cls=DocumentedCommand,
    exit_statuses={0: "the picture is written", 1: "it could not be had"},
    example="""
# the last two hours, for a report
cutout dashboard --out dashboard.svg --last 120
""",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("dashboard.svg"),
    show_default=True,
    metavar="FILE",
    help="Where the picture is written.",
)
@click.option(
    "--last",
    type=click.IntRange(5, 24 * 60),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="How much of the past it shows.",
)
@json_option
@stack_options
@click.pass_obj
def command(
    surroundings: Surroundings, *, out: Path, last: int, as_json: bool, choice: Choice
) -> int:
    """Draw the deployed dashboard as an SVG file.

    What it shows is read from CloudWatch: the dashboard's definition, the metrics that this names,
    and how the alarms stand. With --json, the values are printed and no file is written.
    """
    end = surroundings.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    with explained():
        picture = _picture(surroundings, choice, end, timedelta(minutes=last))
    if as_json:
        print_json(_as_json(picture))
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draw(picture), encoding="utf-8")
    results().print(str(out))
    shown = sum(len(one.values) for many in picture.points.values() for one in many)
    talk().print(f"{len(picture.points)} graphs of {shown} values.", style="note")
    return 0


def _picture(
    surroundings: Surroundings, choice: Choice, end: datetime, length: timedelta
) -> Picture:
    deployment = surroundings.examine(choice)
    described = deployment.description()
    name = described.outputs.get("DashboardName") if described else None
    if name is None:
        raise Problem(
            f"The stack {deployment.name} on {deployment.where} names no dashboard.",
            advice="`cutout doctor` says what else is missing.",
        )
    widgets = read_body(deployment.dashboard(name))
    graphs = [one for one in widgets if isinstance(one, Graph)]
    start = end - length
    wanted = [series for graph in graphs for series in graph.series]
    found = iter(deployment.values(wanted, start, end))
    return Picture(
        title=f"{deployment.name} on {deployment.where}",
        widgets=widgets,
        points={graph.title: [next(found) for _ in graph.series] for graph in graphs},
        alarms={one.name: one.state for one in deployment.alarms()},
        start=start,
        end=end,
    )


def _as_json(picture: Picture) -> dict[str, Any]:
    return {
        "start": picture.start.isoformat(),
        "end": picture.end.isoformat(),
        "alarms": dict(picture.alarms),
        "graphs": {
            title: {
                one.series.label: [[at.isoformat(), value] for at, value in one.values]
                for one in many
            }
            for title, many in picture.points.items()
        },
    }
