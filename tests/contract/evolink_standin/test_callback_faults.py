from collections.abc import Callable
from typing import Any

import pytest

from infra.local.evolink.faults.task_faults import CALLBACK_FAULTS
from tests.contract.evolink_standin.peers import Client, Receiver

Task = dict[str, Any]

BODIES: dict[str, Callable[[Any, Task], bool]] = {
    "huge": lambda told, task: len(told.pop("padding")) > 10**6 and told == task,
    "other-task": lambda told, task: told == task | {"id": f"{task['id']}-other"},
    "says-failed": lambda told, task: (told["id"], told["status"]) == (task["id"], "failed"),
    "says-processing": lambda told, task: (
        (told["id"], told["status"]) == (task["id"], "processing")
    ),
    "no-id": lambda told, task: told["id"] == [task["id"]],
    "sparse": lambda told, task: told == {"id": task["id"], "status": "completed"},
    "late": lambda told, task: told == task,
}
ALONE = {
    "lost",
    "doubled",
    "early",
    "garbage",
    "empty",
    "after-failure",
}


def test_every_fault_of_a_callback_has_a_test() -> None:
    """Each declared fault is in a table above or has its own test."""
    assert CALLBACK_FAULTS.keys() == BODIES.keys() | ALONE


@pytest.mark.parametrize("fault", BODIES)
def test_a_callback_body_is_as_its_fault_describes(
    client: Client, callbacks: Receiver, photo: str, fault: str
) -> None:
    """A read returns the true status, whatever the callback says."""
    client.commit("callback", fault)

    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 1)

    [told] = callbacks.documents()
    assert BODIES[fault](told, task), told
    assert task["status"] == "completed"


@pytest.mark.parametrize(
    ("label", "body"), [("garbage", b"\xff\xfe<html>not what you expect"), ("empty", b"")]
)
def test_a_callback_body_can_be_invalid_json(
    client: Client, callbacks: Receiver, photo: str, label: str, body: bytes
) -> None:
    """It is delivered like any other."""
    client.commit("callback", label)
    client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 1)

    assert callbacks.bodies == [body]


def test_a_lost_callback_is_never_sent(client: Client, callbacks: Receiver, photo: str) -> None:
    """The task ends normally; only the next task's callback is sent."""
    client.commit("callback", "lost", times=1)
    task = client.finish(photo, callback_url=callbacks.url)
    client.finish(f"{photo}-next", callback_url=callbacks.url)
    client.entries(f"{photo}-next", "callback", 1)

    assert task["status"] == "completed"
    assert [told["id"] == task["id"] for told in callbacks.documents()] == [False]


def test_a_doubled_callback_is_delivered_twice(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """Two deliveries that are each the first attempt."""
    client.commit("callback", "doubled")
    task = client.finish(photo, callback_url=callbacks.url)
    attempts = client.entries(photo, "callback", 2)

    assert callbacks.documents() == [task, task]
    assert [attempt["attempt"] for attempt in attempts] == [1, 1]


def test_an_early_callback_is_sent_before_the_request_is_answered(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """The receiver learns the task id before the client does."""
    client.commit("callback", "early")

    answer = client.create(client.create_body(photo, callback_url=callbacks.url)).json()

    [told] = callbacks.documents()
    assert (told["id"], told["status"]) == (answer["id"], "completed")


def test_a_late_callback_is_sent_after_its_delay(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """After the rule's seconds on the stand-in's clock."""
    client.commit("callback", "late", seconds=36000)
    client.finish(photo, callback_url=callbacks.url)
    before = list(callbacks.bodies)
    client.control("POST", "/_standin/clock", {"advance_seconds": 36000})
    client.entries(photo, "callback", 1)

    assert (before, len(callbacks.bodies)) == ([], 1)


def test_a_callback_whose_answer_is_lost_is_delivered_with_every_retry(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """Four deliveries, although the first was answered 200."""
    client.commit("callback", "after-failure")
    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 4)

    assert callbacks.documents() == [task] * 4
