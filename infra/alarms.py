"""What wakes a person, as a table: the measure, when it is too much, and what to do.

Each alarm's description ends in the section of the README that says more. Silence is good news,
except from Sweep, which is never silent while it runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from .metrics import FIVE_MINUTES, Series

RUNBOOKS: Final = "README.md"
_FEW: Final = 3
"""What happens less often in a quarter of an hour is an accident, no trend."""
_QUARTER: Final = Duration.minutes(15)


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """One alarm.

    Attributes:
        name: Its construct's id.
        runbook: The heading of its section in the README.
        says: What it means and what to do, for the mail.
        metric: What is measured.
        above: The alarm goes off above this; with `is_silence`, when less than 1 is heard.
        periods: Looked at are so many periods of the metric.
        datapoints: It goes off when so many of them are too much; None means all.
        is_silence: It goes off when nothing is heard.
    """

    name: str
    runbook: str
    says: str
    metric: cloudwatch.IMetric
    above: float = 0
    periods: int = 1
    datapoints: int | None = None
    is_silence: bool = False

    @property
    def description(self) -> str:
        """What the mail says: what it means, what to do, where to read on."""
        anchor = self.runbook.lower().replace(" ", "-").replace(",", "")
        return f"{self.says} Runbook: {RUNBOOKS}#{anchor}"


def alarm_rules(
    series: Series,
    *,
    functions: Mapping[str, lambda_.Function],
    dead_letters: Mapping[str, sqs.Queue],
    expects_callbacks: bool,
) -> Iterator[AlarmRule]:
    """List every alarm of a deployment."""
    for title, queue in dead_letters.items():
        yield _dead_letters(title, queue)
    for title, function in functions.items():
        yield from _of_function(title, function)
    yield from _of_jobs(series)
    yield from _of_money(series)
    yield from _of_pauses(series)
    if expects_callbacks:
        yield _recovered_by_poll(series)


def _dead_letters(title: str, queue: sqs.Queue) -> AlarmRule:
    return AlarmRule(
        name=f"{title}Depth",
        runbook="Dead letters",
        says=f"A message could not be handled and waits in {title}. `cutout redrive` shows what "
        "it is; mend the cause, then `cutout redrive --yes`.",
        metric=queue.metric_approximate_number_of_messages_visible(
            period=FIVE_MINUTES, statistic="Maximum"
        ),
    )


def _of_function(title: str, function: lambda_.Function) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name=f"{title}Errors",
        runbook="Function errors",
        says=f"{title} ended with an error or ran out of time. Read its log; its work comes again "
        "by itself.",
        metric=function.metric_errors(period=FIVE_MINUTES, statistic="Sum"),
    )
    yield AlarmRule(
        name=f"{title}Throttles",
        runbook="Function throttles",
        says=f"{title} was not let run: the account's concurrency or its own is used up.",
        metric=function.metric_throttles(period=FIVE_MINUTES, statistic="Sum"),
    )


def _of_jobs(series: Series) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="OldestInFlight",
        runbook="Oldest job in flight",
        says="A call was made over an hour ago and its task has no end yet. "
        "`cutout ls --state processing --state unconfirmed` names it.",
        metric=series.of("OldestInFlightSeconds", "Maximum"),
        above=3600,
    )
    yield AlarmRule(
        name="Overdue",
        runbook="Overdue jobs",
        says="A job has been due for a quarter of an hour and nobody moves it: a worker is missing "
        "or fails. `cutout doctor` says which.",
        metric=series.of("OldestDueSeconds", "Maximum"),
        above=900,
    )
    yield AlarmRule(
        name="NothingSwept",
        runbook="Nothing swept",
        says="Sweep has not come for a quarter of an hour: lost callbacks are not made up for, and "
        "waiting photos not let in. `cutout doctor` looks at its schedule.",
        metric=series.of("JobsDue", "SampleCount"),
        periods=3,
        is_silence=True,
    )
    yield AlarmRule(
        name="FailureRatio",
        runbook="Failure ratio",
        says="Twice in a quarter of an hour, over a tenth of the photos of five minutes failed or "
        "needed review. `cutout ls --state failed --state review` says why.",
        metric=series.of("FailedPercent", "Average"),
        above=10,
        periods=3,
        datapoints=2,
    )


def _recovered_by_poll(series: Series) -> AlarmRule:
    return AlarmRule(
        name="RecoveredByPoll",
        runbook="Recovered by poll",
        says=f"More than {_FEW} results of a quarter of an hour had to be asked for: callbacks do "
        "not come through. Nothing is lost, everything is slower. `cutout doctor` tries the door.",
        metric=series.of("RecoveredByPoll", "Sum", period=_QUARTER),
        above=_FEW,
    )


def _of_money(series: Series) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="Spend",
        runbook="Spend against the cap",
        says="Over 80 % of today's credit cap is used. At the cap, photos wait for the next day "
        "(UTC), or until `cutout limits --daily-credit-cap` raises it.",
        metric=series.of("DailyCapUsedPercent", "Maximum"),
        above=80,
    )
    yield AlarmRule(
        name="PossibleDoubleCharges",
        runbook="Possible double charges",
        says="A call whose outcome was unknown was repeated, and the provider did not say that it "
        "knew it: it may have been paid for twice. `cutout costs` lists them.",
        metric=series.of("PossibleDoubleCharges", "Sum"),
    )


def _of_pauses(series: Series) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="PausedOutOfCredits",
        runbook="Paused, out of credits",
        says="The provider says that the account is out of credits. Top it up; one photo probes "
        "every quarter of an hour, or `cutout resume` lets all in at once.",
        metric=series.of("PausedOutOfCredits", "Maximum"),
    )
    yield AlarmRule(
        name="PausedKeyRefused",
        runbook="Paused, key refused",
        says="The provider refuses the API key. Put a good one into the secret, then "
        "`cutout resume`; nothing happens by itself.",
        metric=series.of("PausedKeyRefused", "Maximum"),
    )
    yield AlarmRule(
        name="PausedRateLimited",
        runbook="Paused, rate limited",
        says="The provider has asked us to slow down for a quarter of an hour. Ask for less at "
        "once: `cutout limits --max-in-flight`.",
        metric=series.of("PausedRateLimited", "Minimum"),
        periods=3,
    )
    yield AlarmRule(
        name="PausedByPerson",
        runbook="Paused by a person",
        says="Somebody paused intake eight hours ago and it still is. `cutout resume` opens it.",
        metric=series.of("PausedByPerson", "Minimum", period=Duration.hours(1)),
        periods=8,
    )
