"""Cases of an answer to a call, and of what its task shows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import ResponseLostError
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider_outcomes import Accepted, NotSent, OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import Transport
from cutout.ports.jobs_table import TaskClaim
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import PRICE
from tests.support.fakes.world import TIMING, World
from tests.support.recorded.cases import ATTEMPTS, MINUTE, SECOND, STATES, Cases, Facts, job_in


def _outcome(world: World, state: Facts, attempts: Any, at: Facts, outcome: Any) -> object:
    job = job_in(world, {**state, **at, "attempts": attempts})
    return lambda: world.submit.call_outcomes.record(job, 1, outcome)


OUTCOMES = {
    "accepted": Accepted(task_id="task-1", credits_reserved=Decimal(6)),
    "accepted as a replay": Accepted(task_id="task-1", credits_reserved=PRICE, is_replay=True),
    "accepted for no price": Accepted(task_id="task-9", credits_reserved=None),
    **{
        f"refused {status} {code}": refusal(status=status, code=code, message="text")
        for status, code in (
            (422, "invalid_request"), (402, "insufficient_quota"), (401, "unauthorized"),
            (409, "conflict"), (400, "invalid_media_url"),
        )
    },
    "refused for a while": refusal(status=429, code="x", message="m", retry_after_seconds=90),
    "not sent": NotSent(message="ConnectError"),
    "unknown": OutcomeUnknown(message="ReadTimeout"),
}  # fmt: skip
TRYING = {
    "": {},
    "tried till the deadline": {"trying_since": START - TIMING.job_deadline},
    "tried nearly as long": {"trying_since": START - TIMING.job_deadline + SECOND},
    "by a link": {"transport": Transport.PRESIGNED, "due_at": START + 2 * MINUTE},
    "due late": {"due_at": START + 60 * MINUTE, "tries": 3},
}


def _check(
    world: World, state: Facts, attempts: Any, row: Facts, answer: Any, check: Facts
) -> object:
    job = job_in(world, {**state, **row, "attempts": attempts})
    answer(world)
    return lambda: world.track_task.check(TaskCheck(job_id=job.id, **check))


def _task(world: World, **facts: Any) -> None:
    for name in ("task-1", "task-2"):
        world.evolink.take('{"image_urls": ["u"], "callback_url": "c"}', name)
        task = world.evolink.tasks.popitem()[1]
        world.evolink.tasks[name] = replace(task, id=name)
        if facts.get("fails"):
            world.evolink.fail(name, facts["fails"], "text")
        elif "result" in facts:
            world.evolink.complete(name, facts["result"])


def _taken_by_another(world: World) -> None:
    _task(world)
    world.jobs.tasks["task-1"] = TaskClaim(
        task_id="task-1", job_id="another", attempt=1, is_certain=True, expires_at=START
    )


def _busy(world: World) -> None:
    world.evolink.read_rule = lambda: ResponseLostError("ReadTimeout")


ANSWERS = {
    "running": _task,
    "completed": partial(_task, result=b"png 600 400 0 255"),
    "opaque": partial(_task, result=b"png 600 400 255 255"),
    "failed": partial(_task, fails="service_error"),
    "failed to read": partial(_task, fails="image_processing_error"),
    "failed for good": partial(_task, fails="content_policy_violation"),
    "another's": _taken_by_another,
    "not known": lambda _world: None,
    "not to be read": _busy,
}
ROWS = {
    "": {},
    "not due": {"due_at": START + SECOND},
    "asking": {"reason": Reason.RETRIED_BY_PERSON, "storing_attempt": 1, "failures": 2},
    "long": {"entered_at": START - TIMING.job_deadline, "message": "text"},
    "nearly as long": {"entered_at": START - TIMING.job_deadline + SECOND, "tries": 2},
    "announced": {"is_announced": True, "due_at": None},
    "storing the second": {"storing_attempt": 2, "cut_short": 1},
}
CHECKS = {
    "polled": {"attempt": 1, "is_poll": True},
    "called back": {"attempt": 1, "is_taken": True, "task_id": "task-1"},
    "called back without a name": {"attempt": 1, "is_taken": True},
    "told": {"attempt": 1, "task_id": "task-1"},
    "about the second": {"attempt": 2, "is_taken": True},
}
CASES = {
    "call_outcome": Cases(
        {"state": STATES, "attempts": ATTEMPTS, "at": TRYING, "outcome": OUTCOMES}, _outcome, 29
    ),
    "track_task": Cases(
        {
            "state": STATES, "attempts": ATTEMPTS, "row": ROWS, "answer": ANSWERS,
            "check": CHECKS, "world": {"": {}, "reuse": {"reuse": True}},
        },
        _check,
        241,
    ),
}  # fmt: skip
