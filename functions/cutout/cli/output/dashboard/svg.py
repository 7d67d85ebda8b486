"""Drawing a dashboard as one SVG file, readable on light and dark pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cutout.cli.output.dashboard.definition import Graph, Points
from cutout.cli.output.dashboard.plot import Frame, plot
from cutout.cli.output.file_text import html_text
from cutout.domain.dataclass import dataclass

_WIDTH = 1200
_MARGIN = 20
_GAP = 12
_HEAD = 46
_GRAPH_HEIGHT = 206
_CHIP_HEIGHT = 24
_CHIPS_A_ROW = 5
_COLUMNS = 24
_STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --panel: #f6f7f9; --edge: #dfe3e8;
  --text: #1f2328; --dim: #636c76; --grid: #e2e6ea; --fine: #1a7f37; --bad: #cf222e;
  --quiet: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --panel: #161b22; --edge: #30363d;
  --text: #e6edf3; --dim: #9198a1; --grid: #2a3038; --fine: #3fb950; --bad: #f85149;
  --quiet: #6e7681; } }
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  fill: var(--text); font-size: 11px; }
.page { fill: var(--page); } .panel { fill: var(--panel); stroke: var(--edge); }
.title { font-size: 12.5px; font-weight: 600; } .head { font-size: 18px; font-weight: 600; }
.dim { fill: var(--dim); font-size: 10.5px; } .grid { stroke: var(--grid); }
.OK { fill: var(--fine); } .ALARM { fill: var(--bad); } .INSUFFICIENT_DATA { fill: var(--quiet); }
.alarming { fill: var(--bad); font-weight: 600; }
"""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The content of the drawing.

    Attributes:
        points: the values of each series of a graph in order, by the title of the graph.
        alarms: the state of each alarm, by its title.
    """

    title: str
    graphs: Sequence[Graph]
    points: Mapping[str, Sequence[Points]]
    alarms: Mapping[str, str]
    start: datetime
    end: datetime


def draw(picture: Drawing) -> str:
    """Return the picture as an SVG document."""
    chips = _chips_height(len(picture.alarms))
    tops = sorted({one.place[1] for one in picture.graphs})
    height = _HEAD + chips + (_GRAPH_HEIGHT + _GAP) * len(tops) + _MARGIN
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    title = html_text(picture.title)
    span = f"{picture.start:%Y-%m-%d %H:%M} to {picture.end:%H:%M} UTC"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="10"/>',
        f'<text class="head" x="{_MARGIN}" y="30">{title}</text>',
        f'<text class="dim" x="{_WIDTH - _MARGIN}" y="30" text-anchor="end">{span}</text>',
        _chips(picture.alarms),
    ]
    for graph in picture.graphs:
        top = _HEAD + chips + tops.index(graph.place[1]) * (_GRAPH_HEIGHT + _GAP)
        parts.append(_graph(graph, picture, top))
    return "\n".join([*parts, "</svg>", ""])


def _chips_height(count: int) -> int:
    rows = -(-count // _CHIPS_A_ROW)
    return rows * _CHIP_HEIGHT + 16 + _GAP if count else 0


def _chips(alarms: Mapping[str, str]) -> str:
    """Return the state of each alarm; alarms in state ALARM come first."""
    if not alarms:
        return ""
    rank = {"ALARM": 0, "OK": 1}
    ordered = sorted(alarms.items(), key=lambda one: (rank.get(one[1], 2), one[0]))
    width = (_WIDTH - 2 * _MARGIN - 16) / _CHIPS_A_ROW
    height = _chips_height(len(alarms)) - _GAP
    size = f'width="{_WIDTH - 2 * _MARGIN}" height="{height}"'
    parts = [f'<rect class="panel" x="{_MARGIN}" y="{_HEAD}" {size} rx="6"/>']
    for number, (name, state) in enumerate(ordered):
        x = _MARGIN + 12 + (number % _CHIPS_A_ROW) * width
        y = _HEAD + 8 + (number // _CHIPS_A_ROW) * _CHIP_HEIGHT
        style = ' class="alarming"' if state == "ALARM" else ""
        parts.append(
            f'<circle class="{html_text(state)}" cx="{x + 5:.0f}" cy="{y + 12}" r="4.5"/>'
            f'<text{style} x="{x + 15:.0f}" y="{y + 16}">{html_text(name)}</text>'
        )
    return "".join(parts)


def _graph(graph: Graph, picture: Drawing, top: int) -> str:
    inner = _WIDTH - 2 * _MARGIN + _GAP
    left = _MARGIN + inner * graph.place[0] / _COLUMNS
    width = inner * graph.place[2] / _COLUMNS - _GAP
    start, end = picture.start, picture.end
    frame = Frame(left=left, top=top, width=width, height=_GRAPH_HEIGHT, start=start, end=end)
    return (
        f'<rect class="panel" x="{left:.0f}" y="{top}" width="{width:.0f}" '
        f'height="{_GRAPH_HEIGHT}" rx="6"/>'
        f'<text class="title" x="{left + 12:.0f}" y="{top + 20}">{html_text(graph.title)}</text>'
        + plot(frame, picture.points.get(graph.title, ()), is_stacked=graph.is_stacked)
    )
