"""What wakes a person, as a table: the measure, when it is too much, and what to do.

An alarm's description is all that its mail holds: what happened, what is at stake, the command to
run, and where to read on. Silence is good news, except from Sweep, which is never silent while it
runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from cutout.domain.gate import USUAL_PRICE
from cutout.domain.metrics import Metric
from cutout.domain.timing import DEAD_LETTER_RETENTION, QUEUE_RETENTION

from .metric_series import FIVE_MINUTES, MetricSeries

RUNBOOKS: Final = "infra/RUNBOOK.md"
"""The page that alarms link to where no `runbook_url` is set."""
LONGEST_DESCRIPTION: Final = 1024
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
_FEW: Final = 3
"""What happens less often in a quarter of an hour is an accident, no trend."""
_LONG_WAIT_SECONDS: Final = 3600
_QUARTER: Final = Duration.minutes(15)
_STRAY_CALLBACKS: Final = 100
"""Refused in five minutes. A scanner passes by within minutes; an attack goes on: the alarm waits
for a quarter of an hour of it."""


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """One alarm.

    Attributes:
        name: Its construct's id.
        runbook: The heading of its section in the runbook.
        happened: What was measured, in words.
        at_stake: What is lost, late or paid for if nobody does anything.
        do: What to do, with the command in full; `{stack}` in it is the stack's name.
        metric: What is measured.
        above: The alarm goes off above this; with `is_silence`, when less than 1 is heard.
        periods: Looked at are so many periods of the metric.
        datapoints: It goes off when so many of them are too much; None means all.
        is_silence: It goes off when nothing is heard.
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
        """Return what the mail says.

        Args:
            stack: What the command line finds the deployment by.
            runbooks: The address of the page of the runbooks.
        """
        anchor = self.runbook.lower().replace(" ", "-").replace(",", "")
        do = self.do.replace("{stack}", stack)
        told = f"{self.happened} At stake: {self.at_stake} Do: {do}"
        return f"{told} Runbook: {runbooks}#{anchor}"


def alarm_rules(
    series: MetricSeries,
    *,
    functions: Mapping[str, lambda_.Function],
    submissions: sqs.Queue,
    dead_letters: Mapping[str, sqs.Queue],
    expects_callbacks: bool,
) -> Iterator[AlarmRule]:
    """List every alarm of a deployment."""
    yield _old_uploads(submissions)
    for title, queue in dead_letters.items():
        yield _dead_letters(title, queue)
    for title, function in functions.items():
        yield _errors(title, function)
        yield _throttles(title, function)
    yield _failed_steps(series)
    yield from _of_jobs(series)
    yield from _of_money(series)
    yield from _of_pauses(series)
    yield _forged_callbacks(series)
    if expects_callbacks:
        yield _recovered_by_poll(series)


def _old_uploads(submissions: sqs.Queue) -> AlarmRule:
    return AlarmRule(
        name="OldestUpload",
        runbook="Oldest upload",
        happened=f"An upload has waited for over {_LONG_WAIT_SECONDS // 60} minutes in the "
        "submissions queue and has no job yet.",
        at_stake=f"uploads stay in this queue for {QUEUE_RETENTION.days} days; after that they "
        "are lost.",
        do="`cutout doctor --stack {stack}` checks Submit and its trigger. If Submit only is slow "
        "after a large upload, nothing is wrong: raise submit_concurrency, or wait.",
        metric=submissions.metric_approximate_age_of_oldest_message(
            period=FIVE_MINUTES, statistic="Maximum"
        ),
        above=_LONG_WAIT_SECONDS,
        periods=3,
    )


_HAS_NO_ROW: Final = (
    "an upload that has no job yet is nowhere else: nobody cuts it out until the message is sent "
    f"back, and after {DEAD_LETTER_RETENTION.days} days it is gone."
)
_HAS_A_ROW: Final = "no photo: each has its row, and Sweep goes on looking at it; it may be late."
_STAKES: Final = {
    "SubmissionsDeadLetters": _HAS_NO_ROW,
    "UndeliverableEvents": _HAS_NO_ROW,
}


def _dead_letters(title: str, queue: sqs.Queue) -> AlarmRule:
    return AlarmRule(
        name=f"{title}Depth",
        runbook="Dead letters",
        happened=f"A message could not be delivered or handled, and waits in {title}.",
        at_stake=_STAKES.get(title, _HAS_A_ROW),
        do="`cutout redrive --stack {stack}` shows the photo and what its row says; mend the "
        "cause, then `cutout redrive --yes --stack {stack}`.",
        metric=queue.metric_approximate_number_of_messages_visible(
            period=FIVE_MINUTES, statistic="Maximum"
        ),
    )


def _errors(title: str, function: lambda_.Function) -> AlarmRule:
    group = function.log_group.log_group_name
    return AlarmRule(
        name=f"{title}Errors",
        runbook="Function errors",
        happened=f"{title} ended with an error or ran out of time.",
        at_stake="nothing after one error: the work comes again by itself. Photos come late while "
        "errors go on; a message that fails five times ends among the dead letters.",
        do=f"`aws logs tail {group} --region {Aws.REGION} --since 30m --filter-pattern "
        "'?ERROR ?Traceback ?\"timed out\"'` says why. If it goes on: `cutout pause --stack "
        "{stack}`, mend, deploy, `cutout resume --stack {stack}`.",
        metric=function.metric_errors(period=FIVE_MINUTES, statistic="Sum"),
    )


def _failed_steps(series: MetricSeries) -> AlarmRule:
    return AlarmRule(
        name="StepsFailed",
        runbook="Failing steps",
        happened=f"More than {_FEW} steps of jobs or messages failed in a quarter of an hour. The "
        "functions report them to the queue, so Lambda counts no error.",
        at_stake="each job is tried again, ever less often, and fails after eight tries; a message "
        "that fails five times ends among the dead letters.",
        do="the logs of Submit and StoreResult say why (search for `failed`); `cutout doctor "
        "--stack {stack}` checks what they depend on. If all photos fail: `cutout pause --stack "
        "{stack}`, fix the cause, `cutout resume --stack {stack}`.",
        metric=series.of(Metric.STEPS_FAILED, "Sum", period=_QUARTER),
        above=_FEW,
    )


def _throttles(title: str, function: lambda_.Function) -> AlarmRule:
    return AlarmRule(
        name=f"{title}Throttles",
        runbook="Function throttles",
        happened=f"{title} was not let run: the account's concurrency, or what is set aside for "
        "this function, is used up.",
        at_stake="no photo; everything is slower until there is room again.",
        do=f"`aws lambda get-account-settings --region {Aws.REGION}` says how much the account "
        "has; ask AWS for more, or deploy with a lower submit_concurrency and store_concurrency. "
        "`cutout doctor --stack {stack}` says what else is affected.",
        metric=function.metric_throttles(period=FIVE_MINUTES, statistic="Sum"),
    )


def _of_jobs(series: MetricSeries) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="OldestInFlight",
        runbook="Oldest job in flight",
        happened="A call was made over an hour ago, and its task has no end yet.",
        at_stake="it was paid for and holds a slot at the gate; after job_deadline_seconds it "
        "fails by itself.",
        do="`cutout ls --state processing --state unconfirmed --stack {stack}` names it and its "
        "task; ask the provider about that task.",
        metric=series.of(Metric.OLDEST_IN_FLIGHT_SECONDS, "Maximum"),
        above=3600,
    )
    yield AlarmRule(
        name="Overdue",
        runbook="Overdue jobs",
        happened="A job has been due for a quarter of an hour and nobody moves it: a worker is "
        "missing or fails, or a version that was taken back has left a row that this one does not "
        "understand.",
        at_stake="photos stand still until the worker is back; none is lost, they then go on by "
        "themselves.",
        do="`cutout doctor --stack {stack}` says which trigger, function or queue it is; Sweep's "
        "log names rows of a newer version, which wait until it is deployed again.",
        metric=series.of(Metric.OLDEST_DUE_SECONDS, "Maximum"),
        above=900,
    )
    yield AlarmRule(
        name="NothingSwept",
        runbook="Nothing swept",
        happened="Sweep has not come for a quarter of an hour.",
        at_stake="lost callbacks are not made up for and crashed work is not taken up again; none "
        "is lost, but more photos stand still the longer it lasts. Alarms about jobs are blind.",
        do="`cutout doctor --stack {stack}` looks at its schedule and its last run.",
        metric=series.of(Metric.JOBS_DUE, "SampleCount"),
        periods=3,
        is_silence=True,
    )
    yield AlarmRule(
        name="FailureRatio",
        runbook="Failure ratio",
        happened="Twice in a quarter of an hour, over a tenth of the photos of five minutes failed "
        "or needed review.",
        at_stake="these photos have no cut-out, and the provider may have charged for them.",
        do="`cutout ls --state failed --state review --stack {stack}` says why. If all fail: "
        "`cutout pause --stack {stack}`; once it is mended, `cutout resume --stack {stack}` and "
        "`cutout retry --state failed --stack {stack}`.",
        metric=series.of(Metric.FAILED_PERCENT, "Average"),
        above=10,
        periods=3,
        datapoints=2,
    )


def _recovered_by_poll(series: MetricSeries) -> AlarmRule:
    return AlarmRule(
        name="RecoveredByPoll",
        runbook="Recovered by poll",
        happened=f"More than {_FEW} results of a quarter of an hour had to be asked for: callbacks "
        "do not come through.",
        at_stake="nothing is lost; every photo takes minutes longer.",
        do="`cutout doctor --stack {stack}` tries the door that callbacks come in by.",
        metric=series.of(Metric.RECOVERED_BY_POLL, "Sum", period=_QUARTER),
        above=_FEW,
    )


def _forged_callbacks(series: MetricSeries) -> AlarmRule:
    return AlarmRule(
        name="ForgedCallbacks",
        runbook="Forged callbacks",
        happened=f"For a quarter of an hour, more than {_STRAY_CALLBACKS} callbacks in five "
        "minutes had a token that we did not sign.",
        at_stake="no photo: each is refused before anything is read or written, and AWS charges "
        "for each request. If RecoveredByPoll goes off too, real callbacks are refused or "
        "throttled, and photos take minutes longer.",
        do="`cutout doctor --stack {stack}` shows how many, and checks the callback URL and the "
        "signing key; the API's access log has the senders' addresses.",
        metric=series.of(Metric.CALLBACK_REFUSED, "Sum"),
        above=_STRAY_CALLBACKS,
        periods=3,
    )


def _of_money(series: MetricSeries) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="Spend",
        runbook="Spend against the cap",
        happened="Over 80 % of today's credit cap is used.",
        at_stake="at the cap, photos wait for the next day (UTC); the cap holds, no more is paid.",
        do="`cutout costs --by day --stack {stack}` says whether this is the usual traffic; "
        "`cutout limits --daily-credit-cap 8000 --stack {stack}` would set it to 8000 at once.",
        metric=series.of(Metric.CAP_USED_PERCENT, "Maximum"),
        above=80,
    )
    yield AlarmRule(
        name="PossibleDoubleCharges",
        runbook="Possible double charges",
        happened="A call whose outcome was unknown was repeated, and the provider did not say that "
        "it knew it.",
        at_stake=f"one photo ({USUAL_PRICE} credits) may have been paid for twice.",
        do="`cutout costs --by outcome --csv claim.csv --stack {stack}` lists the calls, for the "
        "provider's support. It can wait for the morning.",
        metric=series.of(Metric.POSSIBLE_DOUBLE_CHARGE, "Sum"),
    )


def _of_pauses(series: MetricSeries) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="PausedOutOfCredits",
        runbook="Paused, out of credits",
        happened="The provider says that the account is out of credits, and intake is paused.",
        at_stake="no photo: all wait in the table, and none is cut out until there are credits.",
        do="top the account up; one photo probes every quarter of an hour, or "
        "`cutout resume --stack {stack}` lets all in at once.",
        metric=series.of(Metric.PAUSED_OUT_OF_CREDITS, "Maximum"),
    )
    yield AlarmRule(
        name="PausedKeyRefused",
        runbook="Paused, key refused",
        happened="The provider refuses the API key, and intake is paused.",
        at_stake="no photo: all wait in the table, but nothing goes on by itself.",
        do="`aws secretsmanager put-secret-value --secret-id "
        f"{series.deployment}/evolink-api-key --secret-string file://new-key.txt`, then "
        "`cutout resume --stack {stack}`; `cutout doctor --stack {stack}` tries the key.",
        metric=series.of(Metric.PAUSED_KEY_REFUSED, "Maximum"),
    )
    yield AlarmRule(
        name="PausedRateLimited",
        runbook="Paused, rate limited",
        happened="The provider has asked us to slow down for a quarter of an hour.",
        at_stake="no photo; all take longer.",
        do="ask for less at once, such as `cutout limits --max-in-flight 2 --stack {stack}`, or "
        "the provider for more.",
        metric=series.of(Metric.PAUSED_RATE_LIMITED, "Minimum"),
        periods=3,
    )
    yield AlarmRule(
        name="PausedByPerson",
        runbook="Paused by a person",
        happened="Somebody paused intake eight hours ago, and it is paused still.",
        at_stake="no photo: all wait in the table until somebody opens the gate.",
        do="`cutout limits --stack {stack}` says since when; `cutout resume --stack {stack}` "
        "opens it.",
        metric=series.of(Metric.PAUSED_BY_PERSON, "Minimum", period=Duration.hours(1)),
        periods=8,
    )
