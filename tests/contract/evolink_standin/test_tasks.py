from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import MODEL, Client, PhotoHost, call


def _jpeg(size: tuple[int, int], *, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def _shape(task: Mapping[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in task if name not in {"id", "created", "duration"}}


def _odd(mode: str, format_: str) -> bytes:
    """Return a picture of an undocumented kind; the WebP is an animation."""
    data = BytesIO()
    others = [Image.new(mode, (48, 36), 255)] if format_ == "WEBP" else []
    options = {"save_all": True, "append_images": others} if others else {}
    Image.new(mode, (48, 36)).save(data, format_, **options)
    return data.getvalue()


def test_a_task_is_pending_then_processing_then_completed(standins: Standins, photo: str) -> None:
    """Each status has the documented members; links appear at the end."""
    with standins(seconds=(100, 100), speed=1) as client:
        task_id = client.create(client.create_body(photo)).json()["id"]
        pending = client.read(task_id).json()
        client.control("POST", "/_standin/clock", {"advance_seconds": 40})
        client.entries(photo, "fetch", 1)
        processing = client.read(task_id).json()
        client.control("POST", "/_standin/clock", {"advance_seconds": 70})
        client.entries(photo, "end", 1)
        completed = client.read(task_id).json()

    usual = {"object": "image.generation.task", "type": "image", "model": MODEL}
    assert _shape(pending) == usual | {
        "status": "pending",
        "progress": 0,
        "task_info": {"can_cancel": True},
    }
    assert _shape(processing) == usual | {
        "status": "processing",
        "progress": 40,
        "task_info": {"can_cancel": False},
    }
    [link] = completed["results"]
    assert _shape(completed) == usual | {
        "status": "completed",
        "progress": 100,
        "task_info": {"can_cancel": False},
        "results": [link],
        "result_data": [{"url": link}],
        "usage": {"credits_used": 5.4},
        "billing": {
            "charge_status": "charged",
            "refund_status": "not_required",
            "reserved_credits": 5.4,
            "charged_credits": 5.4,
            "refunded_credits": 0,
            "refund_scope": "account_balance",
        },
    }
    assert (completed["id"], pending["id"]) == (task_id, task_id)


def test_a_result_is_a_png_with_the_photo_s_size_and_both_extremes_of_alpha(
    client: Client, photo: str
) -> None:
    """Some pixels are opaque, some are transparent."""
    [link] = client.finish(photo)["results"]

    reply = call(link)
    with Image.open(BytesIO(reply.body)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (48, 36))
        assert picture.getchannel("A").getextrema() == (0, 255)
    assert (reply.status, reply.headers["content-type"]) == (200, "image/png")


def test_a_rotated_photo_is_turned_upright(client: Client, photos: PhotoHost, photo: str) -> None:
    """The EXIF orientation is applied, so width and height change places."""
    photos.special[photo] = (200, _jpeg((40, 20), orientation=6))

    [link] = client.finish(photo)["results"]
    with Image.open(BytesIO(call(link).body)) as picture:
        assert picture.size == (20, 40)


def test_an_input_is_fetched_once_with_an_explicit_user_agent(
    client: Client, photos: PhotoHost, photo: str
) -> None:
    """The ledger has the fetch."""
    client.finish(photo)
    fetches = client.entries(photo, "fetch", 1)

    assert photos.user_agents == ["evolink-standin/1.0"]
    assert [fetch["status"] for fetch in fetches] == [200]


def test_an_input_is_fetched_by_its_very_path(
    client: Client, photos: PhotoHost, photo: str
) -> None:
    """The keys of a bucket may have segments that paths of files cannot have."""
    path = f"/odd/../.{photo}/./photo.png"
    photos.special[path] = (200, _jpeg((40, 20)))
    body = client.create_body(photo) | {"image_urls": [f"{photos.url}{path}?of=/../it"]}
    task_id = client.create(body).json()["id"]
    client.entries(path, "end", 1)

    [link] = client.read(task_id).json()["results"]
    with Image.open(BytesIO(call(link).body)) as picture:
        assert picture.size == (40, 20)


def test_an_input_behind_a_redirect_is_fetched(
    client: Client, photos: PhotoHost, photo: str
) -> None:
    """A storage's global address redirects to the region's."""
    photos.special[photo] = (302, f"{photos.url}/elsewhere.png".encode())

    assert client.finish(photo)["status"] == "completed"


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        ((404, b""), "image_processing_error", "Failed to download the image: HTTP 404"),
        ((403, b""), "image_processing_error", "Failed to download the image: HTTP 403"),
        ((302, b"ftp://127.0.0.1/a.png"), "image_processing_error", "Failed to download"),
        ((200, b"%PDF"), "image_processing_error", "not a JPEG, PNG, GIF or WebP"),
        ((200, _odd("CMYK", "JPEG")), "image_processing_error", "CMYK, which is not supported"),
        ((200, _odd("I;16", "PNG")), "image_processing_error", "I;16, which is not supported"),
        ((200, _odd("RGB", "WEBP")), "image_processing_error", "an animation, which is not"),
        ((200, b""), "image_processing_error", "not a JPEG, PNG, GIF or WebP"),
        ((200, _jpeg((400, 300))[:-200]), "image_processing_error", "The image is damaged"),
        ((200, b"\0" * (10 * 1024 * 1024 + 1)), "invalid_parameters", "larger than 10MB"),
        ((200, _jpeg((9001, 30))), "invalid_parameters", "between 1 and 9000 pixels"),
    ],
)
def test_an_unusable_input_fails_the_task_without_charge(
    client: Client,
    photos: PhotoHost,
    photo: str,
    *,
    answer: tuple[int, bytes],
    code: str,
    reason: str,
) -> None:
    """The task has the reason, and its reserved credits are returned."""
    photos.special[photo] = answer

    task = client.finish(photo)

    assert (task["status"], task["error"]["code"], task["error"]["type"]) == (
        "failed",
        code,
        "task_error",
    )
    assert reason in task["error"]["message"]
    assert (task["usage"], task["billing"]["charge_status"]) == ({"credits_used": 0.0}, "released")
    assert [it["credits"] for it in client.entries(photo, "release", 1)] == [5.4]


def test_an_input_whose_server_does_not_answer_fails_the_task(client: Client, photo: str) -> None:
    """The ledger has the failed fetch."""
    body = client.create_body(photo) | {"image_urls": [f"http://127.0.0.1:1{'/gone.jpg'}"]}
    task_id = client.create(body).json()["id"]
    client.entries("/gone.jpg", "end", 1)

    task = client.read(task_id).json()
    assert (task["status"], task["error"]["code"]) == ("failed", "image_processing_error")
    assert "refused" in client.entries("/gone.jpg", "fetch", 1)[0]["failure"]


def test_a_side_below_the_documented_limit_fails_the_task(standins: Standins, photo: str) -> None:
    """240 to 7680 pixels unless chosen otherwise."""
    with standins(side_limits=(240, 7680)) as client:
        task = client.finish(photo)

    assert task["error"] == {
        "code": "invalid_parameters",
        "message": "Image dimensions must be between 240 and 7680 pixels, got 48x36",
        "type": "task_error",
    }


@pytest.mark.parametrize(
    ("task_id", "status", "error"),
    [
        (
            "task-other-1",
            HTTPStatus.BAD_REQUEST,
            {
                "code": "invalid_task_id",
                "message": "Invalid task ID format",
                "type": "invalid_request_error",
                "param": "task_id",
            },
        ),
        (
            "task-unified-1-unknown",
            HTTPStatus.NOT_FOUND,
            {
                "code": "task_not_found",
                "message": "Task not found",
                "type": "invalid_request_error",
            },
        ),
    ],
)
def test_an_invalid_or_unknown_task_id_is_refused(
    client: Client, task_id: str, status: int, error: Mapping[str, str]
) -> None:
    """A malformed id and an unknown id have different errors."""
    reply = client.read(task_id)

    assert (reply.status, reply.json()) == (status, {"error": error})


def test_a_read_without_a_known_key_is_refused(client: Client) -> None:
    """401, whatever the id is."""
    reply = call(f"{client.url}/v1/tasks/nonsense")

    assert (reply.status, reply.json()["error"]["code"]) == (401, "unauthorized")


def test_the_balance_falls_by_the_price_of_a_call(standins: Standins, photo: str) -> None:
    """5.4 credits, counted for the user and the token."""
    with standins(balance=100.0) as client:
        client.finish(photo)
        reply = client.send("GET", "/v1/credits")

    counts = {"remaining_credits": 94.6, "used_credits": 5.4}
    assert reply.json() == {
        "success": True,
        "message": "",
        "data": {"token": counts | {"unlimited_credits": True}, "user": counts},
    }


def test_the_balance_is_shown_only_with_a_known_key(client: Client) -> None:
    """401 without a key."""
    assert call(f"{client.url}/v1/credits").status == HTTPStatus.UNAUTHORIZED
