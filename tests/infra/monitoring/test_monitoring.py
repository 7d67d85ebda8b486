"""Alarms, the dashboard and the saved query."""

import json
import re
import shlex

import click
import pytest

from cutout.cli.entry import cutout as cli
from cutout.domain.metrics import BASIC_METRICS, Metric
from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize, TemplateView
from tests.support.pages import section

DEAD_LETTERS = {
    "SubmissionsDeadLetters": "SubmissionsDeadLetters",
    "PreparationsDeadLetters": "PreparationsDeadLetters",
    "CallbacksDeadLetters": "CallbacksDeadLetters",
    "UndeliverableEvents": "UploadEventsUndeliverable",
}
ALARM = "AWS::CloudWatch::Alarm"
SERIES = [{"Name": "service", "Value": "cutout"}, {"Name": "stack", "Value": "Cutout"}]
FUNCTIONS = ("Submit", "Prepare", "ReceiveCallback", "StoreResult", "Sweep")
PAID_WORK = ("Submit", "StoreResult")


@pytest.fixture(scope="module")
def full(synthesize: Synthesize) -> TemplateView:
    """Return the template with all alarms, all metrics and a dashboard."""
    return synthesize(Settings(monitoring="full"))


def _watched(reading: TemplateView) -> dict[str, tuple[str, str]]:
    """Return which of AWS's own metrics each alarm watches."""
    return {
        name: (alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for name, alarm in reading.of_type(ALARM).items()
        if alarm.get("Namespace", "").startswith("AWS/")
    }


ALWAYS_WATCHED = {
    **{
        f"Monitoring{title}Depth": ("ApproximateNumberOfMessagesVisible", f"<{queue}.QueueName>")
        for title, queue in DEAD_LETTERS.items()
    },
    "MonitoringOldestUpload": ("ApproximateAgeOfOldestMessage", "<SubmissionsQueue.QueueName>"),
    **{f"Monitoring{one}Errors": ("Errors", f"<{one}Function>") for one in PAID_WORK},
}


def test_one_lost_message_or_failed_paid_run_raises_an_alarm(template: TemplateView) -> None:
    """Every queue of dead letters is watched, and every function that processes paid tasks."""
    assert _watched(template) == ALWAYS_WATCHED


def test_full_monitoring_has_alarms_for_every_function(full: TemplateView) -> None:
    """They show where a fault is; the other alarms find it without them."""
    assert _watched(full) == {
        **ALWAYS_WATCHED,
        **{f"Monitoring{one}Errors": ("Errors", f"<{one}Function>") for one in FUNCTIONS},
        **{f"Monitoring{one}Throttles": ("Throttles", f"<{one}Function>") for one in FUNCTIONS},
    }


def test_basic_monitoring_pays_for_few_metrics_and_alarms(template: TemplateView) -> None:
    """CloudWatch charges for each by the month, however few photos come."""
    alarms = template.of_type(ALARM).values()
    read = {alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == "Cutout"}
    assert read | {Metric.COMPLETED} == BASIC_METRICS
    assert (len(BASIC_METRICS), len(alarms)) <= (14, 20)


def test_only_full_monitoring_has_a_dashboard(template: TemplateView) -> None:
    """It costs three US dollars a month."""
    assert template.of_type("AWS::CloudWatch::Dashboard") == {}
    assert "DashboardName" not in template.outputs


OUR_ALARMS = {
    # name: metric, statistic, seconds a period, periods, above
    "OldestInFlight": ("OldestInFlightSeconds", "Maximum", 300, 1, 3600),
    "Overdue": ("OldestDueSeconds", "Maximum", 300, 1, 900),
    "ForgedCallbacks": ("CallbacksRefused", "Sum", 300, 3, 100),
    "RecoveredByPoll": ("RecoveredByPoll", "Sum", 900, 1, 3),
    "StepsFailed": ("StepsFailed", "Sum", 900, 1, 3),
    "Spend": ("DailyCapUsedPercent", "Maximum", 300, 1, 80),
    "PossibleDoubleCharges": ("PossibleDoubleCharges", "Sum", 300, 1, 0),
    "PausedOutOfCredits": ("PausedOutOfCredits", "Maximum", 300, 1, 0),
    "PausedKeyRefused": ("PausedKeyRefused", "Maximum", 300, 1, 0),
    "PausedRateLimited": ("PausedRateLimited", "Minimum", 300, 3, 0),
    "PausedByPerson": ("PausedByPerson", "Minimum", 3600, 8, 0),
}


@pytest.mark.parametrize("name", OUR_ALARMS)
def test_alarm_is_raised_above_its_threshold(template: TemplateView, name: str) -> None:
    """For the metrics that all functions write together; missing data raise no alarm."""
    alarm = template.properties(f"Monitoring{name}")
    assert (
        alarm["MetricName"],
        alarm["Statistic"],
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["Threshold"],
    ) == OUR_ALARMS[name]
    assert (alarm["Namespace"], alarm["Dimensions"]) == ("Cutout", SERIES)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"


def test_missing_runs_of_sweep_raise_an_alarm(template: TemplateView) -> None:
    """Sweep writes its metrics every minute: missing data mean that it does not run."""
    alarm = template.properties("MonitoringNothingSwept")
    assert (alarm["MetricName"], alarm["Statistic"]) == ("OldestDueSeconds", "SampleCount")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["Period"] * alarm["EvaluationPeriods"]) == 900


def test_first_deployment_does_not_begin_with_an_alarm(template: TemplateView) -> None:
    """There are no data yet; missing data after the first run still notify the topic."""
    alarm = template.properties("MonitoringNothingSwept")
    assert alarm["TreatMissingData"] == "missing"
    assert alarm["InsufficientDataActions"] == ["<MonitoringAlarms>"]


def test_one_failed_photo_raises_no_alarm(template: TemplateView) -> None:
    """The ratio is an average over jobs, and must be high twice."""
    alarm = template.properties("MonitoringFailureRatio")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (
        "FailedPercent",
        "Average",
        10,
    )
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 2)


def test_every_alarm_notifies_the_topic_when_it_begins_and_ends(full: TemplateView) -> None:
    """One topic for all."""
    told = {(*alarm["AlarmActions"], *alarm["OKActions"]) for alarm in full.of_type(ALARM).values()}
    assert told == {("<MonitoringAlarms>", "<MonitoringAlarms>")}


def test_short_burst_of_callbacks_raises_no_alarm(template: TemplateView) -> None:
    """Whatever it sends at once: all three periods must be above the threshold."""
    alarm = template.properties("MonitoringForgedCallbacks")
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 900
    assert "DatapointsToAlarm" not in alarm


def test_polling_raises_no_alarm_in_a_deployment_without_callbacks(synthesize: Synthesize) -> None:
    """There, all results are found by polling."""
    polling = synthesize(Settings(callbacks=False))
    assert "MonitoringRecoveredByPoll" not in polling.of_type(ALARM)


RUNBOOK = "infra/RUNBOOK.md"
HEADINGS = re.findall(r"^### (.+)$", section(RUNBOOK, "Alarms"), re.MULTILINE)


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-").replace(",", "")


ANCHORS = {_anchor(heading) for heading in HEADINGS}


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(full: TemplateView) -> None:
    """Its description ends in the section's address."""
    assert _runbooks(full) == {f"{RUNBOOK}#{anchor}" for anchor in ANCHORS}


def test_every_section_of_the_runbook_names_its_alarms(full: TemplateView) -> None:
    """The name of an alarm leads to the section that its description links to."""
    linked: dict[str, set[str]] = {}
    for name, description in _descriptions(full).items():
        anchor = description.rpartition("#")[2]
        linked.setdefault(anchor, set()).add(name.removeprefix("Monitoring"))
    named = {
        anchor: set(re.findall(r"`(\w+)`", section(RUNBOOK, heading).partition("**Means.**")[0]))
        for heading, anchor in zip(HEADINGS, map(_anchor, HEADINGS), strict=True)
    }
    assert named == linked


def test_mail_of_an_alarm_links_to_the_published_runbook(synthesize: Synthesize) -> None:
    """The reader of a mail has no checkout."""
    page = "https://git.example.com/shop/cutout/blob/main/infra/RUNBOOK.md"
    linked = synthesize(Settings(monitoring="full", runbook_url=page))
    assert _runbooks(linked) == {f"{page}#{anchor}" for anchor in ANCHORS}


def _descriptions(reading: TemplateView) -> dict[str, str]:
    return {name: one["AlarmDescription"] for name, one in reading.of_type(ALARM).items()}


def _runbooks(reading: TemplateView) -> set[str]:
    return {one.rpartition(" Runbook: ")[2] for one in _descriptions(reading).values()}


def test_every_alarm_says_what_happened_what_is_at_stake_and_what_to_do(
    full: TemplateView,
) -> None:
    """In this order, and short enough for CloudWatch, with room for the names that it fills in."""
    parts = re.compile(r"(.+\.) At stake: (.+\.) Do: (.+\.) Runbook: \S+", re.DOTALL)
    for name, description in _descriptions(full).items():
        assert parts.fullmatch(description), name
        # CloudWatch takes 1,024 characters.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        assert len(description) < 1024 - 200, name


def test_every_alarm_names_a_whole_command_that_exists(synthesize: Synthesize) -> None:
    """Copied from the mail into a shell it works: name, options, and which stack of several."""
    staged = _descriptions(synthesize(Settings(monitoring="full", stage="prod")))
    named = {name: re.findall(r"`(cutout [^`]+)`", one) for name, one in staged.items()}
    assert [name for name, commands in named.items() if not commands] == []
    for line in sorted({line for commands in named.values() for line in commands}):
        _program, name, *arguments = shlex.split(line)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        context = command.make_context(name, [], resilient_parsing=True)
        values, rest, _order = command.make_parser(context).parse_args(arguments)
        assert (values["stack"], rest) == ("Cutout-prod", []), line


def test_only_messages_without_a_job_can_lose_a_photo(template: TemplateView) -> None:
    """An upload without a job may be lost with its message; a photo with a job is not."""
    at_stake = {
        name: "and after 14 days it is lost" in description
        for name, description in _descriptions(template).items()
        if name.endswith("Depth")
    }
    assert at_stake == {
        "MonitoringSubmissionsDeadLettersDepth": True,
        "MonitoringUndeliverableEventsDepth": True,
        "MonitoringPreparationsDeadLettersDepth": False,
        "MonitoringCallbacksDeadLettersDepth": False,
    }


@pytest.mark.parametrize("heading", HEADINGS)
def test_runbook_says_what_it_means_where_to_look_and_what_to_do(heading: str) -> None:
    """In this order."""
    assert re.findall(r"\*\*(\w+)\.\*\*", section(RUNBOOK, heading)) == ["Means", "Look", "Do"]


def test_only_alarms_may_publish_and_only_over_tls(template: TemplateView) -> None:
    """Of this account."""
    statements = template.statements_about("AWS::SNS::TopicPolicy", "<MonitoringAlarms>")
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    denied = [one for one in statements if one["Effect"] == "Deny"]
    assert allowed == [
        {
            "Sid": "LetAlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "<MonitoringAlarms>",
            "Condition": {"StringEquals": {"aws:SourceAccount": "mine"}},
        }
    ]
    assert [one["Condition"] for one in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_alarms_are_mailed_only_to_a_given_address(
    template: TemplateView, synthesize: Synthesize
) -> None:
    """`alarm_email` subscribes that address, and nothing else does."""
    mailed = synthesize(Settings(alarm_email="you@example.com"))
    [subscription] = mailed.of_type("AWS::SNS::Subscription").values()
    assert template.of_type("AWS::SNS::Subscription") == {}
    assert subscription == {
        "Protocol": "email",
        "Endpoint": "you@example.com",
        "TopicArn": "<MonitoringAlarms>",
    }


def test_dashboard_shows_every_function_and_queue(full: TemplateView) -> None:
    """It has the name of the deployment and the region: dashboards share names across regions."""
    dashboard = full.properties("MonitoringDashboard")
    assert full.outputs["DashboardName"] == "<MonitoringDashboard>"
    shown = full.dashboard()
    missing = [one for one in FUNCTIONS if f"<{one}Function>" not in shown]
    missing += [one for one in DEAD_LETTERS.values() if f"<{one}.QueueName>" not in shown]
    assert dashboard["DashboardName"] == "Cutout-here"
    assert missing == []


def test_dashboard_begins_with_the_states_of_the_alarms(full: TemplateView) -> None:
    """All of them; then come the graphs, each with a title."""
    first, *graphs = json.loads(full.dashboard())["widgets"]
    assert first["type"] == "alarm"
    assert len(first["properties"]["alarms"]) == len(full.of_type(ALARM))
    titles = [one["properties"]["title"] for one in graphs]
    assert titles == [
        "Throughput, photos a minute",
        "Outcomes, photos a minute",
        "Spend, credits a minute",
        "Time in each state, p50, seconds",
        "Time in each state, p90, seconds",
        "Upload to cut-out, seconds",
        "Gate, photos",
        "Gate paused because",
        "Spend of the day, percent of the cap",
        "Oldest, seconds",
        "Out of the ordinary, a minute",
        "Function errors",
        "Messages waiting",
        "Oldest message, seconds",
        "Function run, p90, milliseconds",
    ]


def test_dashboard_calculates_nothing(full: TemplateView) -> None:
    """It shows stored metrics only, so that `cutout dashboard` can draw the same."""
    assert '"expression"' not in full.dashboard()


def test_query_of_the_runbook_is_saved_for_the_logs_of_every_function(
    template: TemplateView,
) -> None:
    """Word for word."""
    query = template.properties("MonitoringEverythingAboutOnePhoto")
    told = section(RUNBOOK, "The logs of one job")
    (shown,) = re.findall(r"```\n(fields.*?)\n```", told, re.DOTALL)
    assert query["QueryString"] == shown
    assert f"`{query['Name']}`" in told
    assert query["LogGroupNames"] == [f"<{one}Logs>" for one in FUNCTIONS]
