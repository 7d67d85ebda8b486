"""The plot of the README's performance section: bars, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

_SHOWN: Final = {
    "ready CPU": "CPU time until the handler is ready, times the floor",
    "ready memory": "Peak memory then, times the floor",
}
_WIDTH: Final = 840
_NAMES: Final = 120
_ROW: Final = 22
_BAR: Final = 14
_HEAD: Final = 34
_STYLE: Final = """
:root { color-scheme: light dark; --page: #ffffff; --text: #1f2328; --ours: #1f77b4;
  --other: #b6bec8; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --text: #e6edf3; --ours: #58a6ff;
  --other: #57606a; } }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  fill: var(--text); }
.head { font-weight: 600; } .page { fill: var(--page); } .ours { fill: var(--ours); }
.other { fill: var(--other); }
"""


def drawn(ratios: Mapping[str, Mapping[str, float]], compared: tuple[str, ...]) -> str:
    """Return an SVG document; bars of the `compared` handlers are grey."""
    height = _HEAD + _ROW * len(ratios) + 10
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Cold starts">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
    ]
    for number, (name, title) in enumerate(_SHOWN.items()):
        left = number * _WIDTH // len(_SHOWN)
        values = {who: figures[name] for who, figures in ratios.items()}
        parts.append(f'<text class="head" x="{left + 14}" y="20">{title}</text>')
        parts += _bars(values, left, compared)
    return "\n".join([*parts, "</svg>", ""])


def _bars(values: Mapping[str, float], left: int, compared: tuple[str, ...]) -> Iterator[str]:
    start = left + _NAMES
    scale = (_WIDTH // len(_SHOWN) - _NAMES - 50) / max(values.values())
    for row, (who, value) in enumerate(values.items()):
        top = _HEAD + row * _ROW
        width = value * scale
        kind = "other" if who in compared else "ours"
        yield f'<text x="{start - 8}" y="{top + 12}" text-anchor="end">{who}</text>'
        yield (
            f'<rect class="{kind}" x="{start}" y="{top}" width="{width:.0f}" '
            f'height="{_BAR}" rx="2"/>'
        )
        yield f'<text x="{start + width + 6:.0f}" y="{top + 12}">{value:.1f}</text>'
