from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import API_KEY, MODEL, Client, Reply, call

_PATH = "/v1/images/generations"
_KEY = "cutout-0123456789abcdef"
_IMAGE = ["https://photos.example/a.jpg"]


def _error(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.json()["error"]


def test_an_accepted_request_is_answered_as_documented(client: Client, photo: str) -> None:
    """200, pending, and the reserved credits."""
    reply = client.create(client.create_body(photo))

    answer = reply.json()
    created, task_id = answer.pop("created"), answer.pop("id")
    assert task_id.startswith(f"task-unified-{created}-")
    assert (reply.status, answer) == (
        200,
        {
            "model": MODEL,
            "object": "image.generation.task",
            "progress": 0,
            "status": "pending",
            "task_info": {"can_cancel": True, "estimated_time": 0},
            "type": "image",
            "usage": {
                "billing_rule": "per_call",
                "credits_reserved": 5.4,
                "user_group": "default",
            },
        },
    )


def test_every_answer_has_its_own_request_id(client: Client, photo: str) -> None:
    """Clients are advised to log it for every answer."""
    replies = [client.create(client.create_body(photo)), client.create({}), client.read("nonsense")]

    ids = [reply.headers["x-request-id"] for reply in replies]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"image_urls": _IMAGE}, "model is required"),
        ({"model": MODEL}, "image_urls is required"),
        ({"model": MODEL, "image_urls": []}, "image_urls is required"),
        ({"model": MODEL, "image_urls": "https://a.example/a.jpg"}, "image_urls is required"),
        ({"model": MODEL, "image_urls": [7]}, "image_urls must be a public http(s) URL"),
        (
            {"model": MODEL, "image_urls": ["data:image/png;base64,AAAA"]},
            "image_urls must be a public http(s) URL",
        ),
        (
            {"model": MODEL, "image_urls": ["https://[broken/a.jpg"]},
            "image_urls must be a public http(s) URL",
        ),
        ({"model": MODEL, "image_urls": _IMAGE * 2}, "image_urls accepts at most 1 item"),
        (
            {"model": MODEL, "image_urls": _IMAGE, "prompt": "a cat", "speed": "fast"},
            "Unsupported parameters: prompt, speed",
        ),
        (
            {"model": MODEL, "image_urls": _IMAGE, "callback_url": "http://a.example/c"},
            "callback_url must use HTTPS",
        ),
        (
            {"model": MODEL, "image_urls": _IMAGE, "callback_url": 7},
            "callback_url must use HTTPS",
        ),
        (
            {
                "model": MODEL,
                "image_urls": _IMAGE,
                "callback_url": "https://a.example/" + "c" * 2031,
            },
            "callback_url must not exceed 2048 characters",
        ),
        ([MODEL], "Request body must be a JSON object"),
    ],
)
def test_a_malformed_request_is_refused(client: Client, body: object, message: str) -> None:
    """400 invalid_request, with what is wrong."""
    assert _error(client.create(body)) == (
        400,
        {"code": "invalid_request", "message": message, "type": "invalid_request_error"},
    )


def test_a_body_that_is_not_json_is_refused(client: Client) -> None:
    """400 invalid_request."""
    headers = {"authorization": f"Bearer {API_KEY}"}
    reply = call(client.url + _PATH, "POST", body=b"{", headers=headers)

    assert (reply.status, reply.json()["error"]["code"]) == (400, "invalid_request")


def test_the_longest_callback_url_is_accepted(client: Client, photo: str) -> None:
    """2048 characters are within the documented limit."""
    url = "https://localhost:1/" + "c" * 2028

    assert client.create(client.create_body(photo, callback_url=url)).status == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer sk-other"}, {"authorization": f"Basic {API_KEY}"}],
)
def test_a_request_without_a_known_key_is_refused(
    client: Client, headers: Mapping[str, str]
) -> None:
    """401, whatever the body is."""
    reply = call(client.url + _PATH, "POST", body=b"{}", headers=headers)

    assert _error(reply) == (
        401,
        {
            "code": "unauthorized",
            "message": "Invalid or expired token",
            "type": "authentication_error",
        },
    )


def test_a_model_that_the_key_may_not_use_is_refused(client: Client, photo: str) -> None:
    """403 model_access_denied names the model."""
    reply = client.create(client.create_body(photo) | {"model": "mj-v7-generate"})

    assert _error(reply) == (
        403,
        {
            "code": "model_access_denied",
            "message": "Token does not have access to model: mj-v7-generate",
            "type": "invalid_request_error",
        },
    )


def test_an_account_that_cannot_pay_is_refused(standins: Standins, photo: str) -> None:
    """402 insufficient_quota once less than a call's price is left."""
    with standins(balance=10.0, seconds=(100, 100), speed=1) as client:
        first, second = (client.create(client.create_body(photo)) for _ in range(2))

    assert first.status == 200
    assert _error(second) == (
        402,
        {
            "code": "insufficient_quota",
            "message": "Insufficient quota. Please top up your account.",
            "type": "insufficient_quota",
        },
    )


@pytest.mark.parametrize("key", ["short", "x" * 97, "with a space in it"])
def test_a_key_of_another_form_is_refused(client: Client, photo: str, key: str) -> None:
    """The official client sends 16 to 96 of A-Za-z0-9._- and nothing else."""
    reply = client.create(client.create_body(photo), idempotency_key=key)

    assert (reply.status, reply.json()["error"]["code"]) == (400, "invalid_request")


def test_requests_without_a_key_are_each_paid_for(client: Client, photo: str) -> None:
    """Two equal requests make two tasks: this is how a photo is paid for twice."""
    ids = {client.create(client.create_body(photo)).json()["id"] for _ in range(2)}
    client.entries(photo, "charge", 2)

    sums = client.control("GET", "/_standin/ledger").json()["photos"][photo]
    assert (len(ids), sums) == (2, {"posts": 2, "tasks": 2, "charges": 2})


def test_a_path_that_does_not_exist_is_not_found(client: Client) -> None:
    """404 in the envelope of errors."""
    reply = client.send("POST", "/v1/images/edits", {})

    assert (reply.status, reply.json()["error"]["code"]) == (404, "not_found")
