"""Reading a task: what the provider documents, and undocumented shapes."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from cutout.domain.errors import (
    CutoutError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
    TaskUnknownError,
)
from cutout.domain.provider_outcomes import Retry, Task, TaskStatus
from tests.support.provider_transport import Key, Provider, api
from tests.support.samples import sample

ID = "task-unified-1795166131-4k7q2m9x"
LINK = "https://files.evolink.ai/a1b2c3/images/2026/11/20/0f9d8c7b6a5e4d3c.png"
RUNNING = Task(id=ID, status=TaskStatus.RUNNING)
COMPLETED = Task(id=ID, status=TaskStatus.COMPLETED, result_url=LINK, credits_used=Decimal("5.4"))
CANCELLED = Task(
    id=ID,
    status=TaskStatus.FAILED,
    retry=Retry(delay=timedelta(seconds=30), most=2),
    code="request_cancelled",
)


def read(answer: httpx.Response | Exception) -> Task:
    """Return the task that an answer describes."""
    return api(Provider([answer])).read(ID)


def told(**members: Any) -> httpx.Response:
    """Return a task with these members."""
    return httpx.Response(200, content=json.dumps(members).encode())


def refused(answer: httpx.Response | Exception) -> CutoutError:
    """Return the error of a read."""
    with pytest.raises(CutoutError) as caught:
        read(answer)
    return caught.value


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("pending", RUNNING),
        ("processing", RUNNING),
        ("completed", COMPLETED),
        (
            "failed",
            Task(
                id=ID,
                status=TaskStatus.FAILED,
                code="content_policy_violation",
                message="Content policy violation.\nThe image was not processed.",
            ),
        ),
        ("cancelled", CANCELLED),
    ],
)
def test_every_documented_task_is_read(name: str, task: Task) -> None:
    """Pending, processing, completed, failed, and cancelled, which is only implied."""
    assert read(httpx.Response(200, json=sample(f"evolink-task-{name}"))) == task


@pytest.mark.parametrize(
    ("answer", "task"),
    [
        (told(id=ID, status="canceled"), CANCELLED),
        (
            told(id=ID, status="failed", error={"code": "request_cancelled"}),
            CANCELLED,
        ),
        (told(id=ID, status="failed"), Task(id=ID, status=TaskStatus.FAILED)),
        (told(id=ID, status="failed", error=None), Task(id=ID, status=TaskStatus.FAILED)),
        (told(id=ID, status="failed", error="text"), Task(id=ID, status=TaskStatus.FAILED)),
        (
            told(id=ID, status="failed", error={"code": 500, "message": ""}),
            Task(id=ID, status=TaskStatus.FAILED, code="500"),
        ),
        (told(id=ID, status="FAILED"), Task(id=ID, status=TaskStatus.FAILED)),
        (told(id=ID, status=" Completed\n"), Task(id=ID, status=TaskStatus.COMPLETED)),
        (told(id=ID, status="CANCELLED"), CANCELLED),
        (told(task_id=ID, status="pending"), RUNNING),
        (told(id=ID, status=["completed"]), RUNNING),
        (told(id=ID, status="archived"), RUNNING),
        (told(id=ID, status=None), RUNNING),
        (told(id=ID), RUNNING),
        (told(status="pending"), RUNNING),
        (told(data={"id": ID, "status": "pending"}), RUNNING),
        (told(data=sample("evolink-task-completed")), COMPLETED),
        (told(id=ID, status="pending", data=None), RUNNING),
        (told(id=ID, status="completed"), Task(id=ID, status=TaskStatus.COMPLETED)),
    ],
)
def test_undocumented_shapes_of_tasks_are_read(answer: httpx.Response, task: Task) -> None:
    """An unknown status is not finished; a missing error is none; a wrapper is removed."""
    assert read(answer) == task


@pytest.mark.parametrize(
    ("members", "link"),
    [
        ({"results": [LINK]}, LINK),
        ({"results": [LINK, "https://other.example/2.png"]}, LINK),
        ({"results": [{"url": LINK}]}, LINK),
        ({"results": [], "result_data": [{"url": LINK}]}, LINK),
        ({"result_data": [{"url": LINK}]}, LINK),
        ({"results": [None], "result_data": [{"url": LINK}]}, LINK),
        ({"results": [""], "result_data": [{"url": LINK}]}, LINK),
        ({"results": LINK}, LINK),
        ({"results": {"url": LINK}}, LINK),
        ({"results": [None, {"title": "x"}, LINK]}, LINK),
        ({"results": "https://x/\ud800", "result_data": LINK}, LINK),
        ({"results": "https://x/" + "x" * 8192}, None),
        ({"results": None, "result_data": None}, None),
        ({"results": [7], "result_data": [{"title": "x"}]}, None),
        ({"result_data": {"url": LINK}}, LINK),
        ({}, None),
    ],
)
def test_first_result_link_is_read_from_either_member(
    members: dict[str, object], link: str | None
) -> None:
    """`results` is documented, `result_data` is what the API adds; without either, read again."""
    task = read(told(id=ID, status="completed", **members))
    assert task == Task(id=ID, status=TaskStatus.COMPLETED, result_url=link)


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        ({"credits_used": 5.4}, Decimal("5.4")),
        ({"credits_used": 0}, Decimal(0)),
        ({"credits_used": "5.40"}, Decimal("5.40")),
        ({"credits_used": None}, None),
        ({"credits_used": -1}, None),
        ({}, None),
        (None, None),
        ("5.4", None),
    ],
)
def test_credits_of_a_task_are_the_providers_or_unknown(
    usage: object, used: Decimal | None
) -> None:
    """Exact decimals, never negative."""
    task = read(told(id=ID, status="failed", usage=usage))
    assert task == Task(id=ID, status=TaskStatus.FAILED, credits_used=used)


def test_task_is_read_by_its_id() -> None:
    """With the key, and without a body."""
    provider = Provider([httpx.Response(200, json=sample("evolink-task-pending"))])
    api(provider).read(ID)
    (request,) = provider.requests
    assert (request.method, str(request.url)) == ("GET", f"https://api.evolink.ai/v1/tasks/{ID}")
    assert (request.headers["authorization"], request.content) == ("Bearer sk-1", b"")


@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("a/../../b", b"/v1/tasks/a%2F..%2F..%2Fb"),
        ("a?b#c", b"/v1/tasks/a%3Fb%23c"),
        ("写真 1", b"/v1/tasks/%E5%86%99%E7%9C%9F%201"),
        ("100%", b"/v1/tasks/100%25"),
    ],
)
def test_task_id_is_encoded_as_one_segment_of_the_path(task_id: str, path: bytes) -> None:
    """The id in a callback's body is untrusted text."""
    provider = Provider([told(status="pending")])
    api(provider).read(task_id)
    assert [request.url.raw_path for request in provider.requests] == [path]


def test_404_of_the_api_means_an_unknown_task() -> None:
    """The body is the API's own."""
    answer = httpx.Response(404, json=sample("evolink-error-404-task-not-found"))
    assert type(refused(answer)) is TaskUnknownError


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "400-invalid-task-id"),
        (401, "401-unauthorized"),
        (402, "402-quota-exceeded"),
        (403, "403-permission-denied"),
        (429, "429-rate-limit"),
        (500, "500-internal-error"),
        (503, "503-numeric"),
    ],
)
def test_account_trouble_does_not_fail_the_task(status: int, name: str) -> None:
    """The task is read again later."""
    error = refused(httpx.Response(status, json=sample(f"evolink-error-{name}")))
    assert isinstance(error, ProviderBusyError)
    assert (error.status, str(error)) == (status, f"the API answers {status}")


@pytest.mark.parametrize("status", [302, 404, 418, 502, 504])
def test_read_with_any_other_status_is_repeated_later(status: int) -> None:
    """A proxy in between says nothing about the task, not even that there is none.

    Otherwise a paid task would be given up because of a short fault.
    """
    error = refused(httpx.Response(status, content=b"<html>"))
    assert isinstance(error, ProviderBusyError)
    assert error.status == status


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"null", b"{}", b'{"data": {}}', b"\xff", b"[" * 100_000]
)
def test_unreadable_answer_to_a_read_is_ignored(content: bytes) -> None:
    """The task is read again later."""
    error = refused(httpx.Response(200, content=content))
    assert (type(error), str(error)) == (
        ResponseLostError,
        "the API's answer is unreadable",
    )


@pytest.mark.parametrize(
    "named", ["task-unified-1795166131-another", 7, ["x"], {"id": ID}, True, "x" * 5000, "\ud800"]
)
@pytest.mark.parametrize("status", ["pending", "completed", "failed"])
def test_answer_about_another_task_is_unreadable(named: object, status: str) -> None:
    """A cache or a proxy may mix up two requests."""
    error = refused(told(id=named, status=status, results=[LINK]))
    assert (type(error), str(error)) == (
        ResponseLostError,
        "the API's answer is about another task",
    )


def test_task_id_that_is_a_number_equals_its_text() -> None:
    """It is asked for as text and answered as a number."""
    provider = Provider([told(id=7, status="pending")])
    assert api(provider).read("7") == Task(id="7", status=TaskStatus.RUNNING)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (httpx.ConnectError("x"), NotSentError),
        (httpx.ReadTimeout("x"), ResponseLostError),
        (httpx.RemoteProtocolError("x"), ResponseLostError),
    ],
)
def test_broken_read_is_repeated_later(error: Exception, ours: type[CutoutError]) -> None:
    """With the errors of the HTTP adapter."""
    assert type(refused(error)) is ours


def test_endless_answer_to_a_read_is_ignored() -> None:
    """More than a megabyte is not read."""
    assert type(refused(httpx.Response(200, content=b" " * (1024 * 1024 + 1)))) is ResponseLostError


def test_read_uses_a_newer_key() -> None:
    """A key that was rotated while the task ran does not lose the task."""
    provider = Provider([httpx.Response(401), told(id=ID, status="pending")])
    assert api(provider, Key("sk-1", "sk-2")).read(ID) == RUNNING
    keys = [request.headers["authorization"] for request in provider.requests]
    assert keys == ["Bearer sk-1", "Bearer sk-2"]
