"""Faults of callbacks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.evolink.faults.fault import Stage, declare
from infra.local.evolink.faults.rule import Rule

_MEGABYTE = 1024 * 1024

Body = Callable[[Mapping[str, object], Rule], bytes]


@dataclass(frozen=True, kw_only=True)
class CallbackEffect:
    """How a callback is delivered; the defaults are those of a callback without a fault.

    Attributes:
        deliveries: How often it is delivered.
        delay_seconds: Stand-in seconds between the end of the task and the delivery.
        comes_first: The task ends, and the callback is sent, before the create request is answered.
        ignores_answers: Every documented retry is sent, whatever the receiver answers.
        body: Makes the body from the task's document; None sends the document itself.
    """

    deliveries: int = 1
    delay_seconds: float = 0.0
    comes_first: bool = False
    ignores_answers: bool = False
    body: Body | None = None


def _changed(**members: object) -> CallbackEffect:
    return CallbackEffect(body=lambda task, _rule: json.dumps({**task, **members}).encode())


def _raw(content: bytes) -> CallbackEffect:
    return CallbackEffect(body=lambda _task, _rule: content)


def _with_id_in_list(task: Mapping[str, object], _rule: Rule) -> bytes:
    return json.dumps({**task, "id": [task["id"]]}).encode()


def _of_other_task(task: Mapping[str, object], rule: Rule) -> bytes:
    return json.dumps({**task, "id": rule.message or f"{task['id']}-other"}).encode()


def _sparse(task: Mapping[str, object], _rule: Rule) -> bytes:
    return json.dumps({name: task[name] for name in ("id", "status")}).encode()


CALLBACK_FAULTS = declare(
    "callback",
    Stage.CALLBACK,
    ("lost", "The callback is never sent.", CallbackEffect(deliveries=0)),
    ("doubled", "The callback is delivered twice.", CallbackEffect(deliveries=2)),
    (
        "early",
        "The task ends and its callback is sent before the create request is answered.",
        CallbackEffect(comes_first=True),
    ),
    (
        "late",
        "The callback comes later (seconds, default 60).",
        CallbackEffect(delay_seconds=60.0),
    ),
    ("garbage", "The body is not valid JSON.", _raw(b"\xff\xfe<html>not what you expect")),
    ("empty", "The body is empty.", _raw(b"")),
    ("no-id", "The body's id is a list.", CallbackEffect(body=_with_id_in_list)),
    ("huge", "The body is padded to a megabyte.", _changed(padding="x" * _MEGABYTE)),
    (
        "other-task",
        "The body has the id of a task that does not exist (message chooses another).",
        CallbackEffect(body=_of_other_task),
    ),
    (
        "says-failed",
        "The body says failed, whatever the task's status is.",
        _changed(status="failed", error={"code": "service_error"}),
    ),
    (
        "says-processing",
        "The body says processing, although the task has ended.",
        _changed(status="processing", progress=40),
    ),
    ("sparse", "The body contains only id and status.", CallbackEffect(body=_sparse)),
    (
        "after-failure",
        "Every answer is treated as a failure, so that every documented retry is sent.",
        CallbackEffect(ignores_answers=True),
    ),
)


def callback_effect(rule: Rule | None) -> CallbackEffect:
    """Return the effect of a callback's rule; without a rule, that of no fault."""
    return CallbackEffect() if rule is None else CALLBACK_FAULTS[rule.fault].effect
