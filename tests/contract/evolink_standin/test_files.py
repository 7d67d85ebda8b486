import base64
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import (
    API_KEY,
    Client,
    PhotoHost,
    Reply,
    call,
)

_BASE = "/api/v1/files"
_BOUNDARY = "----cutout"


def _form(**parts: bytes) -> bytes:
    """Return a form as browsers and HTTP libraries write it."""
    sections = [
        (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
            + ('; filename="my photo.png"\r\nContent-Type: image/png' if name == "file" else "")
            + "\r\n\r\n"
        ).encode()
        + content
        + b"\r\n"
        for name, content in parts.items()
    ]
    return b"".join(sections) + f"--{_BOUNDARY}--\r\n".encode()


def _stream(client: Client, **parts: bytes) -> Reply:
    return call(
        f"{client.url}{_BASE}/upload/stream",
        "POST",
        body=_form(**parts),
        headers={
            "authorization": f"Bearer {client.key}",
            "content-type": f"multipart/form-data; boundary={_BOUNDARY}",
        },
    )


def _base64(client: Client, content: bytes, **fields: str) -> Reply:
    data = base64.b64encode(content).decode()
    return client.send("POST", f"{_BASE}/upload/base64", {"base64_data": data, **fields})


def _by_url(client: Client, content: bytes) -> Reply:
    del content  # the photo host has it
    return client.send(
        "POST", f"{_BASE}/upload/url", {"file_url": f"{client.photos}/my%20photo.png"}
    )


WAYS: dict[str, Callable[[Client, bytes], Reply]] = {
    "stream": lambda client, content: _stream(client, file=content),
    "base64": _base64,
    "data-url": lambda client, content: client.send(
        "POST",
        f"{_BASE}/upload/base64",
        {"base64_data": f"data:image/png;base64,{base64.b64encode(content).decode()}"},
    ),
    "url": _by_url,
}


def _error(reply: Reply) -> tuple[int, Any]:
    document = reply.json()
    return reply.status, (document["success"], document["code"])


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_is_answered_as_documented_and_served(
    client: Client, photos: PhotoHost, small_photo: bytes, way: str
) -> None:
    """The file's URL needs no key and serves the same bytes."""
    assert photos.default == small_photo
    answer = WAYS[way](client, small_photo).json()

    file = answer.pop("data")
    assert answer == {"success": True, "code": 200, "msg": "success"}
    assert (file["file_size"], file["mime_type"], file["upload_path"]) == (
        len(small_photo),
        "image/png",
        "images",
    )
    assert file["file_name"] == f"{file['file_id']}.png"
    assert file["original_name"] in {"my photo.png", "file"}
    served = call(file["file_url"])
    assert (served.body, served.headers["content-type"]) == (small_photo, "image/png")


def test_path_and_name_can_be_chosen_and_a_second_file_takes_the_first_one_s_place(
    client: Client, small_photo: bytes
) -> None:
    """`..` and spaces are replaced."""
    first = _stream(client, file=small_photo, upload_path=b"../jobs/7", file_name=b"a b.png")
    second = _stream(client, file=small_photo, uploadPath=b"jobs/7", fileName=b"a b.png")

    one, other = first.json()["data"], second.json()["data"]
    assert (one["upload_path"], one["file_name"]) == ("jobs/7", "a-b.png")
    assert one["file_url"] == other["file_url"]
    assert client.send("DELETE", f"{_BASE}/{one['file_id']}").status == HTTPStatus.NOT_FOUND


def test_a_file_that_is_deleted_is_gone(client: Client, small_photo: bytes) -> None:
    """Immediately; a second deletion is answered 404."""
    file = _base64(client, small_photo).json()["data"]
    path = f"{_BASE}/{file['file_id']}"

    first, second = client.send("DELETE", path), client.send("DELETE", path)

    assert first.json() == {"success": True, "code": 200, "msg": "success", "data": None}
    assert _error(second) == (404, (False, 404))
    assert call(file["file_url"]).status == HTTPStatus.NOT_FOUND


def test_a_file_expires_after_72_hours(standins: Standins, small_photo: bytes) -> None:
    """By the stand-in's clock."""
    with standins(speed=1) as client:
        url = _base64(client, small_photo).json()["data"]["file_url"]
        client.control("POST", "/_standin/clock", {"advance_seconds": 71.9 * 3600})
        alive = call(url)
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        gone = call(url)

    assert (alive.status, gone.status) == (200, 404)


def test_the_quota_is_counted_and_enforced(standins: Standins, small_photo: bytes) -> None:
    """40003 above the quota; deleting a file makes room for another."""
    with standins(max_files=1) as client:
        file = _base64(client, small_photo).json()["data"]
        quota = client.send("GET", f"{_BASE}/quota").json()["data"]
        refused = _base64(client, small_photo)
        client.send("DELETE", f"{_BASE}/{file['file_id']}")
        taken = _base64(client, small_photo)

    assert quota == {
        "user_group": "default",
        "used_files": 1,
        "max_files": 1,
        "remain_files": 0,
        "is_custom": False,
        "quota_reason": "default",
    }
    assert (_error(refused), taken.status) == ((400, (False, 40003)), 200)


def test_files_are_listed_page_by_page(standins: Standins, small_photo: bytes) -> None:
    """Oldest first, at most a hundred a page."""
    with standins() as client:
        names = [
            _base64(client, small_photo, file_name=f"{n}.png").json()["data"]["file_name"]
            for n in range(3)
        ]
        pages = [
            client.send("GET", f"{_BASE}/list?page={page}&pageSize=2").json()["data"]
            for page in (1, 2)
        ]

    assert [[file["file_name"] for file in page["list"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    assert [page["total"] for page in pages] == [3, 3]


@pytest.mark.parametrize(
    ("path", "document", "code"),
    [
        ("upload/base64", {"base64_data": base64.b64encode(b"text").decode()}, 40002),
        ("upload/base64", {"base64_data": "no base64!"}, 400),
        ("upload/base64", {}, 400),
        ("upload/base64", [], 400),
        ("upload/stream", {}, 400),
        ("upload/url", {"file_url": "ftp://a.example/a.png"}, 400),
        ("upload/url", {"file_url": "http://127.0.0.1:1/a.png"}, 40004),
    ],
)
def test_uploads_that_are_not_pictures_are_refused(
    client: Client, path: str, document: object, code: int
) -> None:
    """In the Files API's own envelope."""
    assert _error(client.send("POST", f"{_BASE}/{path}", document)) == (400, (False, code))


def test_a_url_that_answers_an_error_is_refused(client: Client, photos: PhotoHost) -> None:
    """40004, with the status."""
    photos.special["/gone.png"] = (404, b"")

    reply = client.send("POST", f"{_BASE}/upload/url", {"file_url": f"{photos.url}/gone.png"})

    assert (_error(reply), "HTTP 404" in reply.json()["msg"]) == ((400, (False, 40004)), True)


def test_a_file_above_100_mb_is_refused(client: Client) -> None:
    """40001, before the content is read."""
    reply = _stream(client, file=bytes(100 * 1024 * 1024 + 1))

    assert _error(reply) == (400, (False, 40001))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{_BASE}/upload/base64"),
        ("GET", f"{_BASE}/quota"),
        ("GET", f"{_BASE}/list"),
        ("DELETE", f"{_BASE}/file_1"),
    ],
)
def test_the_files_api_needs_a_known_key(client: Client, method: str, path: str) -> None:
    """401 in its own envelope."""
    reply = call(client.url + path, method, body=b"{}", headers={"authorization": API_KEY})

    assert _error(reply) == (401, (False, 401))


def test_an_uploaded_file_can_be_missing_when_it_is_fetched(
    client: Client, small_photo: bytes
) -> None:
    """The task with this input fails."""
    file = _base64(client, small_photo).json()["data"]
    client.commit("files", "gone")

    body = client.create_body("/") | {"image_urls": [file["file_url"]]}
    task_id = client.create(body).json()["id"]
    client.entries(file["file_name"], "end", 1)

    assert client.read(task_id).json()["error"]["code"] == "image_processing_error"
