"""The logs of the functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.e2e.deployed import Deployed


class Logs:
    """The log groups of the stack.

    Args:
        deployed: The stack.
    """

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._client = deployed.client("logs")

    def lines(self, group: str, since: float = 0) -> Iterator[str]:
        """Return every line in the log group whose logical id begins so, since a time (epoch)."""
        name = self._deployed.resource("AWS::Logs::LogGroup", group)
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=name, startTime=int(since * 1000)
        )
        for page in pages:
            for event in page["events"]:
                yield str(event["message"])

    def groups(self) -> list[str]:
        """Return the logical ids of the log groups."""
        return self._deployed.logical_ids("AWS::Logs::LogGroup")

    def runs(self, function: str) -> int:
        """Count how often a function was started."""
        return sum(line.startswith("START ") for line in self.lines(f"{function}Logs"))

    def metric(self, function: str, name: str) -> float:
        """Add up a metric that a function wrote in the embedded metric format."""
        return sum(sum(_values(line, name)) for line in self.lines(f"{function}Logs"))

    def metric_grown(self, *functions: str, name: str, beyond: float) -> float:
        """Wait until a metric of these functions adds up to more than that, and return the sum.

        A function writes its metrics when its run ends: after the job that a test has waited for.
        """
        sums: list[float] = []

        def has_grown() -> bool:
            sums[:] = [sum(self.metric(function, name) for function in functions)]
            return sums[0] > beyond

        self._deployed.wait(has_grown, f"{name} to be more than {beyond:g}", found=lambda: sums)
        return sums[0]


def _values(line: str, name: str) -> list[float]:
    try:
        said: Any = json.loads(line)
    except ValueError:
        return []
    is_metrics = isinstance(said, dict) and "_aws" in said
    return list(said.get(name, ())) if is_metrics else []
