"""Consoles whose output a test reads."""

from __future__ import annotations

import io
import re

from rich.console import Console


def console_of(*, is_terminal: bool, width: int = 100) -> Console:
    """Return what `stderr` returns, with another file behind it."""
    return Console(
        file=io.StringIO(),
        force_terminal=is_terminal,
        width=width,
        color_system=None,
        highlight=False,
        markup=False,
    )


def shown_on(console: Console) -> str:
    """Return what was written, without the codes that control a terminal."""
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", console.file.getvalue())
