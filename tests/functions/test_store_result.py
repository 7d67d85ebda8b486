"""StoreResult: receives callbacks and polls, reads tasks and stores their results."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cutout.domain.callback_token import CallbackAddress, sign
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.job.source import Photo
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.operator.list_jobs import JobFilter
from tests.functions.conftest import Start
from tests.functions.deployed import ANN, API_KEY, RESULTS, UPLOADS, Printed, Stack
from tests.support.builders import a_source
from tests.support.drawing import SMALL, TRANSPARENT
from tests.support.samples import SIGNING_KEY, sample
from tests.support.scripted_server import Script, answer, serving

KEY = "Schuhe & Söhne/rot + weiß 100%/写真 (1).JPG"
RESULT_KEY = "Schuhe & Söhne/rot + weiß 100%/写真 (1).png"
COMPLETED = sample("evolink-task-completed")
TASK = COMPLETED["id"]
CUT_OUT = TRANSPARENT["png, alpha"]
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
METADATA, TAGS = {"sku": "4711"}, {"shop": "north + south"}


def running(stack: Stack, **facts: Any) -> Job:
    """Return a job whose task runs, for a photo in the bucket with labels of its own."""
    version = stack.upload(KEY, SMALL["jpeg"], Metadata=METADATA, Tagging="shop=north+%2B+south")
    source = a_source(bucket=UPLOADS, key=KEY, version_id=version)
    now = datetime.now(UTC)
    attempt = Attempt(
        number=1,
        idempotency_key=f"cutout-{source.job_id}-1",
        started_at=now,
        body_name="0f0f0f0f0f0f0f0f",
        outcome=AttemptOutcome.ACCEPTED,
        task_id=TASK,
        credits_reserved=Decimal("5.4"),
        shard=0,
    )
    job = Job.begin(source, now=now, due_at=now + timedelta(seconds=150))
    usual: dict[str, Any] = {
        "state": State.PROCESSING,
        "photo": Photo(format="jpeg", width=30, height=20, sha256="c0" * 32),
        "result_key": RESULT_KEY,
        "attempts": (attempt,),
    }
    return stack.jobs.claim(replace(job, **(usual | facts)))


def batch(name: str, job: Job) -> dict[str, Any]:
    """A sample of the callbacks queue, about this job."""
    event = sample(name)
    for record in event["Records"]:
        record["body"] = json.dumps(json.loads(record["body"]) | {"job": job.id})
    return event


def task(server_url: str, name: str = "evolink-task-completed") -> Script:
    """Return the API's answer to a read; results are on this server."""
    told = sample(name)
    if "results" in told:
        told["results"] = [f"{server_url}/media/x.png?secret=of-the-link"]
    return answer(200, json.dumps(told).encode())


@dataclass(frozen=True)
class Run:
    """One invocation of StoreResult: what it reported, printed and requested."""

    report: Any
    printed: Printed
    requests: list[bytes]


def run(start: Start, event: dict[str, Any], *scripts: Script) -> Run:
    """Invoke StoreResult with a provider that answers so."""
    with serving(*scripts) as server:
        store = start("store-result", server.url(""))
        report = store(event)
    return Run(report, store.printed(), server.requests)


def completed_task(connection: socket.socket) -> None:
    """Return a finished task; its result is on the server that answers."""
    host, port = connection.getsockname()
    task(f"http://{host}:{port}")(connection)


PICTURE = answer(200, CUT_OUT, Content_Type="image/png")
DOUBTFUL = answer(200, SMALL["png"], Content_Type="image/png")


@pytest.mark.parametrize(
    ("verdict", "state"), [(Verdict.ACCEPT, State.COMPLETED), (Verdict.REJECT, State.FAILED)]
)
def test_persons_decision_is_carried_out(
    verdict: Verdict, state: State, stack: Stack, start: Start
) -> None:
    """The operator writes it on the job; the message is a poll like any other."""
    job = running(stack)
    run(start, batch("sqs-callbacks-completed", job), completed_task, DOUBTFUL)
    reviews = stack.reviews()
    doubtful = next(reviews.queue(JobFilter()))
    assert doubtful.reason is Reason.RESULT_OPAQUE
    assert reviews.decide(doubtful.job, verdict, ANN).problem is None
    ran = run(start, batch("sqs-callbacks-poll", job))
    assert (ran.report, ran.requests) == ({"batchItemFailures": []}, [])
    done = stack.jobs.find(job.id)
    assert done is not None
    assert done.decision is not None
    assert (done.state, done.reason, done.decision.by) == (state, verdict.reason, ANN)
    listed = stack.clients.s3.list_objects_v2(Bucket=RESULTS)["Contents"]
    is_published = RESULT_KEY in {one["Key"] for one in listed}
    assert is_published == (verdict is Verdict.ACCEPT)


@pytest.mark.parametrize("name", ["sqs-callbacks-completed", "sqs-callbacks-poll"])
def test_finished_task_is_stored(name: str, stack: Stack, start: Start) -> None:
    """Read, downloaded, accepted, stored with its labels, recorded: by a callback or by a poll."""
    job = running(stack)
    ran = run(start, batch(name, job), completed_task, PICTURE)
    assert ran.report == {"batchItemFailures": []}
    done = stack.jobs.find(job.id)
    assert done is not None
    assert (done.state, done.credits, done.is_announced) == (
        State.COMPLETED,
        Decimal("5.4"),
        True,
    )
    assert [a.body_name for a in done.attempts] == [None]
    stored = stack.clients.s3.get_object(Bucket=RESULTS, Key=RESULT_KEY)
    assert stored["Body"].read() == CUT_OUT
    assert stored["ContentType"] == "image/png"
    assert stored["Metadata"] == METADATA | {
        "cutout-job": job.id,
        "cutout-source-version": job.source.version_id,
        "cutout-source-order": job.source.order,
        "cutout-model": "mj-v7-remove-bg",
        "cutout-task": TASK,
    }
    tagging = stack.clients.s3.get_object_tagging(Bucket=RESULTS, Key=RESULT_KEY)
    assert {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]} == TAGS
    assert ran.requests[0].startswith(f"GET /v1/tasks/{TASK} HTTP/1.1\r\n".encode())
    assert b"authorization" not in ran.requests[1].lower()
    recovered = {"RecoveredByPoll": [1.0]} if name.endswith("poll") else {}
    (seconds,) = ran.printed.metrics.pop("SecondsToComplete")
    assert 0 < seconds < 60
    assert ran.printed.metrics == recovered | {
        "JobsCompleted": [1.0],
        "FailedPercent": [0.0],
        "CreditsCharged": [5.4],
    }
    assert ran.printed.dimensions == {"stack": "Cutout", "service": "cutout"}


def test_event_of_a_completed_job_equals_the_sample(stack: Stack, start: Start) -> None:
    """Listeners depend on its fields."""
    job = running(stack)
    run(start, batch("sqs-callbacks-completed", job), completed_task, PICTURE)
    (told,) = stack.received(stack.events_url)
    documented = sample("cutout-completed")
    assert (told["source"], told["detail-type"]) == ("cutout", documented["detail-type"])
    assert set(told["detail"]) == set(documented["detail"])
    assert told["detail"]["result"] == {
        "bucket": RESULTS,
        "key": RESULT_KEY,
        "size": len(CUT_OUT),
        "width": 30,
        "height": 20,
    }


@pytest.mark.parametrize(
    ("name", "state", "reason", "code"),
    [
        ("evolink-task-pending", State.PROCESSING, None, None),
        ("evolink-task-processing", State.PROCESSING, None, None),
        (
            "evolink-task-failed",
            State.FAILED,
            Reason.TASK_FAILED,
            sample("evolink-task-failed")["error"]["code"],
        ),
        ("evolink-task-cancelled", State.QUEUED, Reason.TASK_RETRIED, "request_cancelled"),
    ],
)
def test_task_without_a_result_changes_its_job(
    name: str,
    state: State,
    reason: Reason | None,
    code: str | None,
    stack: Stack,
    start: Start,
) -> None:
    """Each sample of a task, and each of an error, through the whole function."""
    job = running(stack)
    ran = run(start, batch("sqs-callbacks-completed", job), task("", name))
    after = stack.jobs.find(job.id)
    assert after is not None
    assert ran.report == {"batchItemFailures": []}
    assert (after.state, after.reason, after.code) == (state, reason, code)


BUSY = answer(503, b"<html>busy</html>")


def test_busy_api_leaves_the_job_processing(stack: Stack, start: Start) -> None:
    """Sweep enqueues it again; the message is processed."""
    job = running(stack)
    ran = run(start, batch("sqs-callbacks-completed", job), BUSY)
    after = stack.jobs.find(job.id)
    assert after is not None
    assert ran.report == {"batchItemFailures": []}
    assert (after.state, after.message) == (State.PROCESSING, "the API answers 503")


def test_busy_api_leaves_the_callbacks_task_on_the_job(
    stack: Stack,
    start: Start,
) -> None:
    """Only the callback names it, and may never come again."""
    job = running(stack)
    unknown = replace(job.attempts[0], task_id=None, outcome=AttemptOutcome.UNKNOWN)
    job = stack.jobs.save(replace(job, state=State.UNCONFIRMED, attempts=(unknown,)))
    event = batch("sqs-callbacks-completed", job)
    ran = run(start, event, BUSY)
    assert ran.report == {"batchItemFailures": []}
    after = stack.jobs.find(job.id)
    assert after is not None
    (attempt,) = after.attempts
    (record,) = event["Records"]
    named = json.loads(record["body"])["task_id"]
    assert (after.state, attempt.task_id, attempt.named_task) == (State.UNCONFIRMED, None, named)


def test_foreign_message_is_reported_as_failed_and_its_neighbour_is_not(
    stack: Stack,
    start: Start,
) -> None:
    """It goes to the dead letters by itself."""
    job = running(stack)
    event = batch("sqs-callbacks-completed", job)
    (record,) = event["Records"]
    event["Records"].append(record | {"messageId": "odd", "body": '{"attempt": 1}'})
    ran = run(start, event, completed_task, PICTURE)
    assert ran.report == {"batchItemFailures": [{"itemIdentifier": "odd"}]}


@pytest.mark.parametrize(
    ("body", "job_id", "error"),
    [
        ('{"job": "0f0f", "attempt": "x"}', "0f0f", "MessageError"),
        ('{"attempt": 1}', None, "MessageError"),
        ("[]", None, "MessageError"),
        ("nothing", None, "MessageError"),
    ],
)
def test_log_has_the_cause_of_a_failed_message(
    body: str, job_id: str | None, error: str, stack: Stack, start: Start
) -> None:
    """Only the log has it: Lambda counts no error, and a dead letter has no cause."""
    event = batch("sqs-callbacks-completed", running(stack))
    (record,) = event["Records"]
    record["body"] = body
    ran = run(start, event)
    assert len(ran.report["batchItemFailures"]) == 1
    (line,) = (line for line in ran.printed.lines if line["level"] == "ERROR")
    assert (line.get("job_id"), line["message_id"], line["receives"], line["exception_name"]) == (
        job_id,
        record["messageId"],
        record["attributes"]["ApproximateReceiveCount"],
        error,
    )
    assert "Traceback" in line["exception"]


def test_log_names_job_and_attempt_and_no_secret(stack: Stack, start: Start) -> None:
    """No key, no token, no link to a result, no body."""
    job = running(stack)
    ran = run(
        start,
        batch("sqs-callbacks-completed", job),
        completed_task,
        PICTURE,
    )
    ours = {(line.get("job_id"), line.get("attempt")) for line in ran.printed.lines}
    assert ours == {(job.id, 1)}
    assert [line["message"] for line in ran.printed.lines] == [
        "job processed",
        "task read",
        "job moved",
        "job moved",
    ]
    address = CallbackAddress(job_id=job.id, attempt=1)
    token = sign(address, SIGNING_KEY, datetime.now(UTC))
    of_links = ("secret=of-the-link", "X-Amz-Signature", "/media/")
    secrets = (API_KEY, SIGNING_KEY.decode(), token, *of_links)
    assert [secret for secret in secrets if secret in ran.printed.text] == []
