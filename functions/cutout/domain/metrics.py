"""The metrics that the functions write; alarms and the dashboard read them."""

from __future__ import annotations

from enum import StrEnum

from cutout.domain.states import SETTLED, State

NAMESPACE = "Cutout"
SERVICE = "cutout"
"""All functions write under one service name, so that they share one series per metric."""


class Metric(StrEnum):
    """Every metric by the name that CloudWatch shows."""

    PREPARED = "PhotosPrepared"
    REPORTS_REFUSED = "ReportsRefused"
    """Reports of Prepare that Submit did not accept."""
    ADMITTED = "JobsAdmitted"
    COMPLETED = "JobsCompleted"
    REVIEW = "JobsInReview"
    FAILED = "JobsFailed"
    REJECTED = "JobsRejected"
    SUPERSEDED = "JobsSuperseded"
    FAILED_PERCENT = "FailedPercent"
    """100 for a job that failed or needs review, 0 for a completed one; read its average."""
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
    PAUSED_BY_A_PERSON = "PausedByPerson"
    VARIANTS_MADE = "VariantsMade"
    VARIANTS_FAILED = "VariantsFailed"
    STEPS_FAILED = "StepsFailed"
    """Messages and job steps that raised. Lambda's own error metric does not count them."""


class MonitoringLevel(StrEnum):
    """How much of a deployment is measured. CloudWatch charges for each metric and each alarm."""

    BASIC = "basic"
    """`BASIC_METRICS`, and the alarms that find every fault."""
    FULL = "full"
    """All metrics, more alarms to find a fault's place, and a dashboard."""


BASIC_METRICS = frozenset(
    {
        Metric.COMPLETED,
        Metric.FAILED_PERCENT,
        Metric.POSSIBLE_DOUBLE_CHARGE,
        Metric.RECOVERED_BY_POLL,
        Metric.CALLBACK_REFUSED,
        Metric.STEPS_FAILED,
        Metric.OLDEST_DUE_SECONDS,
        Metric.OLDEST_IN_FLIGHT_SECONDS,
        Metric.CAP_USED_PERCENT,
        Metric.PAUSED_OUT_OF_CREDITS,
        Metric.PAUSED_KEY_REFUSED,
        Metric.PAUSED_RATE_LIMITED,
        Metric.PAUSED_BY_A_PERSON,
    }
)
"""What alarms read, and the number of completed jobs."""

TIME_IN_STATE = {state: Metric[f"SECONDS_{state.name}"] for state in State if state not in SETTLED}
"""How long a job was in a state; written when the job leaves that state."""

JOBS_SETTLED = {state: Metric[state.name] for state in State if state in SETTLED}
"""How many jobs ended in each state."""
