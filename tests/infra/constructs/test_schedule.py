"""Sweep's schedule."""

from tests.infra.template_view import TemplateView


def test_sweep_runs_every_minute(template: TemplateView) -> None:
    """A run that cannot be started within its minute is left out."""
    schedule = template.properties("EveryMinuteSchedule")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["State"] == "ENABLED"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"] == {
        "Arn": "<SweepFunction.Arn>",
        "RoleArn": "<EveryMinuteRole.Arn>",
        "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1},
    }


def test_failed_run_of_sweep_is_not_repeated(template: TemplateView) -> None:
    """The next one, a minute later, does the same work."""
    assert template.properties("EveryMinuteNoSecondTry") == {
        "FunctionName": "<SweepFunction>",
        "Qualifier": "$LATEST",
        "MaximumEventAgeInSeconds": 60,
        "MaximumRetryAttempts": 0,
    }
