"""The definition of a CloudWatch dashboard, as far as Cutout's uses it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cutout.domain.dataclass import dataclass

_PERIOD_SECONDS = 300
_STATISTIC = "Average"


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric that a graph shows.

    Attributes:
        statistic: `Sum`, `Maximum`, `p90` and so on.
        period: seconds.
        color: as in CSS; empty if the definition names none.
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int
    label: str = ""
    color: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph; its place is column, row, width and height in a grid of 24 columns."""

    title: str
    place: tuple[int, int, int, int]
    is_stacked: bool
    series: Sequence[Series]


@dataclass(frozen=True, kw_only=True)
class Points:
    """A metric's values, oldest first."""

    series: Series
    values: Sequence[tuple[datetime, float]]


def read_body(text: str) -> list[Graph]:
    """Return the graphs, in their order."""
    return [
        Graph(
            title=widget["properties"].get("title", ""),
            place=(widget["x"], widget["y"], widget["width"], widget["height"]),
            is_stacked=bool(widget["properties"].get("stacked")),
            series=[_series(one) for one in widget["properties"].get("metrics", ())],
        )
        for widget in json.loads(text)["widgets"]
        if widget["type"] == "metric"
    ]


def _series(row: Sequence[Any]) -> Series:
    options = row[-1] if isinstance(row[-1], dict) else {}
    names = [one for one in row if isinstance(one, str)]
    namespace, metric, *dimensions = names
    return Series(
        namespace=namespace,
        metric=metric,
        dimensions=tuple(zip(dimensions[::2], dimensions[1::2], strict=True)),
        statistic=options.get("stat", _STATISTIC),
        period=int(options.get("period", _PERIOD_SECONDS)),
        label=options.get("label", metric),
        color=options.get("color", ""),
    )
