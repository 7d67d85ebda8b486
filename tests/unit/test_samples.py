"""The samples in `events/`: real shapes, each used by a test."""

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
def test_samples_are_written_alike(name: str) -> None:
    """Two spaces, characters as they are, one line break at the end."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text == json.dumps(sample(name), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", S3)
def test_s3s_events_come_as_eventbridge_sends_them(name: str) -> None:
    """Source, kind, and the object with its sequencer; keys are not quoted there."""
    event = sample(name)
    assert event["source"] == "aws.s3"
    assert event["detail-type"] in {"Object Created", "Object Deleted"}
    assert {"key", "sequencer"} <= set(event["detail"]["object"])
    assert ("deletion-type" in event["detail"]) == (event["detail-type"] == "Object Deleted")


@pytest.mark.parametrize("name", SQS)
def test_queue_events_are_batches_whose_bodies_are_whole(name: str) -> None:
    """Lambda gives SQS messages in records; ids differ, and the digest is the body's."""
    records: list[dict[str, Any]] = sample(name)["Records"]
    assert len({record["messageId"] for record in records}) == len(records)
    for record in records:
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert (record["eventSource"], record["md5OfBody"]) == ("aws:sqs", digest)


@pytest.mark.parametrize("name", HTTP)
def test_callbacks_come_as_the_http_api_sends_them(name: str) -> None:
    """Payload format 2.0; path and path parameter name one token."""
    event = sample(name)
    token = event["pathParameters"]["token"]
    assert event["version"] == "2.0"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == f"/callbacks/{token}"
    assert event["requestContext"]["http"]["method"] == ("GET" if name.endswith("get") else "POST")


def test_the_callbacks_body_is_the_task_as_it_is_read() -> None:
    """The provider posts what its task read answers."""
    body = json.loads(sample("http-api-callback-completed")["body"])
    assert body == sample("evolink-task-completed")


@pytest.mark.parametrize("name", EVOLINK_ERRORS)
def test_the_providers_errors_name_their_status(name: str) -> None:
    """One envelope; a numeric code is the status itself."""
    status = int(name.removeprefix("evolink-error-").partition("-")[0])
    error = sample(name)["error"]
    assert {"code", "message", "type"} <= set(error)
    assert error["code"] == status or isinstance(error["code"], str)


def test_sweep_is_started_by_the_scheduler() -> None:
    """What EventBridge Scheduler sends where a schedule names no input of its own."""
    event = sample("scheduler-sweep")
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["detail"] == "{}"


def test_the_callback_that_is_too_large_is_small_here() -> None:
    """A test fills its padding; everything else about it is authentic."""
    event = sample("http-api-callback-too-large")
    assert json.loads(event["body"])["padding"] == ""
    assert event["pathParameters"] == sample("http-api-callback-completed")["pathParameters"]


def test_a_get_has_no_body() -> None:
    """The URL was opened in a browser."""
    event = sample("http-api-callback-get")
    assert "body" not in event
    assert event["isBase64Encoded"] is False
