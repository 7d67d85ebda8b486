import json
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, IncompleteRead
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from PIL import Image

from infra.local.evolink.faults.answer_faults import LOST_ANSWERS, REFUSED_REQUESTS
from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.fault_rules import ALL_FAULTS, find_fault
from tests.contract.evolink_standin.peers import Client, Reply, call, patience

Claim = Callable[[Reply], bool]
Send = Callable[[float], Reply]


def _error(status: int, code: str | int) -> Claim:
    return lambda reply: (reply.status, reply.json()["error"]["code"]) == (status, code)


def _page(status: int) -> Claim:
    return lambda reply: (
        reply.status == status
        and reply.headers["content-type"].startswith("text/html")
        and b"<h1>" in reply.body
    )


def _is_broken_json(reply: Reply) -> bool:
    with suppress(ValueError):
        json.loads(reply.body)
        return False
    return reply.status == 200


def _missing(reply: Reply) -> bool:
    return reply.status == 404 and b"NoSuchKey" in reply.body


def _redirect(reply: Reply, *, start: str = "", end: str = "") -> bool:
    location = reply.headers["location"]
    return reply.status == 302 and location.startswith(start) and location.endswith(end)


def _picture(reply: Reply) -> Image.Image:
    with Image.open(BytesIO(reply.body)) as picture:
        picture.load()
        return picture


def _is_bomb(reply: Reply) -> bool:
    Image.MAX_IMAGE_PIXELS, usual = None, Image.MAX_IMAGE_PIXELS
    try:
        with Image.open(BytesIO(reply.body)) as picture:
            return picture.size == (30000, 30000) and len(reply.body) < 2**20
    finally:
        Image.MAX_IMAGE_PIXELS = usual


CLAIMS: dict[str, Claim] = {
    "create:400": _error(400, "invalid_request"),
    "create:402": _error(402, "insufficient_quota"),
    "create:404": _error(404, "not_found"),
    "create:409": _error(409, "paid_outcome_unknown"),
    "create:413": _error(413, "request_too_large"),
    "create:422": _error(422, "invalid_parameters"),
    "create:429": _error(429, "rate_limit_exceeded"),
    "create:500": _error(500, "internal_error"),
    "create:502": _page(502),
    "create:503": _page(503),
    "create:403-page": _page(403),
    "create:integer-code": _error(503, 503),
    "create:slow": lambda reply: reply.status == 200 and "id" in reply.json(),
    "create:accept-then-500": _error(500, "internal_error"),
    "create:accept-then-403-page": _page(403),
    "create:invalid-json": _is_broken_json,
    "create:no-id": lambda reply: reply.status == 200 and "id" not in reply.json(),
    "task:401-on-read": _error(401, "unauthorized"),
    "task:402-on-read": _error(402, "quota_exceeded"),
    "task:403-on-read": _error(403, "permission_denied"),
    "task:404-on-read": _error(404, "task_not_found"),
    "task:429-on-read": lambda reply: reply.json()["error"]["type"] == "evo_api_error",
    "task:500-on-read": _error(500, "internal_error"),
    "task:502-on-read": _page(502),
    "task:invalid-json-on-read": _is_broken_json,
    "task:other-task-on-read": lambda reply: reply.json()["id"].endswith("-other"),
    "task:loose-on-read": lambda reply: (
        reply.json()["status"].isupper() and reply.headers["content-type"].startswith("text/plain")
    ),
    "task:wrapped-on-read": lambda reply: "status" in reply.json()["data"],
    "result:403": _page(403),
    "result:404": _missing,
    "result:500": _page(500),
    "result:html": _page(200),
    "result:cut-short": lambda reply: (
        len(reply.body) == int(reply.headers["content-length"])
        and reply.body[:4] == b"\x89PNG"
        and b"IEND" not in reply.body
    ),
    "result:redirect": lambda reply: _redirect(reply, end=".png?moved=1"),
    "result:redirect-loop": lambda reply: _redirect(reply, end=".png"),
    "result:redirect-private": lambda reply: _redirect(reply, start="https://10.0.0.1/"),
    "result:redirect-http": lambda reply: _redirect(reply, start="http://media."),
    "result:bomb": _is_bomb,
    "result:opaque": lambda reply: _picture(reply).getchannel("A").getextrema() == (255, 255),
    "result:empty": lambda reply: _picture(reply).getchannel("A").getextrema() == (0, 0),
    "result:no-alpha": lambda reply: _picture(reply).mode == "RGB",
    "result:other-shape": lambda reply: _picture(reply).size == (48, 18),
    "result:other-size": lambda reply: _picture(reply).size == (24, 18),
    "result:webp": lambda reply: (
        _picture(reply).format == "WEBP" and reply.headers["content-type"] == "image/png"
    ),
    "result:not-image": lambda reply: reply.body.startswith(b"this is not a picture"),
    "result:no-bytes": lambda reply: (reply.status, reply.body) == (200, b""),
    "result:202": lambda reply: (reply.status, reply.body) == (202, b""),
    "result:gzip": lambda reply: (
        reply.headers["content-encoding"] == "gzip" and reply.body[:2] == b"\x1f\x8b"
    ),
    "result:slow": lambda reply: _picture(reply).size == (48, 36),
}

BREAKING: dict[str, type[Exception]] = {
    "create:reset-before-accept": ConnectionError,
    "create:accept-then-reset": ConnectionError,
    "create:accept-then-timeout": TimeoutError,
    "task:reset-on-read": ConnectionError,
    "task:timeout-on-read": TimeoutError,
    "result:truncated": IncompleteRead,
}

ENDLESS = "result:streams-huge"


def _creating(client: Client, photo: str) -> Send:
    return lambda seconds: client.create(client.create_body(photo), seconds=seconds)


def _reading(client: Client, photo: str) -> Send:
    task_id = client.create(client.create_body(photo)).json()["id"]
    return lambda seconds: client.read(task_id, seconds=seconds)


def _downloading(client: Client, photo: str) -> Send:
    [link] = client.finish(photo)["results"]
    return lambda seconds: call(link, seconds=seconds)


OCCASIONS = {
    Stage.CREATE: _creating,
    Stage.READ: _reading,
    Stage.RESULT: _downloading,
}


def _occasion(client: Client, photo: str, fault: str) -> Send:
    """Prepare the fault's occasion, let it happen once, and return what sends the request."""
    where, _, name = fault.partition(":")
    send = OCCASIONS[find_fault(where, name).stage](client, photo)
    client.commit(where, name, times=1)
    return send


def test_every_fault_of_an_answer_has_a_test() -> None:
    """Each declared fault is in a table above."""
    declared = {f"{one.where}:{one.name}" for one in ALL_FAULTS if one.stage in OCCASIONS}
    assert declared == {*CLAIMS, *BREAKING, ENDLESS}


@pytest.mark.parametrize("fault", CLAIMS)
def test_one_answer_is_as_its_fault_describes(client: Client, photo: str, fault: str) -> None:
    """The next answer to the same request is right."""
    send = _occasion(client, photo, fault)

    broken, good = send(20), send(20)

    assert CLAIMS[fault](broken), broken
    assert good.status == 200


@pytest.mark.parametrize("fault", BREAKING)
def test_one_request_gets_no_answer_as_its_fault_describes(
    client: Client, photo: str, fault: str
) -> None:
    """A reset connection, silence, or half a body; the next request is answered."""
    send = _occasion(client, photo, fault)

    with pytest.raises(BREAKING[fault]):
        send(patience(BREAKING[fault]))

    assert send(20).status == 200


@pytest.mark.parametrize("fault", [*REFUSED_REQUESTS, *LOST_ANSWERS])
def test_only_a_lost_answer_hides_a_task_that_is_paid(
    client: Client, photo: str, fault: str
) -> None:
    """Whatever the client sees: a refused request creates no task and reserves no credits."""
    send = _occasion(client, photo, f"create:{fault}")
    with suppress(OSError):
        send(patience(BREAKING.get(f"create:{fault}", OSError)))

    paid = int(fault in LOST_ANSWERS)
    client.entries(photo, "charge", paid)
    sums = client.control("GET", "/_standin/ledger").json()["photos"][photo]
    assert sums == {"posts": 1, "tasks": paid, "charges": paid}


def test_a_huge_result_goes_on_until_the_client_hangs_up(client: Client, photo: str) -> None:
    """It declares no length."""
    client.commit("result", ENDLESS.partition(":")[2])
    link = urlsplit(client.finish(photo)["results"][0])
    connection = HTTPConnection(link.hostname or "", link.port, timeout=10)
    try:
        connection.request("GET", link.path)
        with connection.getresponse() as response:
            assert response.getheader("content-length") is None
            assert len(response.read(2**20)) == 2**20
    finally:
        connection.close()


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
