"""Making the paid call: its outcomes differ in who has paid."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.provider_outcomes import Accepted, NotSent, OutcomeUnknown
from tests.support.provider_transport import Key, Provider, api
from tests.support.samples import sample

TASK = "task-unified-1795166131-4k7q2m9x"
BODY = '{"model": "mj-v7-remove-bg", "image_urls": ["https://x/ü?a=b&c=d"]}'
ACCEPTED = Accepted(task_id=TASK, credits_reserved=Decimal("5.4"))
HTML = b"<html><body>502 Bad Gateway</body></html>"


def created(answer: httpx.Response | Exception) -> object:
    """Return the outcome of a call with this answer."""
    return api(Provider([answer])).create(BODY, "cutout-1-1")


def test_call_is_sent_as_it_was_recorded() -> None:
    """Path, exact body, idempotency key and API key: a repeat must be the same call."""
    provider = Provider([httpx.Response(200, json=sample("evolink-create-200"))])
    assert api(provider).create(BODY, "cutout-1-1") == ACCEPTED
    (request,) = provider.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://api.evolink.ai/v1/images/generations",
    )
    assert request.content == BODY.encode()
    assert request.headers["idempotency-key"] == "cutout-1-1"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_a_task_id_is_accepted(status: int) -> None:
    """The documented status is 200; other ones of success mean the same."""
    assert created(httpx.Response(status, json=sample("evolink-create-200"))) == ACCEPTED


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"id": TASK}, Accepted(task_id=TASK, credits_reserved=None)),
        ({"task_id": TASK}, Accepted(task_id=TASK, credits_reserved=None)),
        ({"data": {"id": TASK}}, Accepted(task_id=TASK, credits_reserved=None)),
        ({"id": 7}, Accepted(task_id="7", credits_reserved=None)),
        ({"id": TASK, "usage": None}, Accepted(task_id=TASK, credits_reserved=None)),
        (
            {"id": TASK, "usage": {"credits_reserved": 2}},
            Accepted(task_id=TASK, credits_reserved=Decimal(2)),
        ),
        (
            {"id": TASK, "usage": {"credits_reserved": "1.8"}},
            Accepted(task_id=TASK, credits_reserved=Decimal("1.8")),
        ),
        (
            {"id": TASK, "usage": {"credits_reserved": -1}},
            Accepted(task_id=TASK, credits_reserved=None),
        ),
        (
            {"id": TASK, "usage": {"credits_reserved": True}},
            Accepted(task_id=TASK, credits_reserved=None),
        ),
        (
            {"id": TASK, "usage": {"credits_reserved": "much"}},
            Accepted(task_id=TASK, credits_reserved=None),
        ),
        (
            {"id": TASK, "status": "processing", "progress": 1},
            Accepted(task_id=TASK, credits_reserved=None),
        ),
    ],
)
def test_accepted_call_needs_only_the_task_id(told: dict[str, object], outcome: Accepted) -> None:
    """Every other field may be missing or unreadable."""
    assert created(httpx.Response(200, json=told)) == outcome


def test_credits_that_are_not_a_number_are_left_out() -> None:
    """Some JSON libraries write NaN and Infinity."""
    for number in ("NaN", "Infinity", "-Infinity"):
        body = f'{{"id": "{TASK}", "usage": {{"credits_reserved": {number}}}}}'
        outcome = created(httpx.Response(200, content=body))
        assert outcome == Accepted(task_id=TASK, credits_reserved=None)


@pytest.mark.parametrize(
    ("value", "is_replay"), [("true", True), ("True", True), ("false", False), ("", False)]
)
@pytest.mark.parametrize("name", ["idempotency-replayed", "Idempotency-Replayed"])
def test_replay_differs_from_a_new_task(
    name: str,
    value: str,
    is_replay: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Only the provider can say that a repeat was not charged again."""
    answer = httpx.Response(200, json={"id": TASK}, headers={name: value})
    assert created(answer) == Accepted(task_id=TASK, credits_reserved=None, is_replay=is_replay)


@pytest.mark.parametrize(
    ("name", "status", "code", "message"),
    [
        ("400-invalid-request", 400, "invalid_request", "Invalid request parameters"),
        ("401-unauthorized", 401, "unauthorized", "Invalid or expired token"),
        (
            "402-insufficient-quota",
            402,
            "insufficient_quota",
            "Insufficient quota. Please top up your account.",
        ),
        ("402-numeric", 402, "402", "Insufficient credits"),
        (
            "403-model-access-denied",
            403,
            "model_access_denied",
            "Token does not have access to model: mj-v7-remove-bg",
        ),
        (
            "409-idempotency-conflict",
            409,
            "idempotency_conflict",
            "The idempotency key was used with another body",
        ),
        (
            "409-paid-outcome-unknown",
            409,
            "paid_outcome_unknown",
            "An earlier request with this key is not decided yet",
        ),
        ("413-numeric", 413, "413", "Request too large"),
        (
            "429-rate-limit",
            429,
            "rate_limit_exceeded",
            "Too many requests, please try again later",
        ),
        ("429-numeric", 429, "429", "Rate limit exceeded"),
    ],
)
def test_refusals_have_the_providers_code_and_message(
    name: str, status: int, code: str, message: str
) -> None:
    """In both of its forms: codes as text and as numbers."""
    answer = httpx.Response(status, json=sample(f"evolink-error-{name}"))
    assert created(answer) == refusal(status=status, code=code, message=message)


NOT_THE_APIS = [
    b"",
    HTML,
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"message": "Forbidden"}',
    b'{"error": "Forbidden", "status": 403}',
    b'{"error": {}}',
    b'{"type": "https://developers.cloudflare.com/", "title": "Error 1020", "status": 403}',
    b"\xff",
]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 415, 422])
@pytest.mark.parametrize("content", NOT_THE_APIS)
def test_outcome_is_unknown_if_a_proxy_answers_with_a_refusal(status: int, content: bytes) -> None:
    """Some proxies replace an answer: the call may have been accepted."""
    provider = Provider([httpx.Response(status, content=content)])
    outcome = api(provider, Key("sk-1", "sk-2")).create(BODY, "cutout-1-1")
    assert outcome == OutcomeUnknown(message=f"the API answers {status} without a task id")
    assert len(provider.requests) == 1


@pytest.mark.parametrize("content", NOT_THE_APIS)
def test_a_429_is_a_refusal_with_and_without_a_body(content: bytes) -> None:
    """The call was not passed on; the API's own 429 may come without a body."""
    assert created(httpx.Response(429, content=content)) == refusal(
        status=429, code="http_429", message="the API answers 429"
    )


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "c" * 500_000}, "c" * 100, "the API answers 400"),
        ({"code": "a\ud800b", "message": "\udfff"}, "a?b", "?"),
        ({"code": ["x"], "message": {"a": 1}}, "http_400", "{'a': 1}"),
        ({"code": True, "type": "invalid_request_error"}, "http_400", "the API answers 400"),
        ({"code": 400}, "400", "the API answers 400"),
    ],
)
def test_code_and_message_of_a_refusal_are_shortened_to_what_can_be_stored(
    error: dict[str, object], code: str, message: str
) -> None:
    """Neither their length nor invalid text keeps an outcome from being recorded."""
    outcome = created(httpx.Response(400, content=json.dumps({"error": error}).encode()))
    assert outcome == refusal(status=400, code=code, message=message)


@pytest.mark.parametrize(
    "answer",
    [
        *(httpx.Response(status, content=HTML) for status in (500, 502, 503, 504, 520, 524)),
        httpx.Response(500, json=sample("evolink-error-500-internal-error")),
        httpx.Response(503, json=sample("evolink-error-503-numeric")),
        httpx.Response(500, json={"id": TASK}),
        httpx.Response(408),
        httpx.Response(418),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(300, json={"id": TASK}),
        httpx.Response(304),
        httpx.Response(200, content=HTML),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, content=b'{"id": "\xff"}'),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[TASK]),
        httpx.Response(200, json={"id": ""}),
        httpx.Response(200, json={"id": None}),
        httpx.Response(200, json={"id": True}),
        httpx.Response(200, json={"id": 7.5}),
        httpx.Response(200, json={"id": [TASK]}),
        httpx.Response(200, json={"id": {"id": TASK}}),
        httpx.Response(200, json={"id": "x" * 5000}),
        httpx.Response(200, json={"id": "../credits"}),
        httpx.Response(200, json={"id": ".."}),
        httpx.Response(200, content=b'{"id": "task-\\ud800"}'),
        httpx.Response(200, content=b'{"id": ' + b"1" * 5000 + b"}"),
        httpx.Response(204),
    ],
)
def test_outcome_is_unknown_if_the_call_may_have_been_charged(answer: httpx.Response) -> None:
    """After a 5xx, a redirect or a success without an id, the call must not be sent again."""
    expected = f"the API answers {answer.status_code} without a task id"
    assert created(answer) == OutcomeUnknown(message=expected)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectError("x"), NotSent(message="ConnectError")),
        (httpx.ConnectTimeout("x"), NotSent(message="ConnectTimeout")),
        (httpx.ReadTimeout("x"), OutcomeUnknown(message="ReadTimeout")),
        (httpx.WriteTimeout("x"), OutcomeUnknown(message="WriteTimeout")),
        (httpx.ReadError("x"), OutcomeUnknown(message="ReadError")),
        (httpx.WriteError("x"), OutcomeUnknown(message="WriteError")),
        (httpx.RemoteProtocolError("x"), OutcomeUnknown(message="RemoteProtocolError")),
    ],
)
def test_outcome_of_a_broken_call_is_unknown_unless_it_was_never_sent(
    error: Exception, outcome: NotSent | OutcomeUnknown
) -> None:
    """After a time-out or a reset it may have been charged, after a refused connection not."""
    assert created(error) == outcome


def test_outcome_of_an_endless_answer_is_unknown() -> None:
    """More than a megabyte is not read."""
    answer = httpx.Response(200, content=b" " * (1024 * 1024 + 1))
    assert isinstance(created(answer), OutcomeUnknown)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Fri, 20 Nov 2026 09:17:27 GMT", 120.0),
        ("Fri, 20 Nov 2026 09:15:00 GMT", -27.0),
        ("", None),
        ("soon", None),
        ("Fri, 20 Nov 2026 09:17:27", None),
        ("Fri, 20 Nov 99999 09:17:27 GMT", None),
        ("99999999999999999999 Nov 2026 1:1:1 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    """Any other value is ignored."""
    answer = httpx.Response(
        429, json=sample("evolink-error-429-rate-limit"), headers={"Retry-After": value}
    )
    assert created(answer) == refusal(
        status=429,
        code="rate_limit_exceeded",
        message="Too many requests, please try again later",
        retry_after_seconds=seconds,
    )


def test_long_messages_of_refusals_are_shortened() -> None:
    """A job's item stays small."""
    answer = httpx.Response(400, json={"error": {"code": "x", "message": "m" * 10_000}})
    assert created(answer) == refusal(status=400, code="x", message="m" * 500)


def test_sample_of_the_create_answer_is_complete() -> None:
    """It has every documented member."""
    assert set(sample("evolink-create-200")) == {
        "created",
        "id",
        "model",
        "object",
        "progress",
        "status",
        "task_info",
        "type",
        "usage",
    }


@pytest.mark.parametrize("reserved", [1e300, 1_000_000, -1, "many", float("nan")])
def test_impossible_price_is_left_out(reserved: object) -> None:
    """It must not keep the job of a paid call from being written."""
    body = f'{{"id": "{TASK}", "usage": {{"credits_reserved": {json.dumps(reserved)}}}}}'
    assert created(httpx.Response(200, content=body)) == Accepted(
        task_id=TASK, credits_reserved=None
    )


def test_price_is_rounded_to_a_millionth() -> None:
    """A table cannot hold more digits."""
    body = f'{{"id": "{TASK}", "usage": {{"credits_reserved": 5.4000000000000000000001}}}}'
    assert created(httpx.Response(200, content=body)) == ACCEPTED


@pytest.mark.parametrize("callback_url", ["https://callbacks.example/callbacks/t", None])
def test_body_of_a_call_is_as_documented(callback_url: str | None) -> None:
    """The model, the photo, and the callback URL if there is one."""
    photo = "https://x/ü?a=b&c=d"
    expected = {"model": "mj-v7-remove-bg", "image_urls": [photo]}
    if callback_url:
        expected["callback_url"] = callback_url
    assert json.loads(api(Provider([])).call_body(photo, callback_url)) == expected
