"""Dead letters, grouped by what they request and by the state of their jobs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cutout.cli.aws.dead_letter_queues import DeadLetter
from cutout.cli.aws.stack_resources import Queue, StackResources
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import MessageError
from cutout.domain.job.job import Job
from cutout.domain.messages import queue_messages
from cutout.domain.messages.message_parsing import read_callback, read_submission
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.serialization import json_object

NOT_OURS = "not a message of Cutout"
_FAILS_AGAIN = "if sent back, it fails again; `--purge --yes` deletes it"
_NO_EFFECT = "if sent back, it has no effect: the job has ended"
_CARRIED_OUT = "if sent back, it is carried out"
_CONTINUES = "Sweep continues the job anyway; if sent back, the job continues at once"
_ONLY_TRACE = "no job: this message is the only trace of the upload; send it back"
_NO_JOB = "no job: it has expired or never existed; if sent back, the message has no effect"


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueue:
    """A dead-letter queue, and the ARN of the queue that its messages go back to."""

    queue: Queue
    goes_back_to: str


class Request(NamedTuple):
    """The request of a message.

    Attributes:
        letter: the message itself.
        what: in words.
        job_id: the job that it is about; None if it is not a message of Cutout.
        key: the key of the photo, if the message names it.
        is_for_ended_jobs: it is carried out even if the job has ended.
    """

    letter: DeadLetter
    what: str
    job_id: str | None
    key: str | None = None
    is_for_ended_jobs: bool = False


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


def dead_letter_queues(resources: StackResources) -> list[DeadLetterQueue]:
    """Return the dead-letter queues of queues and of event rules."""
    queues = resources.queues()
    back = {queue.dead_letters: queue.arn for queue in queues if queue.dead_letters}
    for rule in resources.event_rules():
        back |= {dead: target for target, dead in rule.undeliverable.items()}
    return [
        DeadLetterQueue(queue=one, goes_back_to=back[one.arn]) for one in queues if one.arn in back
    ]


def read_letter(letter: DeadLetter) -> Request:
    """Read a message of any queue of the stack."""
    try:
        return _request_in(letter)
    except MessageError as refused:
        return Request(letter, f"{NOT_OURS}: {refused}", None)


def _request_in(letter: DeadLetter) -> Request:
    body = letter.body
    # Only messages of the callbacks queue have one of these.
    is_callback = json_object(body).keys() & {"attempt", "render", "removed"}
    match message := read_callback(body) if is_callback else read_submission(body):
        case queue_messages.Removal():
            what = "delete the results of a deleted photo"
            return Request(letter, what, message.job_id, message.key, is_for_ended_jobs=True)
        case queue_messages.RenderRequest():
            what = f"make variants: {', '.join(message.recipes)}"
            return Request(letter, what, message.job_id, is_for_ended_jobs=True)
        case queue_messages.TaskCheck():
            what = f"check the task of attempt {message.attempt}"
            return Request(letter, what, message.job_id)
        case queue_messages.JobDue():
            return Request(letter, "check a job", message.job_id)
        case PrepareReport() | queue_messages.UnreadableReport():
            return Request(letter, "record the result of Prepare", message.job_id)
        case queue_messages.Uploaded(source=source):
            what = "create the job of an upload"
        case queue_messages.Deleted(source=source):
            what = "record a deletion"
        case _:
            source, what = message.source, "record the deletion of a version"
    return Request(letter, what, source.job_id, source.key)


def grouped(requests: Iterable[Request], jobs: Mapping[str, Job]) -> list[LetterGroup]:
    """Group letters by request and state of the job; the largest group comes first."""
    piles: dict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in requests:
        piles[_why(request, jobs)].append(request)
    groups = [_group(why, then, pile, jobs) for (why, then), pile in piles.items()]
    return sorted(groups, key=lambda group: (-group.count, group.why))


def _why(request: Request, jobs: Mapping[str, Job]) -> tuple[str, str]:
    # EventBridge writes why it gave up into the message's attributes.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    error = request.letter.attributes.get("ERROR_CODE")
    because = f" ({error})" if error else ""
    what = f"{request.what}{because}"
    job = jobs.get(request.job_id or "")
    if job is not None:
        reason = f" because of {job.reason}" if job.reason else ""
        then = _CONTINUES
        if job.state.is_settled:
            # Variants are made, and results of deleted photos removed, after a job has ended.
            then = _CARRIED_OUT if request.is_for_ended_jobs else _NO_EFFECT
        return f"{what} · the job is {job.state}{reason}", then
    if request.is_for_ended_jobs and request.key:
        # Results of a deleted photo are found by its key: its job may have expired.
        return what, _CARRIED_OUT
    if request.job_id is None:
        return what, _FAILS_AGAIN
    return f"{what} · no job", _ONLY_TRACE if request.key else _NO_JOB


def _group(why: str, then: str, pile: Sequence[Request], jobs: Mapping[str, Job]) -> LetterGroup:
    return LetterGroup(
        why=why,
        then=then,
        photos=list(dict.fromkeys(_photo(one, jobs) for one in pile)),
        count=len(pile),
        oldest=min(one.letter.sent_at for one in pile),
        received=max(one.letter.received for one in pile),
    )


def _photo(request: Request, jobs: Mapping[str, Job]) -> str:
    job = jobs.get(request.job_id or "")
    if found := request.key or (job and job.source.key):
        return found
    return f"job {request.job_id}" if request.job_id else f"message {request.letter.id}"
