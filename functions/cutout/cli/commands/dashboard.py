"""`cutout dashboard`: the deployed dashboard as a picture."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.aws.stack_resources import StackResources
from cutout.cli.output.dashboard.definition import read_body
from cutout.cli.output.dashboard.svg import Drawing, draw
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import print_json, remark, stdout
from cutout.cli.stack_command import stack_command


@stack_command(
    "dashboard",
    {0: "the picture is written", 1: "an error"},
    """
# the last two hours, for a report
cutout dashboard --out dashboard.svg --last 120
""",
    is_impatient=True,
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
def command(stack: Stack, *, out: Path, last: int, as_json: bool) -> None:
    """Draw the deployed dashboard as an SVG file.

    The definition of the dashboard, its metrics and the states of the alarms are read from
    CloudWatch. A stack has a dashboard if it is deployed with `-c monitoring=full`. With --json,
    the values are printed and no file is written.
    """
    end = stack.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    picture = _picture(stack.resources, end, timedelta(minutes=last))
    if as_json:
        print_json(_as_json(picture))
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draw(picture), encoding="utf-8")
    stdout().print(str(out))
    shown = sum(len(one.values) for many in picture.points.values() for one in many)
    remark(f"{len(picture.points)} graphs of {shown} values.")


def _picture(resources: StackResources, end: datetime, length: timedelta) -> Drawing:
    name = resources.outputs().get("DashboardName")
    if name is None:
        raise Problem(
            f"The stack {resources.name} on {resources.where} has no dashboard.",
            advice="Deploy it with `-c monitoring=full`; `cutout watch` shows the jobs without it.",
        )
    graphs = read_body(resources.dashboard(name))
    start = end - length
    wanted = [series for graph in graphs for series in graph.series]
    found = iter(resources.metric_values(wanted, start, end))
    return Drawing(
        title=f"{resources.name} on {resources.where}",
        graphs=graphs,
        points={graph.title: [next(found) for _ in graph.series] for graph in graphs},
        alarms={one.name: one.state for one in resources.alarms()},
        start=start,
        end=end,
    )


def _as_json(picture: Drawing) -> dict[str, Any]:
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
