"""The alarms: metric, threshold, and what a person does about each.

Missing data is no alarm, except for Sweep's metrics: Sweep writes them every minute.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from cutout.domain.metrics import Metric
from cutout.domain.polling_and_timing import DEAD_LETTER_RETENTION, QUEUE_RETENTION

from ..deployed_functions import FunctionName
from ..settings.settings import API_KEY
from .alarm_rule import AlarmRule
from .metric_builder import FIVE_MINUTES, MetricBuilder

_FEW: Final = 3  # fewer in 15 minutes are no trend
_LONG_WAIT_SECONDS: Final = 3600
_QUARTER: Final = Duration.minutes(15)
# The functions that pay, and that fetch what was paid for.
_PAID_WORK: Final = frozenset({FunctionName.SUBMIT, FunctionName.STORE_RESULT})
# Refused in five minutes. A scanner stops within minutes and an attack does not: the alarm waits
# for 15 minutes of it.
_STRAY_CALLBACKS: Final = 100


def alarm_rules(
    metrics: MetricBuilder,
    *,
    functions: Mapping[str, lambda_.Function],
    submissions: sqs.Queue,
    dead_letters: Mapping[str, sqs.Queue],
    expects_callbacks: bool,
    is_full: bool,
) -> Iterator[AlarmRule]:
    """Yield the alarms of a deployment; functions and dead-letter queues are given by name.

    `is_full` adds those that only say where a fault is. Others find it: a function that fails or is
    throttled leaves dead letters, overdue jobs or lost callbacks. If the deployment expects
    callbacks, results that are found by polling are a fault, too.
    """
    yield _old_uploads(submissions)
    for title, queue in dead_letters.items():
        yield _dead_letters(title, queue)
    for title, function in functions.items():
        if is_full or title in _PAID_WORK:
            yield _errors(title, function)
        if is_full:
            yield _throttles(title, function)
    yield from _of_jobs(metrics)
    yield from _of_money(metrics)
    yield from _of_pauses(metrics)
    yield from _of_callbacks(metrics, expects_callbacks=expects_callbacks)


def _old_uploads(submissions: sqs.Queue) -> AlarmRule:
    return AlarmRule(
        name="OldestUpload",
        runbook="Oldest upload",
        happened=f"An upload has waited for over {_LONG_WAIT_SECONDS // 60} minutes in the "
        "submissions queue and has no job yet.",
        at_stake=f"uploads stay in this queue for {QUEUE_RETENTION.days} days; after that they "
        "are lost.",
        do="`cutout doctor --stack {stack}` checks Submit and its trigger. If Submit is only slow "
        "after a large upload, nothing is wrong: raise submit_concurrency, or wait.",
        # SQS leaves out messages that were received three times and not deleted: what fails is for
        # the alarm of dead letters.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        metric=submissions.metric_approximate_age_of_oldest_message(
            period=FIVE_MINUTES, statistic="Maximum"
        ),
        above=_LONG_WAIT_SECONDS,
        periods=3,
    )


_HAS_NO_JOB: Final = (
    "an upload that has no job yet exists only in this message: it is not processed until the "
    f"message is sent back, and after {DEAD_LETTER_RETENTION.days} days it is lost."
)
_HAS_A_JOB: Final = "no photo: each has a job, which Sweep continues to check; it may be late."
_OF_UPLOADS: Final = ("SubmissionsDeadLetters", "UndeliverableEvents")


def _dead_letters(title: str, queue: sqs.Queue) -> AlarmRule:
    return AlarmRule(
        name=f"{title}Depth",
        runbook="Dead letters",
        happened=f"A message could not be delivered or handled and is in {title}.",
        at_stake=_HAS_NO_JOB if title in _OF_UPLOADS else _HAS_A_JOB,
        do="`cutout redrive --stack {stack}` shows the photo and the state of its job; fix the "
        "cause, then `cutout redrive --yes --stack {stack}`.",
        # Not the number that was sent to it: SQS does not count what it moves by itself.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        metric=queue.metric_approximate_number_of_messages_visible(
            period=FIVE_MINUTES, statistic="Maximum"
        ),
    )


def _errors(title: str, function: lambda_.Function) -> AlarmRule:
    group = function.log_group.log_group_name
    return AlarmRule(
        name=f"{title}Errors",
        runbook="Function errors",
        happened=f"{title} raised an error or timed out.",
        at_stake="nothing after one error: the message is delivered again. While errors continue, "
        "photos are late; a message that fails five times becomes a dead letter.",
        do=f"`aws logs tail {group} --region {Aws.REGION} --since 30m --filter-pattern "
        "'?ERROR ?Traceback ?\"timed out\"'` says why. If it continues: `cutout pause --stack "
        "{stack}`, fix, deploy, `cutout resume --stack {stack}`.",
        metric=function.metric_errors(period=FIVE_MINUTES, statistic="Sum"),
    )


def _throttles(title: str, function: lambda_.Function) -> AlarmRule:
    return AlarmRule(
        name=f"{title}Throttles",
        runbook="Function throttles",
        happened=f"Lambda did not run {title}: its own concurrency or the account's is used up.",
        at_stake="no photo; photos are late until concurrency is free again.",
        do=f"`aws lambda get-account-settings --region {Aws.REGION}` shows how much the account "
        "has; ask AWS for more, or deploy with a lower submit_concurrency and store_concurrency. "
        "`cutout doctor --stack {stack}` shows what else is affected.",
        metric=function.metric_throttles(period=FIVE_MINUTES, statistic="Sum"),
    )


def _of_jobs(metrics: MetricBuilder) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="StepsFailed",
        runbook="Failing steps",
        happened=f"More than {_FEW} messages, or steps of jobs, failed in 15 minutes. The "
        "functions report them to the queue, so Lambda counts no error.",
        at_stake="each is tried again, ever less often; a job fails after eight tries, and a "
        "message that fails five times becomes a dead letter.",
        do="the logs of Submit and StoreResult say why (search for `failed`); `cutout doctor "
        "--stack {stack}` checks what they depend on. If all photos fail: `cutout pause --stack "
        "{stack}`, fix the cause, `cutout resume --stack {stack}`.",
        metric=metrics.of(Metric.STEPS_FAILED, "Sum", period=_QUARTER),
        above=_FEW,
    )
    yield AlarmRule(
        name="OldestInFlight",
        runbook="Oldest job in flight",
        happened="A request was sent over an hour ago, and its task has not ended.",
        at_stake="the task was paid for and holds a slot of the gate; after job_deadline_seconds "
        "the job fails by itself.",
        do="`cutout ls --state processing --state unconfirmed --stack {stack}` lists the job and "
        "its task; ask the provider about that task.",
        metric=metrics.of(Metric.OLDEST_IN_FLIGHT_SECONDS, "Maximum"),
        above=3600,
    )
    yield AlarmRule(
        name="Overdue",
        runbook="Overdue jobs",
        happened="A job has been due for 15 minutes and nothing has processed it: a function fails "
        "or its trigger is disabled, or, after a roll-back, a newer version wrote the job.",
        at_stake="photos are late until that is fixed; none is lost, and their jobs then continue "
        "by themselves.",
        do="`cutout doctor --stack {stack}` shows which trigger, function or queue it is; Sweep's "
        "log lists jobs that a newer version wrote, which wait until it is deployed again.",
        metric=metrics.of(Metric.OLDEST_DUE_SECONDS, "Maximum"),
        above=900,
    )
    yield AlarmRule(
        name="NothingSwept",
        runbook="Nothing swept",
        happened="Sweep has not run for 15 minutes.",
        at_stake="lost callbacks and crashed jobs are not recovered until Sweep runs again. "
        "Nothing is lost, but more photos are late the longer it lasts, and the alarms about jobs "
        "do not work.",
        do="`cutout doctor --stack {stack}` checks its schedule and its last run.",
        # Lambda's own count of invocations would not show that Sweep fails early in each.
        metric=metrics.of(Metric.OLDEST_DUE_SECONDS, "SampleCount"),
        periods=3,
        is_silence=True,
    )
    yield AlarmRule(
        name="FailureRatio",
        runbook="Failure ratio",
        happened="Twice in 15 minutes, over a tenth of the jobs of five minutes failed or need "
        "review.",
        at_stake="these photos have no cut-out, and the provider may have charged for them.",
        do="`cutout ls --state failed --state review --stack {stack}` shows why. If all fail: "
        "`cutout pause --stack {stack}`; after the fix, `cutout resume --stack {stack}` and "
        "`cutout retry --state failed --since 2h --stack {stack}`, which shows the price first.",
        # One damaged photo among few is 100 % for five minutes; two such periods are a trend.
        metric=metrics.of(Metric.FAILED_PERCENT, "Average"),
        above=10,
        periods=3,
        datapoints=2,
    )


def _of_callbacks(metrics: MetricBuilder, *, expects_callbacks: bool) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="ForgedCallbacks",
        runbook="Forged callbacks",
        happened=f"For 15 minutes, more than {_STRAY_CALLBACKS} callbacks in five minutes had a "
        "token that Cutout did not sign.",
        at_stake="no photo: each is refused before anything is read or written, and AWS charges "
        "for each request. If RecoveredByPoll goes off too, real callbacks are refused or "
        "throttled, and photos take minutes longer.",
        do="`cutout doctor --stack {stack}` shows how many, and checks the callback URL and the "
        "signing key; the API's access log has the senders' addresses.",
        metric=metrics.of(Metric.CALLBACK_REFUSED, "Sum"),
        above=_STRAY_CALLBACKS,
        periods=3,
    )
    if expects_callbacks:
        yield AlarmRule(
            name="RecoveredByPoll",
            runbook="Recovered by poll",
            happened=f"More than {_FEW} results in 15 minutes were found by polling, because no "
            "callback arrived.",
            at_stake="nothing is lost; every photo takes minutes longer.",
            do="`cutout doctor --stack {stack}` sends a test request to the callback URL.",
            metric=metrics.of(Metric.RECOVERED_BY_POLL, "Sum", period=_QUARTER),
            above=_FEW,
        )


def _of_money(metrics: MetricBuilder) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="Spend",
        runbook="Spend against the cap",
        happened="Over 80 % of today's credit cap is used.",
        at_stake="at the cap, photos wait for the next day (UTC), and nothing more is paid.",
        do="`cutout costs --by day --stack {stack}` shows whether this is the usual traffic; "
        "`cutout limits --daily-credit-cap 8000 --stack {stack}` sets the cap to 8000 at once.",
        metric=metrics.of(Metric.CAP_USED_PERCENT, "Maximum"),
        above=80,
    )
    yield AlarmRule(
        name="PossibleDoubleCharges",
        runbook="Possible double charges",
        happened="A request with an unknown outcome was sent again, and the provider did not "
        "report a replay.",
        at_stake="one photo may have been paid for twice.",
        do="`cutout costs --by outcome --csv claim.csv --stack {stack}` lists the requests, for "
        "the provider's support. It can wait for the morning.",
        metric=metrics.of(Metric.POSSIBLE_DOUBLE_CHARGE, "Sum"),
    )


def _of_pauses(metrics: MetricBuilder) -> Iterator[AlarmRule]:
    yield AlarmRule(
        name="PausedOutOfCredits",
        runbook="Paused, out of credits",
        happened="The provider's account is out of credits, and the gate is paused.",
        at_stake="no photo: jobs wait in the table until there are credits.",
        do="add credits to the account; Cutout sends one photo every 15 minutes to find out, or "
        "`cutout resume --stack {stack}` admits all at once.",
        metric=metrics.of(Metric.PAUSED_OUT_OF_CREDITS, "Maximum"),
    )
    yield AlarmRule(
        name="PausedKeyRefused",
        runbook="Paused, key refused",
        happened="The provider refuses the API key, and the gate is paused.",
        at_stake="no photo: jobs wait in the table until a person resumes.",
        do="`aws secretsmanager put-secret-value --secret-id "
        f"{metrics.deployment}/{API_KEY} --secret-string file://new-key.txt`, then "
        "`cutout resume --stack {stack}`; `cutout doctor --stack {stack}` tests the key.",
        metric=metrics.of(Metric.PAUSED_KEY_REFUSED, "Maximum"),
    )
    yield AlarmRule(
        name="PausedRateLimited",
        runbook="Paused, rate limited",
        happened="The provider has answered with rate limits for 15 minutes.",
        at_stake="no photo; all take longer.",
        do="send fewer at once, such as `cutout limits --max-in-flight 2 --stack {stack}`, or ask "
        "the provider for a higher limit.",
        # The minimum: a pause of a minute, which ends by itself, is usual while many are sent.
        metric=metrics.of(Metric.PAUSED_RATE_LIMITED, "Minimum"),
        periods=3,
    )
    yield AlarmRule(
        name="PausedByPerson",
        runbook="Paused by a person",
        happened="A person paused the gate eight hours ago, and it is still paused.",
        at_stake="no photo: jobs wait in the table until a person resumes.",
        do="`cutout limits --stack {stack}` shows since when; `cutout resume --stack {stack}` "
        "opens the gate.",
        metric=metrics.of(Metric.PAUSED_BY_A_PERSON, "Minimum", period=Duration.hours(1)),
        periods=8,
    )
