"""Dead letters, grouped by what they request and by the state of their jobs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cutout.cli.aws.dead_letter_queues import DeadLetter
from cutout.cli.aws.stack_resources import Queue, Resources
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import MessageError
from cutout.domain.job.job import Job
from cutout.domain.messages.message_parsing import read_callback, read_submission
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.messages.queue_messages import (
    Deleted,
    JobDue,
    Removal,
    RenderRequest,
    TaskCheck,
    UnreadableReport,
    Uploaded,
)

NOT_OURS = "not a message of Cutout"
_FAILS_AGAIN = "if sent back, it fails again; `--purge --yes` deletes it"
_NO_EFFECT = "if sent back, it has no effect: the job has ended"
_CONTINUES = "Sweep continues the job anyway; if sent back, the job continues at once"
_ONLY_TRACE = "no job: this message is the only trace of the upload; send it back"
_NO_JOB = "no job: it has expired or never existed; if sent back, the message has no effect"


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueue:
    """A dead-letter queue, and the ARN of the queue that its messages go back to."""

    queue: Queue
    goes_back_to: str


@dataclass(frozen=True, kw_only=True)
class ReadLetter:
    """A dead letter and its meaning.

    Attributes:
        what: what it requests.
        job_id: the job that it is about; None if it is not a message of Cutout.
        key: the key of the photo, if the message names it.
        error: why EventBridge could not deliver it.
    """

    letter: DeadLetter
    what: str
    job_id: str | None
    key: str | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class LetterGroup:
    """Letters with one request whose jobs have one state.

    Attributes:
        why: what they request, and the state of the jobs.
        then: what happens if they are sent back.
        photos: keys, or ids of jobs if the key is not known.
    """

    why: str
    then: str
    photos: Sequence[str]
    count: int
    oldest: datetime
    received: int

    @property
    def is_only_trace(self) -> bool:
        """There is no other trace of these uploads."""
        return self.then == _ONLY_TRACE


def dead_letter_queues(resources: Resources) -> list[DeadLetterQueue]:
    """Return the dead-letter queues of queues and of event rules."""
    queues = resources.queues()
    back = {queue.dead_letters: queue.arn for queue in queues if queue.dead_letters}
    for rule in resources.event_rules():
        back |= {dead: target for target, dead in rule.undeliverable.items()}
    return [
        DeadLetterQueue(queue=one, goes_back_to=back[one.arn]) for one in queues if one.arn in back
    ]


def read_letter(letter: DeadLetter) -> ReadLetter:
    """Read a message of any queue of the stack."""
    try:
        what, job_id, key = _request_in(letter.body)
    except MessageError as refused:
        what, job_id, key = f"{NOT_OURS}: {refused}", None, None
    # EventBridge writes why it gave up into the message's attributes.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    error = letter.attributes.get("ERROR_CODE", "")
    return ReadLetter(letter=letter, what=what, job_id=job_id, key=key, error=error)


def _request_in(body: str) -> tuple[str, str | None, str | None]:
    """Return what a message requests, the id of its job, and the key of the photo if it has one."""
    # Only messages of the callbacks queue have one of these.
    is_callback = _object(body).keys() & {"attempt", "render"}
    match message := read_callback(body) if is_callback else read_submission(body):
        case Removal():
            return "delete the results of a deleted photo", message.job_id, message.key
        case TaskCheck():
            return f"check the task of attempt {message.attempt}", message.job_id, None
        case RenderRequest():
            return f"make variants: {', '.join(message.recipes)}", message.job_id, None
        case JobDue():
            return "check a job", message.job_id, None
        case PrepareReport() | UnreadableReport():
            return "record the result of Prepare", message.job_id, None
        case Uploaded(source=source):
            what = "create the job of an upload"
        case Deleted(source=source):
            what = "record a deletion"
        case _:
            source, what = message.source, "record the deletion of a version"
    return what, source.job_id, source.key


def grouped(letters: Iterable[ReadLetter], jobs: Mapping[str, Job]) -> list[LetterGroup]:
    """Group letters by request and state of the job; the largest group comes first."""
    piles: dict[tuple[str, str], list[ReadLetter]] = defaultdict(list)
    for letter in letters:
        piles[_why(letter, jobs)].append(letter)
    groups = [_group(why, then, pile, jobs) for (why, then), pile in piles.items()]
    return sorted(groups, key=lambda group: (-group.count, group.why))


def _why(letter: ReadLetter, jobs: Mapping[str, Job]) -> tuple[str, str]:
    because = f" ({letter.error})" if letter.error else ""
    what = f"{letter.what}{because}"
    if letter.job_id is None:
        return what, _FAILS_AGAIN
    job = jobs.get(letter.job_id)
    if job is None:
        return f"{what} · no job", _ONLY_TRACE if letter.key else _NO_JOB
    reason = f" because of {job.reason}" if job.reason else ""
    then = _NO_EFFECT if job.state.is_settled else _CONTINUES
    return f"{what} · the job is {job.state}{reason}", then


def _group(why: str, then: str, pile: Sequence[ReadLetter], jobs: Mapping[str, Job]) -> LetterGroup:
    return LetterGroup(
        why=why,
        then=then,
        photos=list(dict.fromkeys(_photo(one, jobs) for one in pile)),
        count=len(pile),
        oldest=min(one.letter.sent_at for one in pile),
        received=max(one.letter.received for one in pile),
    )


def _photo(letter: ReadLetter, jobs: Mapping[str, Job]) -> str:
    if letter.job_id is None:
        return f"message {letter.letter.id}"
    job = jobs.get(letter.job_id)
    return letter.key or (job.source.key if job else f"job {letter.job_id}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
