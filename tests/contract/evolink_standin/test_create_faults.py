import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.evolink.faults.fault_table import Fault, Stage
from tests.contract.evolink_standin.neighbours import Client, Reply, patience

Answer = Callable[[Reply], bool]


def _refuses(status: int, code: str) -> Answer:
    return lambda reply: (reply.status, reply.json()["error"]["code"]) == (status, code)


def _shows_page(status: int) -> Answer:
    return lambda reply: (
        reply.status == status
        and reply.headers["content-type"].startswith("text/html")
        and b"<h1>" in reply.body
    )


REFUSING: dict[Fault, Answer] = {
    Fault.CREATE_400: _refuses(400, "invalid_request"),
    Fault.CREATE_401: _refuses(401, "unauthorized"),
    Fault.CREATE_402: _refuses(402, "insufficient_quota"),
    Fault.CREATE_403: _refuses(403, "model_access_denied"),
    Fault.CREATE_404: _refuses(404, "not_found"),
    Fault.CREATE_409: _refuses(409, "paid_outcome_unknown"),
    Fault.CREATE_413: _refuses(413, "request_too_large"),
    Fault.CREATE_422: _refuses(422, "invalid_parameters"),
    Fault.CREATE_429: _refuses(429, "rate_limit_exceeded"),
    Fault.CREATE_500: _refuses(500, "internal_error"),
    Fault.CREATE_PAGE_403: _shows_page(403),
    Fault.CREATE_502: _shows_page(502),
    Fault.CREATE_503: _shows_page(503),
    Fault.CREATE_INTEGER_CODE: lambda reply: (
        (reply.status, reply.json()["error"]["code"]) == (503, 503)
    ),
    Fault.CREATE_CAPACITY_AS_400: lambda reply: (
        "No available channel" in reply.json()["error"]["message"]
    ),
}

SPOILING: dict[Fault, Answer] = {
    Fault.CREATE_ACCEPT_500: _refuses(500, "internal_error"),
    Fault.CREATE_ACCEPT_PAGE_403: _shows_page(403),
    Fault.CREATE_INVALID_JSON: lambda reply: reply.status == 200 and not _is_json(reply),
    Fault.CREATE_NO_ID: lambda reply: reply.status == 200 and "id" not in reply.json(),
    Fault.CREATE_SLOW: lambda reply: reply.status == 200 and "id" in reply.json(),
}

BREAKING: dict[Fault, tuple[type[Exception], int]] = {
    Fault.CREATE_RESET: (ConnectionError, 0),
    Fault.CREATE_ACCEPT_RESET: (ConnectionError, 1),
    Fault.CREATE_ACCEPT_TIMEOUT: (TimeoutError, 1),
}


def _is_json(reply: Reply) -> bool:
    try:
        json.loads(reply.body)
    except ValueError:
        return False
    return True


def _tasks(client: Client, photo: str) -> dict[str, Any]:
    return dict(client.control("GET", "/_standin/ledger").json()["photos"][photo])


def test_every_fault_of_creating_has_a_test() -> None:
    """A fault that is in the table is in one of those above."""
    assert {it for it in Fault if it.stage is Stage.CREATE} == {*REFUSING, *SPOILING, *BREAKING}


@pytest.mark.parametrize("fault", REFUSING, ids=lambda fault: fault.label)
def test_a_refused_order_makes_no_task(client: Client, photo: str, fault: Fault) -> None:
    """Nothing is created, nothing is set aside."""
    client.commit(fault.where, fault.label, times=1)

    reply = client.create(client.order(photo))

    assert REFUSING[fault](reply), reply
    assert _tasks(client, photo) == {"posts": 1, "tasks": 0, "charges": 0}


@pytest.mark.parametrize("fault", SPOILING, ids=lambda fault: fault.label)
def test_a_spoilt_answer_hides_a_task_that_is_paid(
    client: Client, photo: str, fault: Fault
) -> None:
    """Accepted and charged, whatever the client was told."""
    client.commit(fault.where, fault.label, times=1)

    reply = client.create(client.order(photo))

    assert SPOILING[fault](reply), reply
    client.entries(photo, "charge", 1)
    assert _tasks(client, photo) == {"posts": 1, "tasks": 1, "charges": 1}


@pytest.mark.parametrize("fault", BREAKING, ids=lambda fault: fault.label)
def test_a_broken_connection_tells_nothing(client: Client, photo: str, fault: Fault) -> None:
    """Only the ledger knows whether the order was accepted."""
    client.commit(fault.where, fault.label, times=1)
    error, tasks = BREAKING[fault]

    with pytest.raises(error):
        client.create(client.order(photo), seconds=patience(error))

    client.entries(photo, "charge", tasks)
    assert _tasks(client, photo) == {"posts": 1, "tasks": tasks, "charges": tasks}


def test_a_lost_answer_can_be_had_again_with_the_same_key(client: Client, photo: str) -> None:
    """The replay names the task that was paid, and nothing more is paid."""
    client.commit("create", "accept-then-reset", times=1)
    key = "cutout-lost-answer-0001"

    with pytest.raises(ConnectionError):
        client.create(client.order(photo), idempotency_key=key)
    replay = client.create(client.order(photo), idempotency_key=key)

    [reservation] = client.entries(photo, "reserve", 1)
    assert replay.json()["id"] == reservation["task"]
    assert replay.headers["idempotency-replayed"] == "true"


def test_a_refusal_can_have_another_code_message_and_retry_after(
    client: Client, photo: str
) -> None:
    """The gateway has more codes than are documented."""
    client.commit(
        "create", "402", code="key_quota_exhausted", message="Daily limit", retry_after=30
    )

    reply = client.create(client.order(photo))

    assert (reply.status, reply.headers["retry-after"], reply.json()["error"]) == (
        402,
        "30",
        {
            "code": "key_quota_exhausted",
            "message": "Daily limit",
            "type": "insufficient_quota",
        },
    )


def test_an_integer_code_can_be_of_any_status(client: Client, photo: str) -> None:
    """The second dialect has a suggestion and a type for each."""
    client.commit("create", "integer-code", status=429, message="Slow down")

    reply = client.create(client.order(photo))

    assert (reply.status, reply.json()["error"]) == (
        429,
        {
            "code": 429,
            "message": "Slow down",
            "type": "rate_limit_error",
            "fallback_suggestion": "retry after 30 seconds",
        },
    )
