from collections.abc import Callable
from typing import Any

import pytest

from infra.local.evolink.faults.fault_table import Fault, Stage
from tests.contract.evolink_standin.neighbours import Client, Reply, patience

Task = dict[str, Any]

ENDINGS: dict[Fault, Callable[[Task], bool]] = {
    Fault.TASK_FAILED: lambda task: (
        (task["status"], task["error"]["code"]) == ("failed", "service_error")
    ),
    Fault.TASK_MODERATED: lambda task: (
        (task["error"]["code"], task["usage"])
        == ("content_policy_violation", {"credits_used": 5.4})
    ),
    Fault.TASK_UNREACHABLE: lambda task: task["error"]["code"] == "image_processing_error",
    Fault.TASK_CANCELLED: lambda task: task["status"] == "cancelled" and "error" not in task,
    Fault.TASK_CANCELED: lambda task: task["status"] == "canceled",
    Fault.TASK_NO_LINKS: lambda task: (
        task["status"] == "completed" and "results" not in task and "result_data" not in task
    ),
    Fault.TASK_RESULT_DATA: lambda task: (
        "results" not in task and task["result_data"][0]["url"].endswith(".png")
    ),
    Fault.TASK_SEVERAL: lambda task: len(set(task["results"])) == 2,
    Fault.TASK_UNKNOWN: lambda task: task["status"] == "archived",
    Fault.TASK_SLOW: lambda task: task["duration"] >= 60,
}

READS: dict[Fault, Callable[[Reply], bool]] = {
    Fault.READ_401: lambda reply: reply.status == 401,
    Fault.READ_402: lambda reply: _code(reply) == (402, "quota_exceeded"),
    Fault.READ_403: lambda reply: _code(reply) == (403, "permission_denied"),
    Fault.READ_404: lambda reply: _code(reply) == (404, "task_not_found"),
    Fault.READ_EXPIRED: lambda reply: _code(reply) == (404, "resource_not_found"),
    Fault.READ_429: lambda reply: reply.json()["error"]["type"] == "evo_api_error",
    Fault.READ_500: lambda reply: _code(reply) == (500, "internal_error"),
    Fault.READ_502: lambda reply: reply.status == 502 and b"<html>" in reply.body,
    Fault.READ_INVALID_JSON: lambda reply: reply.status == 200 and reply.body[-1:] != b"}",
    Fault.READ_OTHER_TASK: lambda reply: reply.json()["id"].endswith("-other"),
    Fault.READ_LOOSE: lambda reply: (
        reply.json()["status"].isupper() and reply.headers["content-type"].startswith("text/plain")
    ),
    Fault.READ_WRAPPED: lambda reply: "status" in reply.json()["data"],
}

BREAKING: dict[Fault, type[Exception]] = {
    Fault.READ_RESET: ConnectionError,
    Fault.READ_TIMEOUT: TimeoutError,
}


def _code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["error"]["code"]


def test_every_fault_of_a_task_has_a_test() -> None:
    """A fault that is in the table is in one of those above, or has a test of its own."""
    alone = {Fault.TASK_STUCK, Fault.TASK_LATE_LINKS}

    assert {it for it in Fault if it.stage is Stage.OUTCOME} == ENDINGS.keys() | alone
    assert {it for it in Fault if it.stage is Stage.READ} == READS.keys() | BREAKING.keys()


@pytest.mark.parametrize("fault", ENDINGS, ids=lambda fault: fault.label)
def test_a_task_ends_as_its_fault_says(client: Client, photo: str, fault: Fault) -> None:
    """The task decided on at creation, whatever else happens."""
    client.commit(fault.where, fault.label)

    task = client.finish(photo)

    assert ENDINGS[fault](task), task


def test_a_failed_task_can_have_any_code_and_message(client: Client, photo: str) -> None:
    """The set of codes is open."""
    client.commit("task", "failed", code="channel_busy", message="No channel\nis free")

    assert client.finish(photo)["error"] == {
        "code": "channel_busy",
        "message": "No channel\nis free",
        "type": "task_error",
    }


@pytest.mark.parametrize(
    ("code", "used"), [("generation_timeout", 0.0), ("content_policy_violation", 5.4)]
)
def test_a_failed_task_is_free_unless_moderation_failed_it(
    client: Client, photo: str, code: str, used: float
) -> None:
    """The model's page says that what moderation filters is not refunded."""
    client.commit("task", "failed", code=code)

    assert client.finish(photo)["usage"] == {"credits_used": used}


def test_a_stuck_task_never_ends(client: Client, photo: str) -> None:
    """It processes, and what was set aside stays so, while tasks after it end."""
    client.commit("task", "stuck", times=1)
    task_id = client.create(client.order(photo)).json()["id"]

    client.finish(f"{photo}-after")
    client.control("POST", "/_standin/clock", {"advance_seconds": 3600})

    assert client.read(task_id).json()["status"] == "processing"
    assert task_id not in {entry["task"] for entry in client.entries(photo, "end", 1)}


def test_late_links_appear_in_the_end(client: Client, photo: str) -> None:
    """A task that completed without a link is read again later."""
    client.commit("task", "late-links", seconds=36000)
    task = client.finish(photo)
    client.control("POST", "/_standin/clock", {"advance_seconds": 36000})

    assert task["results"] == []
    assert len(client.read(task["id"]).json()["results"]) == 1


def test_an_uploaded_file_is_never_unreachable(client: Client, photo: str) -> None:
    """What the API cannot fetch elsewhere it can fetch from itself."""
    client.commit("task", "unreachable-input")
    upload = client.send(
        "POST", "/api/v1/files/upload/url", {"file_url": f"{client.photos}/any.png"}
    ).json()["data"]
    order = client.order(photo) | {"image_urls": [upload["file_url"]]}

    task_id = client.create(order).json()["id"]
    client.entries(f"/files/{upload['upload_path']}/{upload['file_name']}", "end", 1)

    assert client.read(task_id).json()["status"] == "completed"


@pytest.mark.parametrize("fault", READS, ids=lambda fault: fault.label)
def test_a_read_goes_wrong_as_its_fault_says_and_the_next_does_not(
    client: Client, photo: str, fault: Fault
) -> None:
    """The task itself is not touched."""
    task_id = client.create(client.order(photo)).json()["id"]
    client.commit(fault.where, fault.label, times=1)

    broken, good = client.read(task_id), client.read(task_id)

    assert READS[fault](broken), broken
    assert (good.status, good.json()["id"]) == (200, task_id)


@pytest.mark.parametrize("fault", BREAKING, ids=lambda fault: fault.label)
def test_a_read_gets_no_answer_as_its_fault_says(client: Client, photo: str, fault: Fault) -> None:
    """A reset connection, or silence."""
    task_id = client.create(client.order(photo)).json()["id"]
    client.commit(fault.where, fault.label, times=1)

    with pytest.raises(BREAKING[fault]):
        client.read(task_id, seconds=patience(BREAKING[fault]))
