"""What dead letters are about: grouped by why, with what the rows say now."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cutout.domain.errors import MessageError
from cutout.domain.messages import (
    Deleted,
    JobDue,
    Removal,
    TaskCheck,
    UnreadableReport,
    Uploaded,
    read_callback,
    read_submission,
)
from cutout.domain.preparation import PrepareReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cutout.cli.aws.deployment import DeadLetters, Letter, QueueFact
    from cutout.domain.job.job import Job

NOT_OURS = "not one of our messages"
_AGAIN = "sent back, it ends here again: `--purge --yes` deletes it"
_DONE = "sent back, it does nothing: the job is over"
_GOES_ON = "Sweep looks at the job all the same; sent back, it goes on at once"
_ONLY_TRACE = "no row: this message is the only trace of the upload; send it back"
_NO_ROW = "no row: its job has expired, or never was; sent back, it does nothing"


@dataclass(frozen=True, kw_only=True)
class Dead:
    """A queue of dead letters, and the ARN of the queue that its messages go back to."""

    queue: QueueFact
    goes_back_to: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """A letter, read.

    Attributes:
        what: what it asks for.
        job_id: of the job that it is about; None if it is not one of ours.
        key: of the photo, where the message names it.
        error: what EventBridge says kept it from delivering.
    """

    letter: Letter
    what: str
    job_id: str | None
    key: str | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Letters of one kind whose rows stand alike.

    Attributes:
        why: what they ask for, and how the rows stand.
        then: what happens when they are sent back.
        photos: keys, or ids of jobs where the key is not known.
    """

    why: str
    then: str
    photos: Sequence[str]
    count: int
    oldest: datetime
    received: int

    @property
    def is_only_trace(self) -> bool:
        """Nothing else tells of these uploads."""
        return self.then == _ONLY_TRACE


def dead_letter_queues(letters: DeadLetters) -> list[Dead]:
    """Return every queue that takes what another could not handle, with the way back."""
    queues = letters.queues()
    back = {queue.dead_letters: queue.arn for queue in queues if queue.dead_letters}
    for rule in letters.rules():
        back |= {dead: target for target, dead in rule.undeliverable.items()}
    return [Dead(queue=one, goes_back_to=back[one.arn]) for one in queues if one.arn in back]


def read_letter(letter: Letter) -> Told:
    """Say what a letter asks for, whichever of our queues it comes from."""
    error = letter.attributes.get("ERROR_CODE", "")
    try:
        if _object(letter.body).keys() & {"attempt", "render"}:
            return _of_callbacks(letter, error)
        message = read_submission(letter.body)
    except MessageError as refused:
        return Told(letter=letter, what=f"{NOT_OURS}: {refused}", job_id=None, error=error)
    match message:
        case JobDue(job_id=job_id):
            return Told(letter=letter, what="look at a job", job_id=job_id, error=error)
        case PrepareReport(job_id=job_id) | UnreadableReport(job_id=job_id):
            what = "take note of what Prepare reports"
            return Told(letter=letter, what=what, job_id=job_id, error=error)
        case Uploaded(source=source):
            what = "take note of an upload"
        case Deleted(source=source):
            what = "take note of a deletion"
        case _:
            source, what = message.source, "take note that a version was deleted"
    return Told(letter=letter, what=what, job_id=source.job_id, key=source.key, error=error)


def _of_callbacks(letter: Letter, error: str) -> Told:
    """Read a message of the callbacks queue: a task, variants to make, a photo that was deleted."""
    message = read_callback(letter.body)
    if isinstance(message, Removal):
        what = "remove what was made of a deleted photo"
        return Told(letter=letter, what=what, job_id=message.job_id, key=message.key, error=error)
    what = (
        f"look at the task of attempt {message.attempt}"
        if isinstance(message, TaskCheck)
        else f"make variants: {', '.join(message.recipes)}"
    )
    return Told(letter=letter, what=what, job_id=message.job_id, error=error)


def grouped(letters: Iterable[Told], jobs: Mapping[str, Job]) -> list[Group]:
    """Put letters that ask the same, and whose rows stand alike, together; the most first."""
    piles: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for told in letters:
        piles[_why(told, jobs)].append(told)
    groups = [_group(why, then, pile, jobs) for (why, then), pile in piles.items()]
    return sorted(groups, key=lambda group: (-group.count, group.why))


def _why(told: Told, jobs: Mapping[str, Job]) -> tuple[str, str]:
    because = f" ({told.error})" if told.error else ""
    what = f"{told.what}{because}"
    if told.job_id is None:
        return what, _AGAIN
    job = jobs.get(told.job_id)
    if job is None:
        return f"{what} · no row", _ONLY_TRACE if told.key else _NO_ROW
    reason = f" because of {job.reason}" if job.reason else ""
    then = _DONE if job.state.is_settled else _GOES_ON
    return f"{what} · the job is {job.state}{reason}", then


def _group(why: str, then: str, pile: Sequence[Told], jobs: Mapping[str, Job]) -> Group:
    return Group(
        why=why,
        then=then,
        photos=list(dict.fromkeys(_photo(told, jobs) for told in pile)),
        count=len(pile),
        oldest=min(told.letter.sent_at for told in pile),
        received=max(told.letter.received for told in pile),
    )


def _photo(told: Told, jobs: Mapping[str, Job]) -> str:
    if told.job_id is None:
        return f"message {told.letter.id}"
    job = jobs.get(told.job_id)
    return told.key or (job.source.key if job else f"job {told.job_id}")


def _object(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
