import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.evolink.faults.create_faults import LOST_ANSWERS, REFUSED_REQUESTS
from tests.contract.evolink_standin.peers import Client, Reply, patience

Answer = Callable[[Reply], bool]


def _refuses(status: int, code: str) -> Answer:
    return lambda reply: (reply.status, reply.json()["error"]["code"]) == (status, code)


def _shows_page(status: int) -> Answer:
    return lambda reply: (
        reply.status == status
        and reply.headers["content-type"].startswith("text/html")
        and b"<h1>" in reply.body
    )


REFUSING: dict[str, Answer] = {
    "400": _refuses(400, "invalid_request"),
    "401": _refuses(401, "unauthorized"),
    "402": _refuses(402, "insufficient_quota"),
    "403": _refuses(403, "model_access_denied"),
    "404": _refuses(404, "not_found"),
    "409": _refuses(409, "paid_outcome_unknown"),
    "413": _refuses(413, "request_too_large"),
    "422": _refuses(422, "invalid_parameters"),
    "429": _refuses(429, "rate_limit_exceeded"),
    "500": _refuses(500, "internal_error"),
    "403-page": _shows_page(403),
    "502": _shows_page(502),
    "503": _shows_page(503),
    "integer-code": lambda reply: (reply.status, reply.json()["error"]["code"]) == (503, 503),
    "capacity-as-400": lambda reply: "No available channel" in reply.json()["error"]["message"],
}

SPOILING: dict[str, Answer] = {
    "accept-then-500": _refuses(500, "internal_error"),
    "accept-then-403-page": _shows_page(403),
    "invalid-json": lambda reply: reply.status == 200 and not _is_json(reply),
    "no-id": lambda reply: reply.status == 200 and "id" not in reply.json(),
    "slow": lambda reply: reply.status == 200 and "id" in reply.json(),
}

BREAKING: dict[str, tuple[type[Exception], int]] = {
    "reset-before-accept": (ConnectionError, 0),
    "accept-then-reset": (ConnectionError, 1),
    "accept-then-timeout": (TimeoutError, 1),
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
    """Each declared fault is in a table above."""
    assert {*REFUSED_REQUESTS, *LOST_ANSWERS} == {*REFUSING, *SPOILING, *BREAKING}


@pytest.mark.parametrize("fault", REFUSING)
def test_a_refused_request_creates_no_task(client: Client, photo: str, fault: str) -> None:
    """No task is created and no credits are reserved."""
    client.commit("create", fault, times=1)

    reply = client.create(client.create_body(photo))

    assert REFUSING[fault](reply), reply
    assert _tasks(client, photo) == {"posts": 1, "tasks": 0, "charges": 0}


@pytest.mark.parametrize("fault", SPOILING)
def test_a_lost_answer_hides_a_task_that_is_paid(client: Client, photo: str, fault: str) -> None:
    """The task is accepted and charged, whatever the answer says."""
    client.commit("create", fault, times=1)

    reply = client.create(client.create_body(photo))

    assert SPOILING[fault](reply), reply
    client.entries(photo, "charge", 1)
    assert _tasks(client, photo) == {"posts": 1, "tasks": 1, "charges": 1}


@pytest.mark.parametrize("fault", BREAKING)
def test_a_broken_connection_leaves_the_outcome_unknown(
    client: Client, photo: str, fault: str
) -> None:
    """Only the ledger shows whether the request was accepted."""
    client.commit("create", fault, times=1)
    error, tasks = BREAKING[fault]

    with pytest.raises(error):
        client.create(client.create_body(photo), seconds=patience(error))

    client.entries(photo, "charge", tasks)
    assert _tasks(client, photo) == {"posts": 1, "tasks": tasks, "charges": tasks}


def test_a_refusal_can_have_another_code_message_and_retry_after(
    client: Client, photo: str
) -> None:
    """The gateway uses more codes than are documented."""
    client.commit(
        "create", "402", code="key_quota_exhausted", message="Daily limit", retry_after=30
    )

    reply = client.create(client.create_body(photo))

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
    """The second dialect has a type per status and a suggestion."""
    client.commit("create", "integer-code", status=429, message="Slow down")

    reply = client.create(client.create_body(photo))

    assert (reply.status, reply.json()["error"]) == (
        429,
        {
            "code": 429,
            "message": "Slow down",
            "type": "rate_limit_error",
            "fallback_suggestion": "retry after 30 seconds",
        },
    )
