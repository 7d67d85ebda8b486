"""`cutout dashboard`: the deployed dashboard, drawn from its metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cutout.cli.output.dashboard.definition import Graph, Points, Series, read_body
from cutout.cli.output.dashboard.plot import Frame, plot
from tests.support.cli.clock import NOON
from tests.support.cli.world import World

SVG = "{http://www.w3.org/2000/svg}"
MINUTE = timedelta(minutes=1)


def _widget(title: str, *metrics: list[Any], x: int = 0, **options: object) -> dict[str, Any]:
    properties = {"title": title, "view": "timeSeries", "metrics": list(metrics), **options}
    return {"type": "metric", "x": x, "y": 6, "width": 8, "height": 6, "properties": properties}


def _metric(name: str, **options: object) -> list[Any]:
    return ["Cutout", name, "service", "cutout", "stack", "Cutout", options]


def _body(*widgets: dict[str, Any]) -> str:
    alarms = {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": 24,
        "height": 3,
        "properties": {"title": "Alarms", "alarms": ["arn:one"]},
    }
    return json.dumps({"widgets": [alarms, *widgets]})


OUTCOMES = _widget(
    "Outcomes <all> & more",
    _metric("JobsCompleted", label="completed", stat="Sum", period=60, color="#2ca02c"),
    _metric("JobsFailed", label="failed", stat="Sum", period=60),
    stacked=True,
)
TIMES = _widget("Times", _metric("SecondsQueued", stat="p90", period=60), x=8)


def _stored(series: Series) -> Sequence[tuple[datetime, float]]:
    values = {"JobsCompleted": 4.0, "JobsFailed": 2.0, "SecondsQueued": 30.0}
    return [(NOON - n * MINUTE, values[series.metric]) for n in (3, 2, 1)]


@pytest.fixture
def world(world: World) -> World:
    """A deployment with a dashboard and values."""
    world.stack.resources.body = _body(OUTCOMES, TIMES)
    world.stack.resources.stored = _stored
    return world


def test_the_definition_is_read_like_cloudwatch_reads_it() -> None:
    """Missing statistics and periods have CloudWatch's defaults."""
    [graph] = read_body(_body(_widget("T", ["AWS/SQS", "Age", "QueueName", "q"])))
    assert graph == Graph(
        title="T",
        place=(0, 6, 8, 6),
        is_stacked=False,
        series=[
            Series(
                namespace="AWS/SQS",
                metric="Age",
                dimensions=(("QueueName", "q"),),
                statistic="Average",
                period=300,
                label="Age",
                color="",
            )
        ],
    )


def test_the_picture_is_complete_and_self_contained(world: World) -> None:
    """Well-formed, with light and dark colours, and no external resources."""
    told = world.run("dashboard", "--out", "made/d.svg")
    assert (told.exit_code, told.stdout) == (0, "made/d.svg\n")
    text = (world.folder / "made" / "d.svg").read_text()
    root = ET.fromstring(text)  # noqa: S314 - our own
    titles = [one.text for one in root.iter(f"{SVG}text")]
    assert {"Outcomes <all> & more", "Times", "completed", "failed"} <= set(titles)
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"(?:href|src|url)\s*[=(]", text) == []


def test_alarms_come_first_beginning_with_those_in_alarm(world: World) -> None:
    """By their names, each with its state."""
    [fine] = world.stack.resources.all_alarms
    off = replace(fine, name="TroubleDepth", state="ALARM")
    quiet = replace(fine, name="Another", state="INSUFFICIENT_DATA")
    world.stack.resources.all_alarms = [fine, quiet, off]
    world.run("dashboard", "--out", "d.svg")
    root = ET.parse(world.folder / "d.svg").getroot()  # noqa: S314 - our own
    dots = [one.get("class") for one in root.iter(f"{SVG}circle") if one.get("class")]
    assert dots == ["ALARM", "OK", "INSUFFICIENT_DATA"]
    assert [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "alarming"] == [
        "TroubleDepth"
    ]


def test_json_has_the_values(world: World) -> None:
    """No file is written."""
    told = json.loads(world.run("dashboard", "--json", "--last", "30").stdout)
    assert told["graphs"]["Times"]["SecondsQueued"] == [
        ["2026-11-22T11:57:00+00:00", 30.0],
        ["2026-11-22T11:58:00+00:00", 30.0],
        ["2026-11-22T11:59:00+00:00", 30.0],
    ]
    assert (told["start"], told["end"]) == (
        "2026-11-22T11:31:00+00:00",
        "2026-11-22T12:01:00+00:00",
    )
    assert not (world.folder / "dashboard.svg").exists()


def test_a_stack_without_a_dashboard_is_an_error(world: World) -> None:
    """With a hint at other causes."""
    world.stack.resources.described = None
    told = world.run("dashboard")
    assert (told.exit_code, "has no dashboard" in told.stderr) == (1, True)


FRAME = Frame(left=0, top=0, width=400, height=200, start=NOON, end=NOON + 10 * MINUTE)


def _points(*values: tuple[int, float], label: str = "a", period: int = 60) -> Points:
    series = Series(
        namespace="N",
        metric="M",
        dimensions=(),
        statistic="Sum",
        period=period,
        label=label,
        color="#123456",
    )
    return Points(series=series, values=[(NOON + n * MINUTE, value) for n, value in values])


def test_bars_are_stacked() -> None:
    """The second starts where the first ends, and the axis fits both."""
    drawn = plot(FRAME, [_points((1, 2.0)), _points((1, 1.0), label="b")], is_stacked=True)
    bars = [
        (float(y), float(height))
        for y, height in re.findall(r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)
    ]
    first, second = bars[-2:]
    assert first[0] == pytest.approx(second[0] + second[1], abs=0.2)
    assert first[1] == pytest.approx(2 * second[1], abs=0.2)
    assert second[0] == pytest.approx(FRAME.ceiling, abs=0.2)


def test_a_line_is_interrupted_where_values_are_missing() -> None:
    """After three periods without a value a new line starts; a single value is a dot."""
    drawn = plot(FRAME, [_points((0, 1.0), (1, 2.0), (2, 1.0), (9, 3.0))], is_stacked=False)
    [line] = re.findall(r'polyline points="([^"]+)"', drawn)
    assert (len(line.split()), drawn.count("<circle")) == (3, 1)


@pytest.mark.parametrize(("values", "said"), [((), "no data"), (((1, 0.0),), "zero throughout")])
def test_an_empty_graph_shows_whether_anything_was_measured(
    values: tuple[tuple[int, float], ...], said: str
) -> None:
    """No data and zero are different."""
    assert said in plot(FRAME, [_points(*values)], is_stacked=False)


@pytest.mark.parametrize(
    ("highest", "top"), [(0.3, "0.3"), (1, "1"), (4, "5"), (17, "20"), (70_000, "100k")]
)
def test_the_axis_ends_at_a_round_number(highest: float, top: str) -> None:
    """It is easy to divide."""
    drawn = plot(FRAME, [_points((1, highest))], is_stacked=False)
    labels = re.findall(r'text-anchor="end">([^<]+)</text>', drawn)
    assert top in labels


def test_values_outside_the_period_are_not_drawn() -> None:
    """CloudWatch may return a period that starts before."""
    drawn = plot(FRAME, [_points((-5, 100.0), (1, 1.0), (30, 100.0))], is_stacked=True)
    assert "100" not in re.findall(r'text-anchor="end">([^<]+)</text>', drawn)
