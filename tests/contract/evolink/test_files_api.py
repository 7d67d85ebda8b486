"""Uploading copies of photos to the Files API: every outcome, none of which costs anything."""

from __future__ import annotations

import json
import re
from email.parser import BytesParser

import httpx
import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.adapters.evolink.files_api import EvolinkFiles
from cutout.adapters.http_httpx.sending import HttpxHttp
from cutout.domain.provider_outcomes import NotSent, PhotoAccess, Refused
from tests.support.provider_transport import Key, Provider

NAME = "a00fc0b0b75cd1e67b0d7024ca35e9a9-1.jpeg"
PHOTO = b"\xff\xd8\xff\r\n--not the boundary\r\n\0\xff\xd9"
URL = "https://files.evolink.ai/a1b2c3/cutout/x.jpeg"
TAKEN = {"success": True, "code": 200, "msg": "ok", "data": {"file_id": "f-1", "file_url": URL}}


def files(provider: Provider, key: Key | None = None) -> EvolinkFiles:
    """The adapter over the real HTTP adapter, with the provider in the network's place."""
    http = HttpxHttp(transport=httpx.MockTransport(provider))
    return EvolinkFiles(http, "https://files-api.evolink.ai/", key or Key())


def uploaded(answer: httpx.Response | Exception) -> object:
    """Return the outcome of an upload with this answer."""
    return files(Provider([answer])).upload(NAME, "image/jpeg", PHOTO)


def test_copy_is_uploaded_as_a_form() -> None:
    """With file, name, folder and key; the bytes are the photo's own."""
    provider = Provider([httpx.Response(200, json=TAKEN)])
    outcome = files(provider).upload(NAME, "image/jpeg", PHOTO)
    (request,) = provider.requests
    assert outcome == PhotoAccess(file_id="f-1", url=URL)
    assert (request.method, str(request.url)) == (
        "POST",
        "https://files-api.evolink.ai/api/v1/files/upload/stream",
    )
    assert request.headers["authorization"] == "Bearer sk-1"
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    form = BytesParser().parsebytes(head + request.content)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    del parts[None]
    assert set(parts) == {"upload_path", "file_name", "file"}
    assert parts["file_name"].get_payload() == NAME
    assert parts["file"].get_filename() == NAME
    assert parts["file"].get_content_type() == "image/jpeg"
    assert PHOTO in request.content


def test_each_upload_has_its_own_boundary() -> None:
    """No photo can contain a boundary that was not yet chosen."""
    provider = Provider([httpx.Response(200, json=TAKEN) for _ in range(2)])
    for _ in range(2):
        files(provider).upload(NAME, "image/jpeg", PHOTO)
    kinds = {request.headers["content-type"] for request in provider.requests}
    assert len(kinds) == 2
    assert all(re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", kind) for kind in kinds)


@pytest.mark.parametrize(
    ("status", "told", "outcome"),
    [
        (
            200,
            {"success": False, "code": 40001, "msg": "file too large"},
            refusal(status=400, code="40001", message="file too large"),
        ),
        (
            400,
            {"success": False, "code": 40002, "msg": "type not supported"},
            refusal(status=400, code="40002", message="type not supported"),
        ),
        (400, {"success": False, "code": 40003, "msg": "quota"}, NotSent(message="quota")),
        (500, {"success": False, "code": 50001, "msg": "storage"}, NotSent(message="storage")),
        (
            401,
            {"success": False, "code": 401, "msg": "bad key"},
            refusal(status=401, code="401", message="bad key"),
        ),
        (
            403,
            {"error": {"code": "user_disabled", "message": "disabled"}},
            refusal(status=403, code="user_disabled", message="disabled"),
        ),
        (402, {}, NotSent(message="the Files API answers 402")),
        (403, {"message": "Forbidden"}, NotSent(message="the Files API answers 403")),
        (429, {}, refusal(status=429, code="http_429", message="the Files API answers 429")),
        (
            429,
            {"code": "upload_token_rate_limited"},
            refusal(
                status=429,
                code="upload_token_rate_limited",
                message="the Files API answers 429",
            ),
        ),
        (200, {"data": None}, NotSent(message="the Files API answers 200")),
        (
            200,
            {"data": {"file_id": "f-1", "file_url": "https://x/\ud800"}},
            NotSent(message="the Files API answers 200"),
        ),
        (
            200,
            {"data": {"file_id": "f" * 501, "file_url": URL}},
            NotSent(message="the Files API answers 200"),
        ),
        (
            401,
            {"code": "c" * 5000, "msg": "\ud800"},
            refusal(status=401, code="c" * 100, message="?"),
        ),
        (200, {"data": {"file_id": "f-1"}}, NotSent(message="the Files API answers 200")),
        (200, {"data": {"file_url": URL}}, NotSent(message="the Files API answers 200")),
        (400, {"code": [40001]}, NotSent(message="the Files API answers 400")),
    ],
)
def test_every_answer_to_an_upload_has_an_outcome(
    status: int, told: dict[str, object], outcome: Refused | NotSent
) -> None:
    """Account trouble pauses the gate, a permanent refusal fails the job, the rest is repeated."""
    answer = httpx.Response(status, content=json.dumps(told).encode())
    assert uploaded(answer) == outcome


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000])
def test_upload_with_an_unreadable_answer_is_repeated(content: bytes) -> None:
    """A proxy's page says nothing about the photo."""
    answer = httpx.Response(502, content=content)
    assert uploaded(answer) == NotSent(message="the Files API answers 502")


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
def test_broken_upload_is_repeated(error: Exception) -> None:
    """Whether or not it arrived: a copy is free, and its name is its own."""
    expected = f"the photo could not be handed over: {type(error).__name__}"
    assert uploaded(error) == NotSent(message=expected)


def test_upload_with_a_refused_key_is_repeated_once_with_a_newer_one() -> None:
    """A rotated key must not pause the gate until a person resumes it."""
    provider = Provider([httpx.Response(401), httpx.Response(200, json=TAKEN)])
    outcome = files(provider, Key("sk-1", "sk-2")).upload(NAME, "image/jpeg", PHOTO)
    assert outcome == PhotoAccess(file_id="f-1", url=URL)
    keys = [request.headers["authorization"] for request in provider.requests]
    assert keys == ["Bearer sk-1", "Bearer sk-2"]


def test_copy_is_deleted_by_its_id() -> None:
    """The id is encoded as one segment of the path."""
    provider = Provider([httpx.Response(200, json={"success": True})])
    files(provider).delete("a/../b?c")
    (request,) = provider.requests
    assert (request.method, request.url.raw_path) == (
        "DELETE",
        b"/api/v1/files/a%2F..%2Fb%3Fc",
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(500),
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
    ],
)
def test_failed_deletion_of_a_copy_is_ignored(answer: httpx.Response | Exception) -> None:
    """The copy expires, and nothing depends on it."""
    provider = Provider([answer])
    files(provider).delete("f-1")
    assert len(provider.requests) == 1


NO_ROOM = {"success": False, "code": 40003, "msg": "File quota exceeded"}


def quota(remaining: object) -> httpx.Response:
    """Return the quota in the form of its documentation."""
    data = {"user_group": "default", "used_files": 2000, "remain_files": remaining}
    return httpx.Response(200, json={"success": True, "code": 200, "data": data})


def paths(provider: Provider) -> list[str]:
    """Return the requested paths in order, without their common beginning."""
    return [r.url.path.removeprefix("/api/v1/files/") for r in provider.requests]


def test_after_a_refusal_for_lack_of_room_no_copy_is_uploaded_until_there_is_some() -> None:
    """The quota is read first; without a refusal, never."""
    taken, full = httpx.Response(200, json=TAKEN), httpx.Response(400, json=NO_ROOM)
    provider = Provider([taken, full, quota(0), quota(1), taken, taken])
    adapter = files(provider)
    outcomes = [adapter.upload(NAME, "image/jpeg", PHOTO) for _ in range(5)]
    assert [type(outcome) for outcome in outcomes] == [
        PhotoAccess,
        NotSent,
        NotSent,
        PhotoAccess,
        PhotoAccess,
    ]
    assert outcomes[2] == NotSent(message="the Files API has no room for another copy")
    assert paths(provider) == [
        "upload/stream",
        "upload/stream",
        "quota",
        "quota",
        "upload/stream",
        "upload/stream",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="<html>"),
        httpx.Response(200, json={"data": None}),
        quota("many"),
        quota(None),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("no"),
    ],
)
def test_copy_is_uploaded_if_the_quota_cannot_be_read(
    answer: httpx.Response | Exception,
) -> None:
    """The Files API refuses what it has no room for."""
    full = httpx.Response(400, json=NO_ROOM)
    provider = Provider([full, answer, httpx.Response(200, json=TAKEN)])
    adapter = files(provider)
    adapter.upload(NAME, "image/jpeg", PHOTO)
    assert isinstance(adapter.upload(NAME, "image/jpeg", PHOTO), PhotoAccess)
