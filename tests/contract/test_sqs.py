"""The queues: what one function writes, the other reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.domain.errors import StoreBusyError
from cutout.domain.messages.message_parsing import read_callback, read_submission
from cutout.domain.messages.queue_messages import (
    JobDue,
    Removal,
    RenderRequest,
    TaskCheck,
    Uploaded,
)
from cutout.domain.states import Lane
from tests.support.aws_account import Account
from tests.support.builders import a_source
from tests.support.samples import sample

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

JOB = "a00fc0b0b75cd1e67b0d7024ca35e9a9"


@pytest.fixture
def sqs(account: Account) -> Iterator[SQSClient]:
    """SQS without any queue."""
    with account() as clients:
        yield clients.sqs


@pytest.fixture
def url(sqs: SQSClient) -> str:
    """An empty queue."""
    return sqs.create_queue(QueueName="queue")["QueueUrl"]


def received(sqs: SQSClient, url: str) -> list[str]:
    """Return the bodies of all messages that can be received now."""
    bodies: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    return bodies


@pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
def test_every_due_job_is_sent_once(sqs: SQSClient, url: str, count: int) -> None:
    """Also more than SQS takes in one request."""
    ids = [f"{number:032x}" for number in range(count)]
    SqsSubmissions(sqs, url).enqueue(ids)
    read = [read_submission(body) for body in received(sqs, url)]
    assert sorted(read, key=str) == [JobDue(job_id=job_id) for job_id in ids]


def test_message_of_a_due_job_equals_the_sample(sqs: SQSClient, url: str) -> None:
    """The form of the message that the runbook shows."""
    SqsSubmissions(sqs, url).enqueue([JOB])
    (record,) = sample("sqs-submissions-job-due")["Records"]
    assert received(sqs, url) == [record["body"]]


CHECKS = [
    TaskCheck(job_id=JOB, attempt=1, task_id="task-unified-1795166131-4k7q2m9x"),
    TaskCheck(job_id=JOB, attempt=2, task_id=None, is_poll=True),
]


@pytest.mark.parametrize("check", CHECKS)
def test_task_check_is_read_as_it_was_sent(sqs: SQSClient, url: str, check: TaskCheck) -> None:
    """Job, attempt, the hint of a task, and whether it is a poll."""
    SqsCallbacks(sqs, url).enqueue([check])
    assert [read_callback(body) for body in received(sqs, url)] == [check]


def test_message_of_a_callback_equals_the_sample(sqs: SQSClient, url: str) -> None:
    """The form of the message that the runbook shows."""
    SqsCallbacks(sqs, url).enqueue(CHECKS[:1])
    (record,) = sample("sqs-callbacks-completed")["Records"]
    assert [json.loads(body) for body in received(sqs, url)] == [json.loads(record["body"])]


def test_many_task_checks_are_sent_in_batches(sqs: SQSClient, url: str) -> None:
    """None is left out, none comes twice."""
    checks = [TaskCheck(job_id=JOB, attempt=number) for number in range(1, 24)]
    SqsCallbacks(sqs, url).enqueue(checks)
    read = [read_callback(body) for body in received(sqs, url)]
    assert sorted(read, key=str) == sorted(checks, key=str)


def test_request_for_variants_is_read_as_it_was_sent(sqs: SQSClient, url: str) -> None:
    """On the same queue as task checks."""
    request = RenderRequest(job_id=JOB, recipes=("web", "white"))
    SqsCallbacks(sqs, url).render([request])
    assert [read_callback(body) for body in received(sqs, url)] == [request]


@pytest.mark.parametrize("job_id", [None, JOB])
def test_removal_is_read_as_it_was_sent(sqs: SQSClient, url: str, job_id: str | None) -> None:
    """A key with every kind of character, the deletion's order, and whose version it was."""
    removal = Removal(bucket="uploads", key="Söhne/rot + 100%.jpg", order="00AB", job_id=job_id)
    SqsCallbacks(sqs, url).remove(removal)
    assert [read_callback(body) for body in received(sqs, url)] == [removal]


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (timedelta(0), 0),
        (timedelta(seconds=1.9), 1),
        (timedelta(minutes=15), 900),
        (timedelta(hours=1), 900),
    ],
)
def test_delay_is_at_most_what_sqs_allows(sqs: SQSClient, delay: timedelta, seconds: int) -> None:
    """A quarter of an hour: a request that comes too early is delayed again."""
    body = json.dumps({"job": JOB, "render": ["web"], "tries": 0})
    sent = {
        "QueueUrl": "https://sqs.example/queue",
        "Entries": [{"Id": "0", "MessageBody": body, "DelaySeconds": seconds}],
    }
    request = RenderRequest(job_id=JOB, recipes=("web",))
    with Stubber(sqs) as stubber:
        stubber.add_response("send_message_batch", {"Successful": [], "Failed": []}, sent)
        SqsCallbacks(sqs, "https://sqs.example/queue").render([request], delay=delay)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    "send",
    [
        lambda sqs, url: SqsSubmissions(sqs, url).enqueue(["one"]),
        lambda sqs, url: SqsCallbacks(sqs, url).enqueue(CHECKS[:1]),
    ],
    ids=["submissions", "callbacks"],
)
def test_message_that_sqs_did_not_accept_is_an_error(
    sqs: SQSClient, send: Callable[[SQSClient, str], None]
) -> None:
    """A batch may fail in part: the caller repeats it rather than losing the rest."""
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    with Stubber(sqs) as stubber:
        stubber.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
        with pytest.raises(StoreBusyError, match=r"^SQS did not take 1 messages$"):
            send(sqs, "https://sqs.example/queue")


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("version_id", ["v1", None])
def test_submitted_uploads_are_read_as_they_were_sent(
    sqs: SQSClient, url: str, version_id: str | None, lane: Lane
) -> None:
    """More than SQS takes in one request, any character in their keys, and their lanes."""
    sources = [
        a_source(key=f"Söhne/{number} + 写真.jpg", version_id=version_id, sequencer="0A1")
        for number in range(11)
    ]
    SqsSubmissions(sqs, url).queue(sources, lane)
    read = [read_submission(body) for body in received(sqs, url)]
    assert sorted(read, key=str) == sorted(
        (Uploaded(source=source, lane=lane) for source in sources), key=str
    )


def test_message_of_a_submitted_upload_equals_the_sample(sqs: SQSClient, url: str) -> None:
    """The form of the message that Submit's tests use."""
    (record,) = sample("sqs-submissions-found")["Records"]
    message = read_submission(record["body"])
    assert isinstance(message, Uploaded)
    SqsSubmissions(sqs, url).queue([message.source], message.lane)
    assert received(sqs, url) == [record["body"]]


def test_length_of_the_queue_is_read(sqs: SQSClient, url: str) -> None:
    """So that a command that queues many messages can wait."""
    upload_queue = SqsSubmissions(sqs, url)
    assert upload_queue.length() == 0
    upload_queue.queue([a_source(key=str(number)) for number in range(12)], Lane.BACKFILL)
    assert upload_queue.length() == 12
