"""Tasks as the API shows them."""

from datetime import datetime, timedelta

from infra.local.evolink.faults.fault_table import Fault
from infra.local.evolink.tasks.task_store import Status, Task

_LATE_LINKS_SECONDS = 60.0
_LAST_PROGRESS = 95


def creation_answer(task: Task) -> dict[str, object]:
    """Return the body of the answer to a create request."""
    return {
        "created": int(task.created.timestamp()),
        "id": task.id,
        "model": task.model,
        "object": "image.generation.task",
        "progress": 0,
        "status": task.status,
        "task_info": {
            "can_cancel": True,
            "estimated_time": round((task.finish_at - task.created).total_seconds()),
        },
        "type": "image",
        "usage": {
            "billing_rule": "per_call",
            "credits_reserved": task.credits_reserved,
            "user_group": "default",
        },
    }


def task_answer(task: Task, now: datetime, base_url: str) -> dict[str, object]:
    """Return the body of a read of the task, which is the body of its callback, too."""
    return {
        "created": int(task.created.timestamp()),
        "id": task.id,
        "model": task.model,
        "object": "image.generation.task",
        "progress": _progress(task, now),
        "status": task.status,
        "task_info": {"can_cancel": task.status == Status.PENDING},
        "type": "image",
        **_end(task, now, base_url),
    }


def result_url(task: Task, base_url: str) -> str:
    """Return the link to a task's result."""
    return f"{base_url}/results/{task.result_name}"


def _progress(task: Task, now: datetime) -> int:
    if task.status == Status.COMPLETED:
        return 100
    if task.status != Status.PROCESSING:
        return 0
    life = (task.finish_at - task.created).total_seconds() or 1.0
    return max(1, min(_LAST_PROGRESS, int(100 * (now - task.created).total_seconds() / life)))


def _end(task: Task, now: datetime, base_url: str) -> dict[str, object]:
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
    return end | _links(task, now, base_url)


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


def _links(task: Task, now: datetime, base_url: str) -> dict[str, object]:
    if task.result_name is None or task.finished_at is None or task.ends_by(Fault.TASK_NO_LINKS):
        return {}
    if task.outcome is not None and task.ends_by(Fault.TASK_LATE_LINKS):
        late = task.outcome.seconds or _LATE_LINKS_SECONDS
        if now < task.finished_at + timedelta(seconds=late):
            return {"results": []}
    links = [result_url(task, base_url)]
    if task.ends_by(Fault.TASK_SEVERAL):
        links.append(f"{links[0]}?variant=2")
    result_data = [{"url": link} for link in links]
    if task.ends_by(Fault.TASK_RESULT_DATA):
        return {"result_data": result_data}
    return {"results": links, "result_data": result_data}
