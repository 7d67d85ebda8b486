"""Faults of the tasks themselves: how a task ends, and what its callback says."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from infra.local.evolink.faults.fault import Rule, Stage, declare

MODERATED = "content_policy_violation"
_MEGABYTE = 1024 * 1024

Document = Mapping[str, object]


class Links(Enum):
    """Where a completed task shows the links to its result."""

    IN_BOTH = auto()  # in `results`, which is documented, and in `result_data`
    IN_RESULT_DATA = auto()
    TWO = auto()
    LATE = auto()
    NONE = auto()


@dataclass(frozen=True, kw_only=True)
class TaskEffect:
    """How a task ends; the defaults are those of a task without a fault.

    Without an end it stays in processing; a task that cannot fetch reads no input from another
    server. `cancelled_as` and `unknown_status` are spellings of its status.
    """

    ends: bool = True
    more_seconds: float = 0.0
    can_fetch: bool = True
    error_code: str | None = None
    cancelled_as: str | None = None
    unknown_status: str | None = None
    links: Links = Links.IN_BOTH


@dataclass(frozen=True, kw_only=True)
class CallbackEffect:
    """How a callback is delivered; the defaults are those of a callback without a fault.

    `delay_seconds` are the stand-in's. If it comes first, the task ends before its create request
    is answered. If it ignores answers, every documented retry is sent.
    """

    deliveries: int = 1
    delay_seconds: float = 0.0
    comes_first: bool = False
    ignores_answers: bool = False
    body: Callable[[Document, Rule | None], bytes] = lambda task, _rule: json.dumps(task).encode()


def _other(change: Callable[[Document], Document]) -> CallbackEffect:
    return CallbackEffect(body=lambda task, _rule: json.dumps(change(task)).encode())


def _raw(content: bytes) -> CallbackEffect:
    return CallbackEffect(body=lambda _task, _rule: content)


def _of_other_task(task: Document, rule: Rule | None) -> bytes:
    other = rule.message if rule is not None else None
    return json.dumps({**task, "id": other or f"{task['id']}-other"}).encode()


TASK_FAULTS = declare(
    "task",
    Stage.OUTCOME,
    (
        "failed",
        "The task fails with code and message (default service_error).",
        TaskEffect(error_code="service_error"),
    ),
    (
        "moderated",
        f"The task fails with {MODERATED} and is charged all the same.",
        TaskEffect(error_code=MODERATED),
    ),
    (
        "unreachable-input",
        "The task fails with image_processing_error, unless its input is from the Files API.",
        TaskEffect(can_fetch=False),
    ),
    ("cancelled", "The task ends as cancelled.", TaskEffect(cancelled_as="cancelled")),
    ("canceled", "The task ends as canceled, with one l.", TaskEffect(cancelled_as="canceled")),
    ("no-links", "The task completes without any link.", TaskEffect(links=Links.NONE)),
    (
        "late-links",
        "The task completes, and its link appears later (seconds, default 60).",
        TaskEffect(links=Links.LATE),
    ),
    (
        "result-data-only",
        "The task completes with its link in result_data only.",
        TaskEffect(links=Links.IN_RESULT_DATA),
    ),
    ("several-links", "The task completes with two links.", TaskEffect(links=Links.TWO)),
    (
        "unknown-status",
        "The task ends in an undocumented status (message, default archived).",
        TaskEffect(unknown_status="archived"),
    ),
    ("stuck", "The task stays in processing forever.", TaskEffect(ends=False)),
    ("slow", "The task takes longer (seconds, default 60).", TaskEffect(more_seconds=60.0)),
)

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
    ("no-id", "The body's id is a list.", _other(lambda task: {**task, "id": [task["id"]]})),
    (
        "huge",
        "The body is padded to a megabyte.",
        _other(lambda task: {**task, "padding": "x" * _MEGABYTE}),
    ),
    (
        "other-task",
        "The body has the id of a task that does not exist (message chooses another).",
        CallbackEffect(body=_of_other_task),
    ),
    (
        "says-failed",
        "The body says failed, whatever the task's status is.",
        _other(lambda task: {**task, "status": "failed", "error": {"code": "service_error"}}),
    ),
    (
        "says-processing",
        "The body says processing, although the task has ended.",
        _other(lambda task: {**task, "status": "processing", "progress": 40}),
    ),
    (
        "sparse",
        "The body contains only id and status.",
        _other(lambda task: {name: task[name] for name in ("id", "status")}),
    ),
    (
        "after-failure",
        "Every answer is treated as a failure, so that every documented retry is sent.",
        CallbackEffect(ignores_answers=True),
    ),
)


def task_effect(rule: Rule | None) -> TaskEffect:
    """Return the effect of a task's rule; without a rule, that of no fault."""
    return TaskEffect() if rule is None else TASK_FAULTS[rule.fault].effect


def callback_effect(rule: Rule | None) -> CallbackEffect:
    """Return the effect of a callback's rule; without a rule, that of no fault."""
    return CallbackEffect() if rule is None else CALLBACK_FAULTS[rule.fault].effect
