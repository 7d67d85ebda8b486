"""The events of the uploads bucket, and their way to Submit."""

from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize, TemplateView


def test_uploads_and_deletions_go_to_the_submissions_queue(template: TemplateView) -> None:
    """Events of every object; delivery is tried for a day, then they go to a DLQ."""
    rule = template.properties("UploadEventsRule")
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": ["<Uploads>"]}},
    }
    assert rule["State"] == "ENABLED"
    assert rule["Targets"] == [
        {
            "Id": "Submissions",
            "Arn": "<SubmissionsQueue.Arn>",
            "DeadLetterConfig": {"Arn": "<UploadEventsUndeliverable.Arn>"},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
        }
    ]


def test_only_the_watched_prefix_sends_events(synthesize: Synthesize) -> None:
    """Other objects of the bucket cost no message."""
    rule = synthesize(Settings(upload_prefix="photos/")).properties("UploadEventsRule")
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": ["<Uploads>"]},
        "object": {"key": [{"prefix": "photos/"}]},
    }
