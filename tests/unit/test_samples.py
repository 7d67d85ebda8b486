"""The samples in `events/` are realistic, and each is used by a test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.samples import FOLDER, sample

TESTS = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
EVOLINK_ERRORS = [name for name in NAMES if name.startswith("evolink-error-")]
SQS = [name for name in NAMES if name.startswith("sqs-")]
HTTP = [name for name in NAMES if name.startswith("http-api-")]
S3 = [name for name in NAMES if name.startswith("s3-")]


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_used(name: str) -> None:
    """If no test reads a sample, an error in it goes unnoticed."""
    short = name.removeprefix("evolink-error-").removeprefix("evolink-task-")
    used_by = [
        path
        for path in TESTS.rglob("test_*.py")
        if f'"{name}"' in (text := path.read_text()) or f'"{short}"' in text
    ]
    assert used_by, f"events/{name}.json is used by no test"


@pytest.mark.parametrize("name", NAMES)
def test_samples_have_the_same_formatting(name: str) -> None:
    """Two spaces, no escapes, one line break at the end."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text == json.dumps(sample(name), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", S3)
def test_s3_events_have_the_form_that_eventbridge_sends(name: str) -> None:
    """With source, type, and the object with its sequencer; keys are not quoted."""
    event = sample(name)
    assert event["source"] == "aws.s3"
    assert event["detail-type"] in {"Object Created", "Object Deleted"}
    assert {"key", "sequencer"} <= set(event["detail"]["object"])
    assert ("deletion-type" in event["detail"]) == (event["detail-type"] == "Object Deleted")


@pytest.mark.parametrize("name", SQS)
def test_queue_events_are_batches_of_complete_records(name: str) -> None:
    """With different ids, and the digest of the body."""
    records: list[dict[str, Any]] = sample(name)["Records"]
    assert len({record["messageId"] for record in records}) == len(records)
    for record in records:
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert (record["eventSource"], record["md5OfBody"]) == ("aws:sqs", digest)


@pytest.mark.parametrize("name", HTTP)
def test_callbacks_have_the_form_that_the_http_api_sends(name: str) -> None:
    """Payload format 2.0; path and path parameter have the same token."""
    event = sample(name)
    token = event["pathParameters"]["token"]
    assert event["version"] == "2.0"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == f"/callbacks/{token}"
    assert event["requestContext"]["http"]["method"] == ("GET" if name.endswith("get") else "POST")


def test_the_body_of_a_callback_is_the_task_as_read() -> None:
    """The provider posts what its API returns."""
    body = json.loads(sample("http-api-callback-completed")["body"])
    assert body == sample("evolink-task-completed")


@pytest.mark.parametrize("name", EVOLINK_ERRORS)
def test_the_providers_errors_have_their_status(name: str) -> None:
    """In one envelope; a numeric code is the status itself."""
    status = int(name.removeprefix("evolink-error-").partition("-")[0])
    error = sample(name)["error"]
    assert {"code", "message", "type"} <= set(error)
    assert error["code"] == status or isinstance(error["code"], str)


def test_sweep_gets_the_event_of_the_scheduler() -> None:
    """As EventBridge Scheduler sends it for a schedule without its own input."""
    event = sample("scheduler-sweep")
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["detail"] == "{}"


def test_the_sample_of_a_large_callback_is_stored_small() -> None:
    """A test fills its padding; the rest is authentic."""
    event = sample("http-api-callback-too-large")
    assert json.loads(event["body"])["padding"] == ""
    assert event["pathParameters"] == sample("http-api-callback-completed")["pathParameters"]


def test_a_get_has_no_body() -> None:
    """The URL was opened in a browser."""
    event = sample("http-api-callback-get")
    assert "body" not in event
    assert event["isBase64Encoded"] is False
