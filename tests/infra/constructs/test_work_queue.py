"""The queues: no message is lost unnoticed, and only permitted senders send."""

from datetime import timedelta

import pytest

from cutout.domain.polling_and_timing import MESSAGE_LIFE
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError
from tests.infra.template_view import TemplateView, refuses_plain_http

TEN_DAYS, FOURTEEN_DAYS = 864_000, 1_209_600
WORKERS = {
    "SubmissionsQueue": "SubmitFunction",
    "PreparationsQueue": "PrepareFunction",
    "CallbacksQueue": "StoreResultFunction",
}
DEAD_LETTERS = {
    "SubmissionsDeadLetters",
    "PreparationsDeadLetters",
    "CallbacksDeadLetters",
    "UploadEventsUndeliverable",
}


def test_stack_has_three_queues_of_work_and_four_of_dead_letters(template: TemplateView) -> None:
    """So the tests below are about all of them."""
    assert set(template.of_type("AWS::SQS::Queue")) == set(WORKERS) | DEAD_LETTERS


@pytest.mark.parametrize("queue", WORKERS)
def test_message_is_received_five_times_before_it_is_a_dead_letter(
    template: TemplateView, queue: str
) -> None:
    """In the queue's own dead letters."""
    dead_letters = f"<{queue.replace('Queue', 'DeadLetters')}.Arn>"
    assert template.properties(queue)["RedrivePolicy"] == {
        "deadLetterTargetArn": dead_letters,
        "maxReceiveCount": 5,
    }


@pytest.mark.parametrize("queue", sorted(DEAD_LETTERS))
def test_dead_letters_are_kept_as_long_as_sqs_can(template: TemplateView, queue: str) -> None:
    """Two weeks."""
    assert template.properties(queue)["MessageRetentionPeriod"] == FOURTEEN_DAYS


@pytest.mark.parametrize("queue", WORKERS)
def test_message_becomes_a_dead_letter_before_it_expires(
    template: TemplateView, queue: str
) -> None:
    """Its age is counted on in the dead letters."""
    assert template.properties(queue)["MessageRetentionPeriod"] == TEN_DAYS


@pytest.mark.parametrize("queue", WORKERS)
def test_job_is_kept_longer_than_every_message_about_it(template: TemplateView, queue: str) -> None:
    """A dead letter may be sent back on its last day, and then waits in its queue.

    Without the job, the upload would make another, and be paid for twice.
    """
    sent_again = FOURTEEN_DAYS + template.properties(queue)["MessageRetentionPeriod"]
    assert timedelta(seconds=sent_again) == MESSAGE_LIFE
    with pytest.raises(SettingError, match="retention_days"):
        Settings(retention_days=MESSAGE_LIFE.days)
    assert timedelta(days=Settings(retention_days=25).retention_days) > MESSAGE_LIFE


@pytest.mark.parametrize(("queue", "worker"), WORKERS.items())
def test_message_is_hidden_for_six_runs_of_its_worker(
    template: TemplateView, queue: str, worker: str
) -> None:
    """It is not delivered again within that time."""
    visible_after = template.properties(queue)["VisibilityTimeout"]
    assert visible_after >= 6 * template.properties(worker)["Timeout"]


@pytest.mark.parametrize("queue", sorted({*WORKERS, *DEAD_LETTERS}))
def test_queue_is_encrypted_and_answers_over_tls_only(template: TemplateView, queue: str) -> None:
    """At rest and in transit."""
    statements = template.statements_about("AWS::SQS::QueuePolicy", f"<{queue}>")
    assert template.properties(queue)["SqsManagedSseEnabled"] is True
    assert refuses_plain_http(statements)


@pytest.mark.parametrize("queue", sorted({*WORKERS, *DEAD_LETTERS}))
def test_only_the_rule_for_uploads_may_send_to_the_queues(
    template: TemplateView, queue: str
) -> None:
    """EventBridge may send for that one rule; no other sender may."""
    statements = template.statements_about("AWS::SQS::QueuePolicy", f"<{queue}>")
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    expected = {
        "Sid": "LetTheRuleSend",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"<{queue}.Arn>",
        "Condition": {"ArnEquals": {"aws:SourceArn": "<UploadEventsRule.Arn>"}},
    }
    takes_events = queue in {"SubmissionsQueue", "UploadEventsUndeliverable"}
    assert allowed == ([expected] if takes_events else [])
