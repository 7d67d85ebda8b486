"""The world of the command line: a clock, a stack, a local cloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from cutout.cli.context import Context
from cutout.cli.entry import cutout
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem
from tests.support.cli.local_cloud import FakeLocalCloud
from tests.support.cli.stack import FakeStack


@dataclass
class World:
    """Runs commands in this world."""

    folder: Path
    stack: FakeStack = field(default_factory=FakeStack)
    local: FakeLocalCloud = field(default_factory=FakeLocalCloud)
    environment: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    refuses: Problem | None = None

    def run(self, *arguments: str | Path, typed: str | None = None) -> Result:
        """Run a command as a person would, and return its result."""
        words = [str(argument) for argument in arguments]
        context = self.context(is_terminal=typed is not None)
        return CliRunner().invoke(cutout, words, obj=context, input=typed)

    def context(self, *, is_terminal: bool = False) -> Context:
        """What commands see of the world."""
        return Context(
            settings=CliSettings.from_environment(self.environment),
            folder=self.folder,
            clock=self.stack.clock,
            connect=self._connect,
            local=self.local,
            is_terminal=is_terminal,
        )

    def photo(self, name: str, content: bytes = b"a photo") -> Path:
        """Make a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def _connect(self, choice: Choice) -> FakeStack:
        self.choices.append(choice)
        if self.refuses is not None:
            raise self.refuses
        return self.stack
