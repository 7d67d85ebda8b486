"""The console of rich as every command uses it."""

import os
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

from cutout.domain.sanitize import plain

_THEME = Theme({"progress.elapsed": "bright_black", "note": "bright_black"})


class PlainConsole(Console):
    """Prints strings as they are, except for characters that control a terminal."""

    def __init__(self, file: TextIO, width: int | None) -> None:
        usual = Console(file=file)  # reads NO_COLOR, FORCE_COLOR and TERM
        super().__init__(
            file=file,
            width=width,
            # FORCE_COLOR brings colours into files and pipes, but no animations.
            color_system=usual.color_system,  # type: ignore[arg-type] # one of rich's names
            no_color=usual.no_color,
            theme=_THEME,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal, on which lines can be replaced."""
        return self.file.isatty()

    def on_broken_pipe(self) -> None:
        """Drop all further output: the exit status still says what the command did."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own
        """Return the text of a string on one line, as line breaks in it may be untrusted."""
        return super().render_str(plain(text), **options)
