"""Submit: receives uploads and due jobs, and processes each message on its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from cutout.domain.callback_token import CallbackAddress, verify
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.functions.conftest import Start
from tests.functions.deployed import API_KEY, CALLBACK_URL, PREPARE_ROLE_ID, UPLOADS, Stack
from tests.support.builders import a_source
from tests.support.fakes.world import png
from tests.support.samples import SIGNING_KEY, sample
from tests.support.scripted_server import Loopback, answer, serving

CREATED = sample("evolink-create-200")
ACCEPTED = answer(200, json.dumps(CREATED).encode())
NO_CREDITS = answer(402, json.dumps(sample("evolink-error-402-insufficient-quota")).encode())
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
IDS = [f"059f36b4-87a3-44ab-83d2-66197537000{number}" for number in range(1, 5)]


def sqs(*bodies: object) -> dict[str, Any]:
    """Return a batch of the submissions queue: the sample's record around each body."""
    (record,) = sample("sqs-submissions-upload")["Records"]
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {
        "Records": [
            record | {"messageId": message_id, "body": text}
            for message_id, text in zip(IDS, texts, strict=False)
        ],
    }


def by_prepare(event: dict[str, Any]) -> dict[str, Any]:
    """Return the batch as SQS marks it when Prepare has sent it."""
    sender = {"SenderId": f"{PREPARE_ROLE_ID}:Cutout-Prepare"}
    records = [one | {"attributes": one["attributes"] | sender} for one in event["Records"]]
    return {"Records": records}


def created(stack: Stack, data: bytes, name: str = "s3-object-created") -> dict[str, Any]:
    """Return the sample event of an upload that exists in the bucket."""
    event = sample(name)
    photo = event["detail"]["object"]
    photo["version-id"] = stack.upload(photo["key"], data)
    photo["size"] = len(data)
    return event


def job_of(stack: Stack, event: dict[str, Any]) -> Job:
    """The job of an upload's event."""
    photo = event["detail"]["object"]
    (job,) = stack.jobs.of_source(UPLOADS, photo["key"], 10)
    return job


def posted(server: Loopback, number: int = 0) -> Any:
    """The body of a call."""
    return json.loads(server.requests[number].partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("name", ["s3-object-created", "s3-object-created-spaces-unicode"])
def test_upload_becomes_a_job_and_a_paid_call(name: str, stack: Stack, start: Start) -> None:
    """The whole way through AWS and HTTP, for any character in the key."""
    event = created(stack, png(), name)
    with serving(ACCEPTED) as server:
        submit = start("submit", server.url(""))
        assert submit(sqs(event)) == {"batchItemFailures": []}
    job = job_of(stack, event)
    assert (job.state, job.reason) == (State.PROCESSING, None)
    attempt = job.attempts[0]
    assert (attempt.task_id, attempt.outcome) == (CREATED["id"], AttemptOutcome.ACCEPTED)
    assert attempt.credits_reserved == Decimal(str(CREATED["usage"]["credits_reserved"]))
    (request,) = server.requests
    assert request.startswith(b"POST /v1/images/generations HTTP/1.1\r\n")
    headers = server.headers()
    assert headers["authorization"] == f"Bearer {API_KEY}"
    assert headers["idempotency-key"] == attempt.idempotency_key


def test_call_has_a_link_to_this_version_and_an_authentic_callback_url(
    stack: Stack,
    start: Start,
) -> None:
    """Signed with signature version 4, by the session of the role that can only read uploads."""
    event = created(stack, png(), "s3-object-created-spaces-unicode")
    with serving(ACCEPTED) as server:
        start("submit", server.url(""))(sqs(event))
    told = posted(server)
    assert set(told) == {"model", "image_urls", "callback_url"}
    link = urlsplit(told["image_urls"][0])
    photo = event["detail"]["object"]
    assert unquote(link.path) == f"/{UPLOADS}/{photo['key']}"
    query = parse_qs(link.query)
    assert query["versionId"] == [photo["version-id"]]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["3000"]
    assert "X-Amz-Security-Token" in query
    base, _, token = told["callback_url"].rpartition("/")
    assert base == f"{CALLBACK_URL}/callbacks"
    address = CallbackAddress(job_id=job_of(stack, event).id, attempt=1)
    assert verify(token, [SIGNING_KEY], datetime.now(UTC)) == address


def test_batch_reports_only_the_message_that_failed(stack: Stack, start: Start) -> None:
    """Text that is no JSON goes to the dead letters; its neighbours are processed."""
    event = created(stack, png())
    unknown = {"job": "f" * 32}
    mixed = sample("sqs-submissions-mixed-batch")["Records"]
    assert [record["messageId"] for record in mixed] == IDS
    bodies = [event, *(record["body"] for record in mixed[1:2]), unknown]
    with serving(ACCEPTED) as server:
        submit = start("submit", server.url(""))
        report = submit(sqs(*bodies))
    assert report == {"batchItemFailures": [{"itemIdentifier": IDS[1]}]}
    assert job_of(stack, event).state is State.PROCESSING


def test_mixed_batch_of_the_samples_is_processed(stack: Stack, start: Start) -> None:
    """A deleted upload, invalid text, its own job once more, and its deletion."""
    submit = start("submit")
    report = submit(sample("sqs-submissions-mixed-batch"))
    assert report == {"batchItemFailures": [{"itemIdentifier": IDS[1]}]}
    (job,) = stack.jobs.of_source(UPLOADS, "shoes/red.jpg", 10)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    head = stack.jobs.newest(f"{UPLOADS}/shoes/red.jpg")
    order = a_source(sequencer="00691EDA003C4B2A13").order
    assert head == LatestVersion(source_ref=f"{UPLOADS}/shoes/red.jpg", order=order, job_id=None)


def test_due_job_is_processed(stack: Stack, start: Start) -> None:
    """The sample of Sweep's message, for a job whose first worker crashed."""
    event = created(stack, png())
    photo = event["detail"]["object"]
    source = a_source(
        bucket=UPLOADS,
        key=photo["key"],
        version_id=photo["version-id"],
        size=photo["size"],
    )
    now = datetime.now(UTC)
    job = stack.jobs.claim(Job.begin(source, now=now, due_at=now))
    (record,) = sample("sqs-submissions-job-due")["Records"]
    message = json.loads(record["body"]) | {"job": job.id}
    with serving(ACCEPTED) as server:
        assert start("submit", server.url(""))(sqs(message)) == {"batchItemFailures": []}
    assert job_of(stack, event).state is State.PROCESSING


@pytest.mark.parametrize(
    "sample_name", ["s3-object-created", "s3-object-deleted", "s3-object-version-deleted"]
)
def test_prepare_cannot_send_messages_of_s3(sample_name: str, stack: Stack, start: Start) -> None:
    """A photo may have taken it over: its messages are reports, or are refused and counted."""
    event = created(stack, png())
    said = event if sample_name == "s3-object-created" else sample(sample_name)
    with serving(ACCEPTED) as server:
        submit = start("submit", server.url(""))
        if said is not event:
            submit(sqs(event))
        before = stack.jobs.newest(f"{UPLOADS}/shoes/red.jpg")
        assert submit(by_prepare(sqs(said, {"job": "f" * 32}, "{"))) == {"batchItemFailures": []}
    assert stack.jobs.newest(f"{UPLOADS}/shoes/red.jpg") == before
    assert submit.printed().metrics["ReportsRefused"] == [1, 1, 1]


def test_repeated_event_makes_no_second_call(stack: Stack, start: Start) -> None:
    """Neither in the same function nor in one that starts cold."""
    event = created(stack, png())
    with serving(ACCEPTED) as server:
        submit = start("submit", server.url(""))
        submit(sqs(event, event))
        start("submit", server.url(""))(sqs(event))
    assert len(server.requests) == 1


def test_event_of_a_deleted_version_is_ignored(stack: Stack, start: Start) -> None:
    """Old versions expire under a lifecycle rule; the key itself still exists."""
    assert start("submit")(sqs(sample("s3-object-version-deleted"))) == {"batchItemFailures": []}
    assert stack.jobs.newest(f"{UPLOADS}/shoes/red.jpg") is None


def test_upload_that_is_no_photo_is_rejected_and_announced_without_a_call(
    stack: Stack,
    start: Start,
) -> None:
    """The event on the bus equals the sample."""
    event = created(stack, b"a text, renamed")
    submit = start("submit")
    assert submit(sqs(event)) == {"batchItemFailures": []}
    job = job_of(stack, event)
    assert (job.state, job.reason) == (State.REJECTED, Reason.NOT_A_PHOTO)
    (told,) = stack.received(stack.events_url)
    documented = sample("cutout-failed")
    assert (told["source"], told["detail-type"]) == (
        documented["source"],
        documented["detail-type"],
    )
    assert set(told["detail"]) == set(documented["detail"])
    assert told["detail"] | {"seconds": 0} == {
        "schema": "1.2",
        "job": job.id,
        "state": "rejected",
        "reason": "not-a-photo",
        "code": None,
        "message": "the content is not a picture, whatever its name",
        "source": {
            "bucket": UPLOADS,
            "key": "shoes/red.jpg",
            "version": event["detail"]["object"]["version-id"],
        },
        "result": None,
        "variants": [],
        "variants_failed": [],
        "credits": 0.0,
        "reused": None,
        "decision": None,
        "seconds": 0,
    }
    assert submit.printed().metrics == {"JobsRejected": [1.0], "CreditsCharged": [0.0]}


def test_empty_account_pauses_the_gate(stack: Stack, start: Start) -> None:
    """The message is processed, the job waits in the table, and the pause is counted."""
    event = created(stack, png())
    with serving(NO_CREDITS) as server:
        submit = start("submit", server.url(""))
        assert submit(sqs(event)) == {"batchItemFailures": []}
    job = job_of(stack, event)
    assert (job.state, job.is_waiting, job.code) == (State.QUEUED, True, "insufficient_quota")
    assert stack.jobs.read_gate().pause is not None
    printed = submit.printed()
    assert printed.metrics == {"JobsAdmitted": [1.0], "GatePauses": [1.0]}
    assert printed.dimensions == {"stack": "Cutout", "service": "cutout"}


@pytest.mark.parametrize(
    "key",
    [
        {"SecretString": "not-set"},
        {"SecretString": "sk-1\nsk-2"},
        {"SecretString": "\u201csk-1\u201d"},
        {"SecretString": '{"key": "sk-1"}'},
        {"SecretBinary": b"sk-1"},
    ],
    ids=["not set", "two lines", "smart quotes", "JSON", "binary"],
)
def test_key_that_cannot_be_sent_pauses_the_gate_before_any_call(
    key: dict[str, Any], stack: Stack, start: Start
) -> None:
    """Like a refused key; no slot is taken, and nothing looks as if it had been paid."""
    stack.clients.secrets.put_secret_value(SecretId="Cutout/evolink-api-key", **key)
    event = created(stack, png())
    with serving(ACCEPTED) as server:
        start("submit", server.url(""))(sqs(event))
    job, gate = job_of(stack, event), stack.jobs.read_gate()
    assert (server.requests, job.attempts, job.reason) == ([], (), Reason.GATE_PAUSED)
    assert gate.pause is not None
    assert (gate.in_flight, gate.pause.reason) == (0, PauseReason.KEY_REFUSED)


def test_log_says_what_happened_and_has_no_secret(
    stack: Stack,
    start: Start,
) -> None:
    """Every line names the job and is searchable; no key, token, link, signature or body."""
    event = created(stack, png())
    with serving(ACCEPTED) as server:
        submit = start("submit", server.url(""))
        submit(sqs(event, "this is not JSON"))
    told = posted(server)
    printed = submit.printed()
    job = job_of(stack, event)
    lines = [line for line in printed.lines if line.get("job_id") == job.id]
    assert [line["message"] for line in lines] == ["job processed", "job moved"]
    assert [line["state"] for line in lines] == ["queued", "processing"]
    assert printed.metrics == {"JobsAdmitted": [1.0], "StepsFailed": [1.0]}
    link = told["image_urls"][0]
    secrets = {
        "API key": API_KEY,
        "signing key": SIGNING_KEY.decode(),
        "token": told["callback_url"].rpartition("/")[2],
        "token's signature": told["callback_url"].rpartition(".")[2],
        "link": link,
        "link's signature": parse_qs(urlsplit(link).query)["X-Amz-Signature"][0],
        "a signature": "X-Amz-Signature",
        "a session": "X-Amz-Security-Token",
        "a body": "image_urls",
    }
    assert [name for name, secret in secrets.items() if secret in printed.text] == []


def test_message_for_an_unknown_job_is_logged(start: Start) -> None:
    """The job may have expired; that is no failure."""
    submit = start("submit")
    assert submit(sqs({"job": "f" * 32})) == {"batchItemFailures": []}
    (line,) = submit.printed().lines
    assert (line["message"], line["due_job"]) == ("message for an unknown job", "f" * 32)
