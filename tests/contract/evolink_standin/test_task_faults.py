from collections.abc import Callable
from typing import Any

import pytest

from infra.local.evolink.faults.task_faults import TASK_FAULTS
from tests.contract.evolink_standin.peers import Client

Task = dict[str, Any]

ENDINGS: dict[str, Callable[[Task], bool]] = {
    "failed": lambda task: (task["status"], task["error"]["code"]) == ("failed", "service_error"),
    "moderated": lambda task: (
        (task["error"]["code"], task["usage"])
        == ("content_policy_violation", {"credits_used": 5.4})
    ),
    "unreachable-input": lambda task: task["error"]["code"] == "image_processing_error",
    "cancelled": lambda task: task["status"] == "cancelled" and "error" not in task,
    "canceled": lambda task: task["status"] == "canceled",
    "no-links": lambda task: (
        task["status"] == "completed" and "results" not in task and "result_data" not in task
    ),
    "result-data-only": lambda task: (
        "results" not in task and task["result_data"][0]["url"].endswith(".png")
    ),
    "several-links": lambda task: len(set(task["results"])) == 2,
    "unknown-status": lambda task: task["status"] == "archived",
    "slow": lambda task: task["duration"] >= 60,
}


def test_every_fault_of_a_task_has_a_test() -> None:
    """Each declared fault is in a table above or has its own test."""
    alone = {"stuck", "late-links"}

    assert TASK_FAULTS.keys() == ENDINGS.keys() | alone


@pytest.mark.parametrize("fault", ENDINGS)
def test_a_task_ends_as_its_fault_describes(client: Client, photo: str, fault: str) -> None:
    """The rule is chosen when the task is created."""
    client.commit("task", fault)

    task = client.finish(photo)

    assert ENDINGS[fault](task), task


def test_a_failed_task_can_have_any_code_and_message(client: Client, photo: str) -> None:
    """Clients must expect codes that are not documented."""
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
    """It stays in processing while later tasks end."""
    client.commit("task", "stuck", times=1)
    task_id = client.create(client.create_body(photo)).json()["id"]

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


def test_an_uploaded_file_is_never_unreachable(
    client: Client, small_photo: bytes, photo: str
) -> None:
    """The fault affects inputs on other servers only."""
    client.commit("task", "unreachable-input")
    upload = client.upload(small_photo).json()["data"]
    body = client.create_body(photo) | {"image_urls": [upload["file_url"]]}

    task_id = client.create(body).json()["id"]
    client.entries(f"/files/{upload['upload_path']}/{upload['file_name']}", "end", 1)

    assert client.read(task_id).json()["status"] == "completed"
