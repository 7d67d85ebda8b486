"""ReceiveCallback: the only public function."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.functions.conftest import Start
from tests.functions.deployed import Stack
from tests.support.samples import SIGNING_KEY, sample

JOB = "a00fc0b0b75cd1e67b0d7024ca35e9a9"
TASK = "task-unified-1795166131-4k7q2m9x"
UNNAMED = {"job": JOB, "attempt": 1, "is_poll": False, "is_taken": True}
WAKE = UNNAMED | {"task_id": TASK}
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def authentic(**changes: Any) -> dict[str, Any]:
    """Return the sample of a callback that the provider sends."""
    return sample("http-api-callback-completed") | changes


def test_authentic_callback_is_queued_and_answered_at_once(stack: Stack, start: Start) -> None:
    """With 202, no body, and a message for StoreResult."""
    receive = start("receive-callback")
    assert receive(authentic()) == {"statusCode": 202, "headers": {"Cache-Control": "no-store"}}
    assert stack.received(stack.callbacks_url) == [WAKE]
    printed = receive.printed()
    (line,) = printed.lines
    assert (line["message"], line["job_id"], line["attempt"]) == ("callback received", JOB, 1)
    assert printed.metrics == {}


@pytest.mark.parametrize(
    "body",
    [base64.b64encode(authentic()["body"].encode()).decode(), "%%% not base64"],
)
def test_base64_body_is_decoded_or_ignored(
    body: str,
    stack: Stack,
    start: Start,
) -> None:
    """API Gateway encodes what is not declared as text; only the URL must be valid."""
    receive = start("receive-callback")
    assert receive(authentic(body=body, isBase64Encoded=True))["statusCode"] == 202
    expected = UNNAMED if body.startswith("%") else WAKE
    assert stack.received(stack.callbacks_url) == [expected]


def test_callback_may_come_without_a_body(stack: Stack, start: Start) -> None:
    """The token names job and attempt."""
    receive = start("receive-callback")
    event = authentic()
    del event["body"]
    assert receive(event)["statusCode"] == 202
    assert stack.received(stack.callbacks_url) == [UNNAMED]


def too_large() -> dict[str, Any]:
    """Return a body of more than 64 KiB."""
    event = sample("http-api-callback-too-large")
    return event | {"body": event["body"].replace('"padding": ""', f'"padding": "{"x" * 65536}"')}


REFUSED = {
    "forged": (sample("http-api-callback-forged"), 403, [1.0]),
    "malformed token": (authentic(pathParameters={"token": "x"}), 404, [1.0]),
    "no token": (authentic(pathParameters={}), 404, [1.0]),
    "no path": (authentic(pathParameters=None), 404, [1.0]),
    "wrong method": (sample("http-api-callback-get"), 405, None),
    "too large": (too_large(), 413, None),
}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * 65_536, 202), (b"x" * 65_537, 413), ("ü".encode() * 32_769, 413)],
)
@pytest.mark.parametrize("is_base64", [True, False])
def test_body_is_measured_in_its_own_bytes(
    body: bytes,
    status: int,
    is_base64: bool,  # noqa: FBT001 - a column of the table
    start: Start,
) -> None:
    """Neither in the characters of its base64 nor in those of its text."""
    text = base64.b64encode(body).decode() if is_base64 else body.decode()
    answer = start("receive-callback")(authentic(body=text, isBase64Encoded=is_base64))
    assert answer["statusCode"] == status


@pytest.mark.parametrize("case", REFUSED)
def test_callback_that_is_not_authentic_is_refused_at_once(
    case: str,
    stack: Stack,
    start: Start,
) -> None:
    """Nothing is queued; refused tokens are counted."""
    event, status, counted = REFUSED[case]
    receive = start("receive-callback")
    assert receive(event) == {"statusCode": status, "headers": {"Cache-Control": "no-store"}}
    assert stack.received(stack.callbacks_url) == []
    assert receive.printed().metrics.get("CallbacksRefused") == counted


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_that_could_be_replayed_is_logged(case: str, start: Start) -> None:
    """No token, no key, no body, whatever the answer."""
    event, _status, _counted = REFUSED[case]
    receive = start("receive-callback")
    receive(event)
    receive(authentic())
    text = receive.printed().text
    tokens = {told["pathParameters"]["token"] for told in (authentic(), REFUSED["forged"][0])}
    secrets = {part for token in tokens for part in (token, token.rpartition(".")[2])}
    found = [secret for secret in (*secrets, SIGNING_KEY.decode(), TASK) if secret in text]
    assert found == []


def test_callbacks_under_the_previous_key_are_accepted_after_a_rotation(
    stack: Stack,
    start: Start,
) -> None:
    """Tasks run for a while; the URLs that the provider has stay valid."""
    secrets = stack.clients.secrets
    secrets.put_secret_value(SecretId="Cutout/callback-signing-key", SecretString="n" * 64)
    receive = start("receive-callback")
    assert receive(authentic())["statusCode"] == 202
    assert receive(sample("http-api-callback-forged"))["statusCode"] == 403
    assert len(stack.received(stack.callbacks_url)) == 1
