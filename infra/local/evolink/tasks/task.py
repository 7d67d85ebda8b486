"""A task, as the stand-in keeps it and as the API shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from infra.local.evolink.faults.fault import Rule
from infra.local.evolink.faults.task_faults import Links, task_effect

_LATE_LINKS_SECONDS = 60.0
_LAST_PROGRESS = 95  # of a task that runs: only a completed one shows 100


class Status(StrEnum):
    """The documented statuses; a fault has others."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


RUNNING = frozenset({Status.PENDING, Status.PROCESSING})


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task, from its create request to its end, which is at `finish_at` unless a fault delays it.

    `photo`, the decoded path of the input's URL, identifies the photo. A fault has a `status` that
    ``Status`` lacks.
    """

    id: str
    model: str
    created: datetime
    finish_at: datetime
    image_url: str
    photo: str
    callback_url: str | None
    credits_reserved: float
    status: str = Status.PENDING
    finished_at: datetime | None = None
    credits_used: float = 0.0
    error_code: str | None = None
    error_message: str = ""
    result_sha256: str | None = None
    task_rule: Rule | None = None
    callback_rule: Rule | None = None
    is_callback_done: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the task has not ended yet."""
        return self.status in RUNNING


def creation_answer(task: Task) -> dict[str, object]:
    """Return the answer to a create request."""
    return _head(task) | {
        "progress": 0,
        "task_info": {
            "can_cancel": True,
            "estimated_time": round((task.finish_at - task.created).total_seconds()),
        },
        "usage": {
            "billing_rule": "per_call",
            "credits_reserved": task.credits_reserved,
            "user_group": "default",
        },
    }


def task_answer(task: Task, now: datetime, base_url: str) -> dict[str, object]:
    """Return the answer to a read of the task, which is the body of its callback, too."""
    return {
        **_head(task),
        "progress": _progress(task, now),
        "task_info": {"can_cancel": task.status == Status.PENDING},
        **_end(task, now, base_url),
    }


def _head(task: Task) -> dict[str, object]:
    return {
        "created": int(task.created.timestamp()),
        "id": task.id,
        "model": task.model,
        "object": "image.generation.task",
        "status": task.status,
        "type": "image",
    }


def _progress(task: Task, now: datetime) -> int:
    if task.status == Status.COMPLETED:
        return 100
    if task.status != Status.PROCESSING:
        return 0
    duration = (task.finish_at - task.created).total_seconds() or 1.0
    return max(1, min(_LAST_PROGRESS, int(100 * (now - task.created).total_seconds() / duration)))


def _end(task: Task, now: datetime, base_url: str) -> Mapping[str, object]:
    if task.is_running or task.finished_at is None:
        return {}
    end: dict[str, object] = {
        "duration": round((task.finished_at - task.created).total_seconds(), 1),
        "usage": {"credits_used": task.credits_used},
        "billing": _billing(task),
    }
    if task.error_code is not None:
        end["error"] = {
            "code": task.error_code,
            "message": task.error_message,
            "type": "task_error",
        }
    if task.result_sha256 is None:
        return end
    # Its stem is the task's id, by which the result is found.
    link = f"{base_url}/results/standin/images/{task.created:%Y/%m/%d}/{task.id}.png"
    return end | _links(task, link, now - task.finished_at)


def _billing(task: Task) -> dict[str, object]:
    is_charged = task.credits_used > 0
    return {
        "charge_status": "charged" if is_charged else "released",
        "refund_status": "not_required",
        "reserved_credits": task.credits_reserved,
        "charged_credits": task.credits_used,
        "refunded_credits": 0,
        "refund_scope": "account_balance",
    }


def _links(task: Task, link: str, age: timedelta) -> dict[str, object]:
    """Return the links to the result; ``age`` is the time since the task ended."""
    one = [{"url": link}]
    late = (task.task_rule and task.task_rule.seconds) or _LATE_LINKS_SECONDS
    match task_effect(task.task_rule).links:
        case Links.NONE:
            return {}
        case Links.LATE if age < timedelta(seconds=late):
            return {"results": []}
        case Links.IN_RESULT_DATA:
            return {"result_data": one}
        case Links.TWO:
            other = f"{link}?variant=2"
            return {"results": [link, other], "result_data": [*one, {"url": other}]}
        case _:
            return {"results": [link], "result_data": one}
