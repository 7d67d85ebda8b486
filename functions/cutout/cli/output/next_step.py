"""The next step of a job, as text for people."""

from datetime import UTC, datetime, time, timedelta

from cutout.cli.output.job_text import attempts_made, explanation, lasted, variants_in_words
from cutout.cli.output.units import duration
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import is_final_refusal
from cutout.domain.sanitize import plain
from cutout.domain.states import State
from cutout.usecases.shared.error_note_texts import command_on
from cutout.wiring.chosen_provider import terms

_NEXT = {
    State.QUEUED: "will be submitted",
    State.SUBMITTING: "is being submitted; Sweep retries if that is interrupted",
    State.PROCESSING: "waits for its callback; without one, the task is polled",
    State.STORING: "the result is being stored; Sweep retries if that is interrupted",
    State.REVIEW: "waits for `cutout review accept` or `cutout review reject`; `cutout retry` "
    "pays for a new result",
    State.FAILED: "final, unless you run `cutout retry`",
    State.REJECTED: "final. Upload a corrected file to the same key to try again",
}
_WAITS: dict[Reason | None, str] = {
    Reason.GATE_FULL: "waits at the gate for a free slot",
    Reason.GATE_PAUSED: "waits because the gate is paused; `cutout limits` shows the reason",
    Reason.PRICE_ABOVE_CAP: "waits for a higher daily cap or a lower price; see `cutout limits`",
    Reason.DAILY_CAP: "waits for the next day (UTC) or a higher daily cap; see `cutout limits`",
}
_PREPARING = "Prepare makes a copy that the model accepts; without its report, it is asked again"
_RECHECK = "an earlier task is checked for its result, free of charge; else a new request is sent"
_DECIDED = "the decision is being carried out; Sweep retries if that is interrupted"
_REFUSED = "final: the provider refused what the photo shows. Upload another photo to the key; "
_SKIPPED = "final. Upload it again without the metadata `cutout-skip` to get a cut-out"
_NEXT_BY_REASON: dict[tuple[State, Reason | None], str] = {
    (State.STORING, Reason.RETRIED_BY_PERSON): _RECHECK,
    (State.REJECTED, Reason.SKIPPED_BY_UPLOADER): _SKIPPED,
    (State.STORING, Reason.ACCEPTED_BY_PERSON): _DECIDED,
    (State.STORING, Reason.REJECTED_BY_PERSON): _DECIDED,
}


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """The next step of a job, and when at the latest; None if no time is set."""

    what: str
    at: datetime | None


def next_step(job: Job) -> NextStep | None:
    """Return what happens next; None if nothing does."""
    if job.is_waiting:
        return _waiting(job)
    if job.state.is_settled and not job.is_announced and job.due_at:
        return NextStep(what="its event will be sent", at=job.due_at)
    if job.state in {State.COMPLETED, State.SUPERSEDED}:
        return None
    if job.is_being_prepared:
        return NextStep(what=_PREPARING, at=job.due_at)
    if job.state is State.UNCONFIRMED:
        return NextStep(what=_unconfirmed(job), at=job.due_at)
    at = None if job.state.is_settled else job.due_at
    return NextStep(what=_what_is_next(job), at=at)


def _what_is_next(job: Job) -> str:
    if is_final_refusal(job, terms().final_codes):
        return f"{_REFUSED}{retry_of_refused(job)}"
    return _NEXT_BY_REASON.get((job.state, job.reason)) or _NEXT[job.state]


def retry_of_refused(job: Job) -> str:
    """Return the command that retries a photo whose content the provider refused."""
    return f"`{command_on('retry --include-refused', job)}` retries all the same"


def _unconfirmed(job: Job) -> str:
    if job.has_unverified_task:
        return "the status of the task named in the callback will be checked again"
    if job.attempt is not None and job.attempt.is_taken:
        return "waits for a callback that names its task; the request is not sent again"
    return "waits for its callback; without one, the same request is sent again"


def _waiting(job: Job) -> NextStep:
    """Return what a job waits for at the gate; only the daily cap ends at a known time."""
    at = None
    if job.reason is Reason.DAILY_CAP:
        next_day = job.updated_at.date() + timedelta(days=1)
        at = datetime.combine(next_day, time(), tzinfo=UTC)
    return NextStep(what=_WAITS.get(job.reason, "waits at the gate for its turn"), at=at)


def job_in_one_line(job: Job, *, now: datetime) -> str:
    """Return state, reason, attempts, cost, the key of the result and what happens next."""
    since = "" if job.state.is_settled else f" for {duration(now - job.entered_at)}"
    because = f" because of {why}" if (why := explanation(job)) else ""
    facts = [f"{plain(job.source.key)}: {job.state}{since}{because}"]
    facts += [attempts_made(job), f"{float(job.credits):g} credits"]
    if job.reused:
        facts.append(f"reused, {float(job.reused.credits_saved):g} credits saved")
    if any(attempt.is_possible_double_charge for attempt in job.attempts):
        facts.append("possible double charge")
    if job.result:
        facts.append(f"s3://{job.result.bucket}/{plain(job.result.key)}")
        facts += filter(None, [job.result.remark, variants_in_words(job)])
    elif job.result_key and not job.state.is_settled:
        facts.append(f"result will be {job.result_key}")
    if job.state.is_settled:
        facts.append(f"took {duration(lasted(job))}, {duration(now - job.updated_at)} ago")
    if step := next_step(job):
        facts.append(f"next: {step.what}{_when(step.at, now)}")
    return " · ".join(facts)


def _when(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    return f" in {duration(at - now)}" if at > now else " within a minute"
