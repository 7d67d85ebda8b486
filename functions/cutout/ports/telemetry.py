"""What happened, and when: the clock, log lines, metrics and announcements."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cutout.domain.gate import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.states import State


class Metric(StrEnum):
    """What is counted; the dashboard and the alarms read these names."""

    PREPARED = "PhotosPrepared"
    REPORTS_REFUSED = "ReportsRefused"
    """What Prepare reported could not be true."""
    ADMITTED = "JobsAdmitted"
    COMPLETED = "JobsCompleted"
    REVIEW = "JobsInReview"
    FAILED = "JobsFailed"
    REJECTED = "JobsRejected"
    SUPERSEDED = "JobsSuperseded"
    FAILED_PERCENT = "FailedPercent"
    """100 for a photo that failed or needs review, 0 for one that is completed: its average."""
    OUTCOME_UNKNOWN = "OutcomesUnknown"
    POSSIBLE_DOUBLE_CHARGE = "PossibleDoubleCharges"
    TASK_TAKEN = "TasksOfOthersNamed"
    RECOVERED_BY_POLL = "RecoveredByPoll"
    GATE_PAUSED = "GatePauses"
    CALLBACK_REFUSED = "CallbacksRefused"
    SECONDS_TO_COMPLETE = "SecondsToComplete"
    CREDITS = "CreditsCharged"
    REUSED = "JobsReused"
    CREDITS_SAVED = "CreditsSaved"
    SECONDS_QUEUED = "SecondsQueued"
    SECONDS_SUBMITTING = "SecondsSubmitting"
    SECONDS_UNCONFIRMED = "SecondsUnconfirmed"
    SECONDS_PROCESSING = "SecondsProcessing"
    SECONDS_STORING = "SecondsStoring"
    JOBS_DUE = "JobsDue"
    OLDEST_DUE_SECONDS = "OldestDueSeconds"
    IN_FLIGHT = "TasksInFlight"
    OLDEST_IN_FLIGHT_SECONDS = "OldestInFlightSeconds"
    WAITING = "JobsWaiting"
    OLDEST_WAITING_SECONDS = "OldestWaitingSeconds"
    SPENT_TODAY = "CreditsSpentToday"
    CAP_USED_PERCENT = "DailyCapUsedPercent"
    GATE_IS_PAUSED = "GateIsPaused"
    PAUSED_OUT_OF_CREDITS = "PausedOutOfCredits"
    PAUSED_KEY_REFUSED = "PausedKeyRefused"
    PAUSED_RATE_LIMITED = "PausedRateLimited"
    PAUSED_BY_PERSON = "PausedByPerson"
    GATE_DRIFT = "GateDrift"
    VARIANTS_MADE = "VariantsMade"
    VARIANTS_FAILED = "VariantsFailed"
    STEPS_FAILED = "StepsFailed"
    """A message or a step of a job that raised: no error of the function, so Lambda counts none."""


TIME_IN_STATE = {
    State.QUEUED: Metric.SECONDS_QUEUED,
    State.SUBMITTING: Metric.SECONDS_SUBMITTING,
    State.UNCONFIRMED: Metric.SECONDS_UNCONFIRMED,
    State.PROCESSING: Metric.SECONDS_PROCESSING,
    State.STORING: Metric.SECONDS_STORING,
}
"""How long a job stood in a state is counted when it leaves the state for another."""

PAUSED_BECAUSE = {
    PauseReason.OUT_OF_CREDITS: Metric.PAUSED_OUT_OF_CREDITS,
    PauseReason.KEY_REFUSED: Metric.PAUSED_KEY_REFUSED,
    PauseReason.RATE_LIMITED: Metric.PAUSED_RATE_LIMITED,
    PauseReason.OPERATOR: Metric.PAUSED_BY_PERSON,
}
"""One gauge a reason, 1 while the gate is paused for it: each has its own alarm."""


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...


class Telemetry(Protocol):
    """Log lines and metrics."""

    def log(self, message: str, /, **fields: object) -> None:
        """One log line: a constant message and its fields; never a URL, a token or a body."""
        ...

    def failed(self, message: str, /, **fields: object) -> None:
        """The same for an exception that is being handled: with its traceback, as an error."""
        ...

    def metric(self, metric: Metric, value: float = 1) -> None:
        """Add to a metric."""
        ...


class Announcements(Protocol):
    """The event bus."""

    def announce(self, job: Job) -> None:
        """Say that a job is settled; at least once, receivers dedupe by job id."""
        ...
