"""Queue messages and S3 events as typed values."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from cutout.domain.dataclass import dataclass
from cutout.domain.job.source import Source
from cutout.domain.serialization import STORED_AS
from cutout.domain.states import Lane

_JOB = {STORED_AS: "job"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """An object was created: an event of S3, or a message of `backfill` or `audit --fix`.

    Attributes:
        at: when it was created; None if the event does not say.
        lane: the job's priority at the gate.
    """

    source: Source
    at: datetime | None = None
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """A key was deleted, as an event of S3 says. `source` then has no size and no entity tag.

    Attributes:
        at: when it was deleted; None if the event does not say.
    """

    source: Source
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionDeleted:
    """One version of a key was permanently deleted, for example by a lifecycle rule.

    The key itself may still exist. Only the job of that version is affected.
    """

    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDue:
    """Submit must process a job."""

    job_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableReport:
    """A message in a report's place that is not a valid report."""

    job_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCheck:
    """A request to check a job's task at the provider.

    Attributes:
        task_id: the id that a callback's body names; a hint until the API confirms it.
        is_taken: the provider took the attempt's call for certain: an authentic callback or the
            call's own answer proves it.
        is_poll: Sweep sent it because no callback came in time.
    """

    job_id: str = field(metadata=_JOB)
    attempt: int
    task_id: str | None = None
    is_poll: bool = False
    is_taken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderRequest:
    """A person's request to make variants of a completed job again.

    Attributes:
        recipes: the names of the recipes.
        tries: how often it was postponed because a copy of the photo was missing.
    """

    job_id: str = field(metadata=_JOB)
    recipes: tuple[str, ...] = field(metadata={STORED_AS: "render"})
    tries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A source was deleted: remove what was made of it.

    Attributes:
        order: of the deletion; results of later uploads stay.
        job_id: the job of the one version that was permanently deleted; None if the key was.
    """

    bucket: str
    key: str
    order: str
    job_id: str | None = field(default=None, metadata=_JOB)
