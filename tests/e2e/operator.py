"""The command line against the deployed stack, as an operator types it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from click.testing import CliRunner

from cutout.cli.aws.deployed_stack import connect
from cutout.cli.aws.target import Target
from cutout.cli.context import Context
from cutout.cli.entry import cutout
from cutout.cli.progress.clock import Clock
from tests.e2e.deployed import Deployed


class LaterClock(Clock):
    """A clock that is an hour ahead, so that uploads of just now are an hour old."""

    def now(self) -> datetime:
        """Return the time in an hour."""
        return super().now() + timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A command's JSON and exit status."""

    status: int
    data: Any


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Runs commands."""

    deployed: Deployed

    def run(self, *arguments: str) -> Told:
        """Run a command, an hour from now."""
        target = Target(stack=self.deployed.stack, variables=self.deployed.cloud.variables)
        context = replace(
            Context.of_this_process({}, self.deployed.place.state),
            clock=LaterClock(),
            connect=lambda _choice, **_options: connect(target, LaterClock()),
        )
        told = CliRunner().invoke(cutout, [*arguments, "--json"], obj=context)
        assert told.exception is None or isinstance(told.exception, SystemExit), told.stderr
        return Told(status=told.exit_code, data=json.loads(told.stdout))
