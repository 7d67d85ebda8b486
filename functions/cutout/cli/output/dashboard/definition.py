"""A CloudWatch dashboard's definition, as far as ours use it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_PERIOD_SECONDS = 300
_STATISTIC = "Average"


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric that a graph shows.

    Attributes:
        statistic: `Sum`, `Maximum`, `p90` and so on.
        period: seconds.
        color: as CSS has it; empty if the definition leaves it open.
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int
    label: str
    color: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph, and its place in columns of 24 and rows."""

    title: str
    place: tuple[int, int, int, int]
    is_stacked: bool
    series: Sequence[Series]


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """A widget that shows how alarms stand."""

    title: str
    place: tuple[int, int, int, int]
    arns: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Points:
    """A metric's values, oldest first."""

    series: Series
    values: Sequence[tuple[datetime, float]]


def read_body(text: str) -> list[Graph | Alarms]:
    """Return the widgets that can be drawn, in their order."""
    found: list[Graph | Alarms] = []
    for widget in json.loads(text)["widgets"]:
        place = (widget["x"], widget["y"], widget["width"], widget["height"])
        told = widget["properties"]
        if widget["type"] == "alarm":
            found.append(Alarms(title=told.get("title", ""), place=place, arns=told["alarms"]))
        elif widget["type"] == "metric":
            found.append(
                Graph(
                    title=told.get("title", ""),
                    place=place,
                    is_stacked=bool(told.get("stacked")),
                    series=[_series(one) for one in told.get("metrics", ())],
                )
            )
    return found


def _series(told: Sequence[Any]) -> Series:
    options = told[-1] if isinstance(told[-1], dict) else {}
    names = [one for one in told if isinstance(one, str)]
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
