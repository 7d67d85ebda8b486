"""The two streams of a command: results on standard output, talk on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.theme import Theme

_WIDE = 10_000
_THEME = Theme({"progress.elapsed": "bright_black", "note": "bright_black"})


def results() -> Console:
    """Return where results go; names of files and keys are printed as they are.

    What is not a terminal is never too narrow: programs read lines.
    """
    width = None if sys.stdout.isatty() else _WIDE
    return Console(theme=_THEME, file=sys.stdout, highlight=False, markup=False, width=width)


def talk() -> Console:
    """Return where progress and remarks go."""
    return Console(theme=_THEME, stderr=True, highlight=False, markup=False)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Print a value as JSON, readable and in plain characters of its own language."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
