"""What an alarm is: its metric and threshold, and the whole text of its mail."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

RUNBOOKS: Final = "infra/RUNBOOK.md"
"""The page that alarms link to where no `runbook_url` is set."""


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """One alarm, which goes off above a value of its metric.

    `name` is its construct's id, `runbook` the heading of its section in the runbook. `do` is the
    whole command, in which `{stack}` is the stack's name. Of the periods, `datapoints` must be
    above it; None means all. An alarm of silence goes off when there are no data, instead.
    """

    name: str
    runbook: str
    happened: str
    at_stake: str
    do: str
    metric: cloudwatch.IMetric
    above: float = 0
    periods: int = 1
    datapoints: int | None = None
    is_silence: bool = False

    def description(self, *, stack: str, runbooks: str) -> str:
        """Return the text of the mail; `runbooks` is the address of the runbook."""
        anchor = self.runbook.lower().replace(" ", "-").replace(",", "")
        do = self.do.replace("{stack}", stack)
        what = f"{self.happened} At stake: {self.at_stake} Do: {do}"
        return f"{what} Runbook: {runbooks}#{anchor}"
