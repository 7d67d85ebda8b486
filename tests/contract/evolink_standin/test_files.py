from http import HTTPStatus
from typing import Any

import pytest

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import (
    API_KEY,
    Client,
    Reply,
    call,
    form,
)

_BASE = "/api/v1/files"


def _error(reply: Reply) -> tuple[int, Any]:
    document = reply.json()
    return reply.status, (document["success"], document["code"])


def test_an_upload_is_answered_as_documented_and_served(client: Client, small_photo: bytes) -> None:
    """The file's URL needs no key and serves the same bytes."""
    answer = client.upload(small_photo).json()

    file = answer.pop("data")
    assert answer == {"success": True, "code": 200, "msg": "success"}
    assert (file["file_size"], file["mime_type"], file["upload_path"]) == (
        len(small_photo),
        "image/png",
        "images",
    )
    assert file["file_name"] == f"{file['file_id']}.png"
    assert file["original_name"] == "my photo.png"
    served = call(file["file_url"])
    assert (served.body, served.headers["content-type"]) == (small_photo, "image/png")


def test_path_and_name_can_be_chosen_and_a_second_file_takes_the_first_one_s_place(
    client: Client, small_photo: bytes
) -> None:
    """`..` and spaces are replaced."""
    first = client.upload(small_photo, upload_path="../jobs/7", file_name="a b.png")
    second = client.upload(small_photo, uploadPath="jobs/7", fileName="a b.png")

    one, other = first.json()["data"], second.json()["data"]
    assert (one["upload_path"], one["file_name"]) == ("jobs/7", "a-b.png")
    assert one["file_url"] == other["file_url"]
    assert client.send("DELETE", f"{_BASE}/{one['file_id']}").status == HTTPStatus.NOT_FOUND


def test_a_file_that_is_deleted_is_gone(client: Client, small_photo: bytes) -> None:
    """Immediately; a second deletion is answered 404."""
    file = client.upload(small_photo).json()["data"]
    path = f"{_BASE}/{file['file_id']}"

    first, second = client.send("DELETE", path), client.send("DELETE", path)

    assert first.json() == {"success": True, "code": 200, "msg": "success", "data": None}
    assert _error(second) == (404, (False, 404))
    assert call(file["file_url"]).status == HTTPStatus.NOT_FOUND


def test_a_file_expires_after_72_hours(standins: Standins, small_photo: bytes) -> None:
    """By the stand-in's clock."""
    with standins(speed=1) as client:
        url = client.upload(small_photo).json()["data"]["file_url"]
        client.control("POST", "/_standin/clock", {"advance_seconds": 71.9 * 3600})
        alive = call(url)
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        gone = call(url)

    assert (alive.status, gone.status) == (200, 404)


def test_the_quota_is_counted_and_enforced(standins: Standins, small_photo: bytes) -> None:
    """40003 above the quota; deleting a file makes room for another."""
    with standins(max_files=1) as client:
        file = client.upload(small_photo).json()["data"]
        quota = client.send("GET", f"{_BASE}/quota").json()["data"]
        refused = client.upload(small_photo)
        client.send("DELETE", f"{_BASE}/{file['file_id']}")
        taken = client.upload(small_photo)

    assert quota == {
        "user_group": "default",
        "used_files": 1,
        "max_files": 1,
        "remain_files": 0,
        "is_custom": False,
        "quota_reason": "default",
    }
    assert (_error(refused), taken.status) == ((400, (False, 40003)), 200)


@pytest.mark.parametrize(
    ("parts", "code"), [({"file": b"text"}, 40002), ({"photo": b"text"}, 400), ({}, 400)]
)
def test_uploads_that_are_not_pictures_are_refused(
    client: Client, parts: dict[str, bytes], code: int
) -> None:
    """In the Files API's own envelope."""
    headers = {
        "authorization": f"Bearer {API_KEY}",
        "content-type": "multipart/form-data; boundary=----cutout",
    }
    url = f"{client.url}{_BASE}/upload/stream"
    assert _error(call(url, "POST", body=form(**parts), headers=headers)) == (400, (False, code))


def test_an_upload_that_is_no_form_is_refused(client: Client) -> None:
    """Whatever its body is."""
    reply = client.send("POST", f"{_BASE}/upload/stream", {})
    assert _error(reply) == (400, (False, 400))


def test_a_file_above_100_mb_is_refused(client: Client) -> None:
    """40001, before the content is read."""
    reply = client.upload(bytes(100 * 1024 * 1024 + 1))

    assert _error(reply) == (400, (False, 40001))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{_BASE}/upload/stream"),
        ("GET", f"{_BASE}/quota"),
        ("DELETE", f"{_BASE}/file_1"),
    ],
)
def test_the_files_api_needs_a_known_key(client: Client, method: str, path: str) -> None:
    """401 in its own envelope."""
    reply = call(client.url + path, method, body=b"{}", headers={"authorization": API_KEY})

    assert _error(reply) == (401, (False, 401))
