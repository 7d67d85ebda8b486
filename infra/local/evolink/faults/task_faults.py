"""Faults of the tasks themselves: how a task ends."""

from dataclasses import dataclass
from enum import Enum, auto

from infra.local.evolink.faults.fault import Stage, declare
from infra.local.evolink.faults.rule import Rule

MODERATED = "content_policy_violation"


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

    Attributes:
        ends: False for a task that stays in processing.
        more_seconds: Stand-in seconds that are added to the task's duration.
        can_fetch: False if the task cannot read an input from another server.
        error_code: Code of the failure; None for a task that does not fail.
        cancelled_as: Spelling of the status of a cancelled task.
        unknown_status: An undocumented status instead of completed.
        links: Where the links appear.
    """

    ends: bool = True
    more_seconds: float = 0.0
    can_fetch: bool = True
    error_code: str | None = None
    cancelled_as: str | None = None
    unknown_status: str | None = None
    links: Links = Links.IN_BOTH


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


def task_effect(rule: Rule | None) -> TaskEffect:
    """Return the effect of a task's rule; without a rule, that of no fault."""
    return TaskEffect() if rule is None else TASK_FAULTS[rule.fault].effect
