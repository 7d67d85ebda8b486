"""What wakes a person, and what one looks at."""

import json

from infra.settings import Settings
from tests.infra.reading import Reading, Synthesize

DEAD_LETTERS = {
    "SubmissionsDeadLetters": "SubmissionsDeadLetters",
    "CallbacksDeadLetters": "CallbacksDeadLetters",
    "UndeliverableEvents": "UploadEventsUndeliverable",
}
FUNCTIONS = ("Submit", "ReceiveCallback", "StoreResult", "Sweep")


def test_one_lost_message_or_failed_run_is_an_alarm(template: Reading) -> None:
    """Every queue of dead letters and every function is watched; one is too many."""
    alarms = {
        name: (alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items()
    }
    visible = "ApproximateNumberOfMessagesVisible"
    assert alarms == {
        **{
            f"Monitoring{title}Depth": (visible, f"<{q}.QueueName>")
            for title, q in DEAD_LETTERS.items()
        },
        **{f"Monitoring{one}Errors": ("Errors", f"<{one}Function>") for one in FUNCTIONS},
        **{f"Monitoring{one}Throttles": ("Throttles", f"<{one}Function>") for one in FUNCTIONS},
    }


def test_every_alarm_tells_the_topic_at_once(template: Reading) -> None:
    """The first one counts, silence is good news, and the topic hears of it."""
    how = {
        (
            alarm["Threshold"],
            alarm["ComparisonOperator"],
            alarm["EvaluationPeriods"],
            alarm["TreatMissingData"],
            *alarm["AlarmActions"],
        )
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
    }
    assert how == {(0, "GreaterThanThreshold", 1, "notBreaching", "<MonitoringAlarms>")}


def test_every_alarm_says_what_it_means(template: Reading) -> None:
    """A person woken by it reads a sentence that names what is wrong."""
    sentences = {
        name: alarm["AlarmDescription"]
        for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items()
    }
    assert [name for name, sentence in sentences.items() if len(sentence.split()) < 5] == []


def test_alarms_alone_may_publish_and_only_over_tls(template: Reading) -> None:
    """The topic takes what alarms of this account say."""
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


def test_nobody_is_mailed_unless_a_person_asks(template: Reading, synthesize: Synthesize) -> None:
    """`alarm_email` subscribes that address, and nothing else does."""
    mailed = synthesize(Settings(alarm_email="you@example.com"))
    [subscription] = mailed.of_type("AWS::SNS::Subscription").values()
    assert template.of_type("AWS::SNS::Subscription") == {}
    assert subscription == {
        "Protocol": "email",
        "Endpoint": "you@example.com",
        "TopicArn": "<MonitoringAlarms>",
    }


def test_the_dashboard_shows_every_function_and_queue(template: Reading) -> None:
    """It is named after the deployment and the region, which dashboards share names across."""
    dashboard = template.properties("MonitoringDashboard")
    shown = json.dumps(json.loads(dashboard["DashboardBody"]))
    missing = [one for one in FUNCTIONS if f"<{one}Function>" not in shown]
    missing += [one for one in DEAD_LETTERS.values() if f"<{one}.QueueName>" not in shown]
    assert dashboard["DashboardName"] == "Cutout-here"
    assert missing == []
