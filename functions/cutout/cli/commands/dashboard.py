"""`cutout dashboard`: the deployed dashboard as a picture."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import json_option, stack_options
from cutout.cli.output.dashboard.definition import Graph, read_body
from cutout.cli.output.dashboard.svg import Picture, draw
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.terminal import print_json, stderr, stdout

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from cutout.cli.context import Context
    from cutout.cli.options.shared_options import Choice


@click.command(
    "dashboard",
    cls=DocumentedCommand,
    exit_statuses={0: "the picture is written", 1: "an error"},
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
    help="The file for the picture.",
)
@click.option(
    "--last",
    type=click.IntRange(5, 24 * 60),
    default=60,
    show_default=True,
    metavar="MINUTES",
    help="The length of the time that it shows.",
)
@json_option
@stack_options
@click.pass_obj
def command(context: Context, *, out: Path, last: int, as_json: bool, choice: Choice) -> int:
    """Draw the deployed dashboard as an SVG file.

    The definition of the dashboard, its metrics and the states of the alarms are read from
    CloudWatch. A stack has a dashboard if it is deployed with `-c monitoring=full`. With --json,
    the values are printed and no file is written.
    """
    end = context.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    with explained():
        picture = _picture(context, choice, end, timedelta(minutes=last))
    if as_json:
        print_json(_as_json(picture))
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draw(picture), encoding="utf-8")
    stdout().print(str(out))
    shown = sum(len(one.values) for many in picture.points.values() for one in many)
    stderr().print(f"{len(picture.points)} graphs of {shown} values.", style="note")
    return 0


def _picture(context: Context, choice: Choice, end: datetime, length: timedelta) -> Picture:
    resources = context.connect(choice, is_impatient=True).resources
    described = resources.description()
    name = described.outputs.get("DashboardName") if described else None
    if name is None:
        raise Problem(
            f"The stack {resources.name} on {resources.where} has no dashboard.",
            advice="Deploy it with `-c monitoring=full`; `cutout watch` shows the jobs without it.",
        )
    widgets = read_body(resources.dashboard(name))
    graphs = [one for one in widgets if isinstance(one, Graph)]
    start = end - length
    wanted = [series for graph in graphs for series in graph.series]
    found = iter(resources.metric_values(wanted, start, end))
    return Picture(
        title=f"{resources.name} on {resources.where}",
        widgets=widgets,
        points={graph.title: [next(found) for _ in graph.series] for graph in graphs},
        alarms={one.name: one.state for one in resources.alarms()},
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
