"""One graph: axes, a legend, and lines or stacked bars."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cutout.cli.output.dashboard.definition import Points
from cutout.cli.output.file_text import html_text
from cutout.domain.dataclass import dataclass

_COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#17a2b8", "#e377c2", "#8c8c8c")
_LEGEND_CHARACTER = 5.6
_LEGEND_LINES = 2
# By the first digit of the end of the axis, so that every grid line is at a round number.
_TICKS = {1: 2, 2: 2, 3: 3, 5: 5}
_GAP_PERIODS = 3  # a line is interrupted where values are missing for longer than this


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The area of a graph, and the time that it shows."""

    left: float
    top: float
    width: float
    height: float
    start: datetime
    end: datetime

    @property
    def floor(self) -> float:
        """The y of 0."""
        return self.top + self.height - 26

    @property
    def ceiling(self) -> float:
        """The y of the end of the axis."""
        return self.top + 64

    def x(self, at: datetime) -> float:
        """The x of a time."""
        part = (at - self.start) / (self.end - self.start)
        return self.left + 46 + part * (self.width - 60)

    def y(self, value: float, most: float) -> float:
        """The y of a value on an axis that ends at `most`."""
        return self.floor - (self.floor - self.ceiling) * value / most


def plot(frame: Frame, points: Sequence[Points], *, is_stacked: bool) -> str:
    """Return the SVG elements of a graph."""
    colors = [it.series.color or _COLORS[n % len(_COLORS)] for n, it in enumerate(points)]
    start, end = frame.start, frame.end
    shown = [
        replace(one, values=[point for point in one.values if start <= point[0] < end])
        for one in points
    ]
    most = _nice(_highest(shown, is_stacked=is_stacked))
    parts = [*_axes(frame, most), *_legend(frame, shown, colors)]
    if not any(value for one in shown for _, value in one.values):
        parts.append(_nothing(frame, has_values=any(one.values for one in shown)))
    elif is_stacked:
        parts += _bars(frame, shown, colors, most)
    else:
        for one, color in zip(shown, colors, strict=True):
            parts += _line(frame, one, color, most)
    return "".join(parts)


def _highest(points: Sequence[Points], *, is_stacked: bool) -> float:
    if not is_stacked:
        return max((value for one in points for _, value in one.values), default=0)
    sums: dict[datetime, float] = defaultdict(float)
    for one in points:
        for at, value in one.values:
            sums[at] += value
    return max(sums.values(), default=0)


def _nice(highest: float) -> float:
    """Return the end of an axis: 1, 2, 3, 5 or 10 times a power of ten."""
    if highest <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(highest))
    # The factor is for rounding: powers of ten below 1 are not exact.
    return next(step * power for step in (1, 2, 3, 5, 10) if highest <= step * power * 1.0001)


def _axes(frame: Frame, most: float) -> Iterator[str]:
    right = frame.left + frame.width - 14
    ticks = _TICKS[int(f"{most:e}"[0])]
    for tick in range(ticks + 1):
        value = most * tick / ticks
        y = frame.y(value, most)
        yield (
            f'<line class="grid" x1="{frame.left + 46:.1f}" x2="{right:.1f}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="dim" x="{frame.left + 40:.1f}" y="{y + 3.5:.1f}" '
            f'text-anchor="end">{_short(value)}</text>'
        )
    span = frame.end - frame.start
    for part, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        at = frame.start + span * part
        yield (
            f'<text class="dim" x="{frame.x(at):.1f}" y="{frame.floor + 16:.1f}" '
            f'text-anchor="{anchor}">{at:%H:%M}</text>'
        )


def _legend(frame: Frame, points: Sequence[Points], colors: Sequence[str]) -> Iterator[str]:
    """Yield the names of the series on two lines; names that do not fit are left out."""
    x, line = frame.left + 12, 0
    for one, color in zip(points, colors, strict=True):
        label = one.series.label
        width = 16 + _LEGEND_CHARACTER * len(label)
        if x + width > frame.left + frame.width - 8:
            x, line = frame.left + 12, line + 1
        if line == _LEGEND_LINES:
            return
        y = frame.top + 31 + 14 * line
        yield f'<rect x="{x:.1f}" y="{y}" width="9" height="9" rx="2" fill="{color}"/>'
        yield f'<text class="dim" x="{x + 13:.1f}" y="{y + 8}">{html_text(label)}</text>'
        x += width + 6


def _line(frame: Frame, points: Points, color: str, most: float) -> Iterator[str]:
    longest = timedelta(seconds=points.series.period * _GAP_PERIODS)
    run: list[tuple[datetime, float]] = []
    # The last point is no value: it comes after the longest gap, so that the last run is drawn.
    for at, value in [*points.values, (datetime.max.replace(tzinfo=frame.end.tzinfo), 0.0)]:
        if run and at - run[-1][0] > longest:
            yield _stroke(frame, run, color, most)
            run = []
        run.append((at, value))


def _stroke(frame: Frame, run: Sequence[tuple[datetime, float]], color: str, most: float) -> str:
    spots = [(frame.x(at), frame.y(value, most)) for at, value in run]
    if len(spots) == 1:
        return f'<circle cx="{spots[0][0]:.1f}" cy="{spots[0][1]:.1f}" r="2.5" fill="{color}"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8" '
        'stroke-linejoin="round"/>'
    )


def _bars(
    frame: Frame, points: Sequence[Points], colors: Sequence[str], most: float
) -> Iterator[str]:
    heights: dict[datetime, float] = defaultdict(float)
    for one, color in zip(points, colors, strict=True):
        wide = frame.x(frame.start + timedelta(seconds=one.series.period)) - frame.x(frame.start)
        for at, value in one.values:
            if not value:
                continue
            below, heights[at] = heights[at], heights[at] + value
            top, bottom = frame.y(heights[at], most), frame.y(below, most)
            yield (
                # At least one pixel wide: a narrower bar may not be drawn.
                f'<rect x="{frame.x(at):.1f}" y="{top:.1f}" width="{max(1.0, wide - 1):.1f}" '
                f'height="{bottom - top:.1f}" fill="{color}"/>'
            )


def _nothing(frame: Frame, *, has_values: bool) -> str:
    middle = (frame.floor + frame.ceiling) / 2
    text = "zero throughout" if has_values else "no data"
    return (
        f'<text class="dim" x="{frame.left + frame.width / 2:.1f}" y="{middle:.1f}" '
        f'text-anchor="middle">{text}</text>'
    )


def _short(value: float) -> str:
    if value >= 10_000:  # noqa: PLR2004 - five digits
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"  # noqa: PLR2004
