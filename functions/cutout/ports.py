"""What the use cases need from the world, in their own words.

Each port has two implementations in use: an adapter to the real thing, and a fake with the same
meaning for the lower test tiers; one contract suite runs on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cutout.gate import Gate, PauseReason
from cutout.job import Job, Source
from cutout.provider import CreateOutcome, NotSent, Refused, Task, Uploaded
from cutout.purchase import Purchase
from cutout.recipes import Recipe
from cutout.states import State


class Metric(StrEnum):
    """What is counted; the dashboard and the alarms read these names."""

    PREPARED = "PhotosPrepared"
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


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskClaim:
    """Whose task it is: one task of the provider makes one attempt's picture.

    Attributes:
        is_certain: the answer to the attempt's own call named the task; else a callback's body did.
        expires_at: when nobody can name the task any more.
    """

    task_id: str
    job_id: str
    attempt: int
    is_certain: bool
    expires_at: datetime


class Jobs(Protocol):
    """The rows of the jobs."""

    def claim(self, job: Job) -> Job:
        """Insert a new job, or return the one that already stands under its id."""
        ...

    def find(self, job_id: str) -> Job | None:
        """The job as it stands (strongly consistent)."""
        ...

    def save(
        self,
        job: Job,
        *,
        gate: Gate | None = None,
        tasks: Sequence[TaskClaim] = (),
    ) -> Job:
        """Write the job, and the gate and claims of tasks with it: all of them or nothing.

        Neither row nor gate may have been written since it was read. A task may be claimed by one
        attempt; a claim that is certain takes over from one that is not.

        Raises:
            JobMovedError: the row's version is not `job.version`.
            GateMovedError: the gate's version is not `gate.version`.
            TaskTakenError: a task belongs to another attempt.
        """
        ...


class Gates(Protocol):
    """The gate's item."""

    def read_gate(self) -> Gate:
        """The gate as it stands (strongly consistent); a fresh one if there is none."""
        ...

    def write_gate(self, gate: Gate) -> Gate:
        """Write it if nobody wrote it since it was read.

        Raises:
            GateMovedError: somebody did.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who stands behind the gate and who is inside, for people who look.

    Attributes:
        waiting: jobs behind the gate; of a longer line, `MOST_COUNTED`.
        waiting_since: when the oldest of them arrived.
        in_flight_since: when the oldest call was begun whose task may still be running.
    """

    waiting: int
    waiting_since: datetime | None
    in_flight_since: datetime | None


MOST_COUNTED = 1000
"""A line that is longer costs no more to look at."""


class Backlog(Protocol):
    """Which jobs to look at next; answers may be a moment old."""

    def waiting(self, limit: int) -> Sequence[str]:
        """Ids of jobs behind the gate: live before backfill, oldest first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Job]:
        """Jobs whose time has come, oldest first."""
        ...

    def postpone(self, job: Job, until: datetime) -> None:
        """Look at the job later; without effect if anybody moved it."""
        ...

    def count_holding(self) -> int:
        """How many jobs hold a slot at the gate."""
        ...

    def standing(self) -> Standing:
        """How long the line is, and how old its head and the oldest call are."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The newest thing that happened to a key in the uploads bucket.

    Attributes:
        order: the padded sequencer of that event.
        job_id: the job of that upload; None if the key was deleted.
    """

    source_ref: str
    order: str
    job_id: str | None


class SourceHeads(Protocol):
    """What is newest at each key."""

    def advance(self, head: Head) -> Head:
        """Take note of an upload or deletion; returns the newest, which may be another."""
        ...

    def newest(self, source_ref: str) -> Head | None:
        """The newest that is known of a key (strongly consistent)."""
        ...


class ResultKeys(Protocol):
    """Who owns which result key."""

    def claim_result_key(self, result_key: str, source_ref: str) -> bool:
        """Take the key for a source; True also when the source has it already."""
        ...


class Purchased(Protocol):
    """Which pictures were bought, or are being bought."""

    def claim_purchase(self, purchase: Purchase) -> Purchase:
        """Insert it: the very same is returned; else the one that stands for the picture."""
        ...

    def find_purchase(self, picture: str) -> Purchase | None:
        """The purchase as it stands (strongly consistent)."""
        ...

    def save_purchase(self, purchase: Purchase) -> Purchase:
        """Write it if nobody wrote it since it was read.

        Raises:
            PurchaseMovedError: somebody did, or it is gone.
        """
        ...


class KeptResults(Protocol):
    """The folder of the work bucket that holds accepted results as they came."""

    def standing(self, key: str) -> str | None:
        """The entity tag of what is there now."""
        ...

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        """Keep the file if what stands there is still `replacing`; False if it is not."""
        ...

    def fetch(self, key: str, file: Path) -> bool:
        """Write what is kept into the file; False if there is nothing."""
        ...

    def remove(self, key: str, standing: str) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An uploaded object's bytes and what its owner wrote beside them."""

    data: bytes
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Handling:
    """What an object's headers tell browsers and caches; None where it says nothing."""

    cache_control: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """What an object carries besides its bytes.

    Attributes:
        metadata: the owner's names, lower case as S3 keeps them, and values, as text.
    """

    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    handling: Handling = Handling()


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What an upload that went into a file had beside its bytes, and their hash."""

    metadata: Mapping[str, str]
    sha256: str


class Uploads(Protocol):
    """The bucket that photos land in."""

    def read(self, source: Source) -> Upload:
        """The bytes of this version.

        Raises:
            SourceGoneError: it is no longer there.
        """
        ...

    def fetch(self, source: Source, file: Path) -> Fetched:
        """Stream this version into a file, however large it is.

        Raises:
            SourceGoneError: it is no longer there.
        """
        ...

    def labels(self, source: Source) -> Labels:
        """User metadata, tags and handling of this version.

        Raises:
            SourceGoneError: it is no longer there.
        """
        ...


PHOTO_LINK_LIVES = timedelta(minutes=50)
"""A role that a role assumes has sessions of an hour, and a link dies with its session."""


class SourceTags(Protocol):
    """The tags of uploads."""

    def tag(self, source: Source, name: str, value: str) -> bool:
        """Set one tag of this version and leave the others; False if it has too many already.

        Raises:
            SourceGoneError: it is no longer there.
        """
        ...


class PhotoLinks(Protocol):
    """Links by which the provider can read one upload, and nothing else."""

    def link(self, source: Source) -> str:
        """A URL that is certain to work for `PHOTO_LINK_LIVES`."""
        ...

    def copy_link(self, key: str) -> str:
        """The same for a copy in the work bucket."""
        ...


class Copies(Protocol):
    """The copies of photos that were prepared."""

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        """Store a copy; one that stands there is the same photo's, and is replaced."""
        ...

    def read(self, key: str) -> bytes:
        """The bytes of a copy.

        Raises:
            CopyGoneError: it is no longer there.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the header of a picture file says: its size as shown, and how it lies in the file."""

    format: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A picture that was made of another."""

    format: str
    width: int
    height: int


class Copier(Protocol):
    """Makes pictures that the model takes of those that it does not."""

    def look(self, file: Path) -> Seen:
        """What a file says of itself; nothing is decoded.

        Raises:
            NotAPhotoError: it is none that can be decoded.
        """
        ...

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        """Make an upright sRGB picture of 8 bits a channel; of an animation, the first frame.

        Args:
            file: the photo.
            into: where the copy is written.
            size: width and height of the copy; smaller if it would have too many bytes.
            max_bytes: what it may have.

        Raises:
            NotAPhotoError: it is damaged, or it cannot be made that small.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    """What stands at a result key: its entity tag and its source's order, if we wrote it."""

    etag: str
    order: str | None
    job_id: str | None
    source_version: str | None = None


class Results(Protocol):
    """The bucket that cut-outs go to."""

    def standing(self, key: str) -> StoredResult | None:
        """What is there now."""
        ...

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        """Store the file if what stands there is still `replacing`; False if it is not."""
        ...

    def fetch(self, key: str, file: Path) -> Labels | None:
        """Write what stands there into the file; returns its labels, or None if nothing stands."""
        ...

    def remove(self, key: str, standing: StoredResult) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Occasion:
    """What a note is about; the later one compares as the greater.

    Attributes:
        order: the padded sequencer of the upload or deletion.
        at: when the upload's job came to be as the note says.
    """

    order: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingNote:
    """What stands at a note's key: its entity tag, and its occasion, if it is a note of ours."""

    etag: str
    occasion: Occasion | None
    job_id: str | None


class Notes(Protocol):
    """Small texts in the results bucket that say why there is no cut-out."""

    def standing(self, key: str) -> StandingNote | None:
        """What is there now."""
        ...

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: Occasion,
        replacing: StandingNote | None,
    ) -> bool:
        """Write JSON if what stands there is still `replacing`; False if it is not."""
        ...

    def remove(self, key: str, standing: StandingNote) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        ...


class Evolink(Protocol):
    """The provider's API."""

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the paid call once; every way it can end is a value."""
        ...

    def read(self, task_id: str) -> Task:
        """The task as the API knows it.

        Raises:
            TaskUnknownError: 404.
            ProviderBusyError: 401, 402, 403, 429, 5xx: it may be readable later.
            NotSentError: the request did not leave.
            ResponseLostError: no usable answer.
        """
        ...


class Files(Protocol):
    """The provider's Files API: the second way to hand over a photo."""

    def upload(self, name: str, content_type: str, data: bytes) -> Uploaded | Refused | NotSent:
        """Hand over a copy; free, so that a repeat costs nothing. Names must differ."""
        ...

    def delete(self, file_id: str) -> None:
        """Delete a copy, or leave it to expire: nothing depends on it."""
        ...


class Downloads(Protocol):
    """Fetching results from addresses that somebody else named."""

    def fetch(self, url: str, file: Path) -> int:
        """Stream the URL's body into the file; returns its size in bytes.

        Raises:
            FetchRefusedError: the address, a redirect, the size or the type is not allowed.
            ProviderBusyError: an HTTP error status.
            NotSentError: the request did not leave.
            ResponseLostError: the body did not come whole.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A decoded picture: its pixels, as shown, and the range of its alpha.

    Attributes:
        format: as Pillow names it, in lower case.
        alpha_range: least and greatest, 0 clear to 255 solid; None without transparency.
        orientation: how the stored pixels must be turned to be shown, 1 to 8 as in Exif.
    """

    format: str
    width: int
    height: int
    alpha_range: tuple[int, int] | None
    orientation: int = 1


class Pictures(Protocol):
    """Looking into picture files, and making others of them."""

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it is not a picture that can be decoded."""
        ...

    def cut_out(
        self,
        result: Path,
        source: Path | None,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        """Make a PNG of the model's own pixels, turned and coloured as the photo is shown.

        Args:
            result: what the model gave.
            source: the photo, where the result may be turned otherwise or in another colour
                space; None if it need not be looked at.
            into: where the PNG is written.
            size: width and height that it is scaled to; None leaves those of the result.

        Raises:
            PictureError: the source, or the result, cannot be decoded.
        """
        ...

    def faithful_cut_out(self, result: Path, source: Path, into: Path) -> Picture:
        """Make a PNG of the photo's own pixels, transparent where the result is.

        Raises:
            PictureError: the source, or the result, cannot be decoded.
        """
        ...

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Make a recipe's picture of a finished cut-out.

        Raises:
            PictureError: it cannot be made.
        """
        ...


class Signer(Protocol):
    """The key that callback URLs are signed with."""

    def signing_key(self) -> bytes:
        """The current key."""
        ...


class KeyRing(Protocol):
    """The keys that callback URLs may be signed with."""

    def accepted_keys(self) -> Iterator[bytes]:
        """The current and the previous key; after those, keys read afresh."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Wake:
    """A request to look at a job's task.

    Attributes:
        task_id: a hint from a callback's body; believed only once the API confirms it.
        is_poll: Sweep asks because no callback came in time.
    """

    job_id: str
    attempt: int
    task_id: str | None = None
    is_poll: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderRequest:
    """A person's wish to have variants of a completed job made again.

    Attributes:
        recipes: the names of the recipes.
    """

    job_id: str
    recipes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A source was deleted, and what was made of it is to go.

    Attributes:
        order: of the deletion; what is made of later uploads stays.
        job_id: the job of the one version that is gone for good; None if the key is gone.
    """

    bucket: str
    key: str
    order: str
    job_id: str | None = None


class Removals(Protocol):
    """Has StoreResult remove what was made of a source."""

    def remove(self, removal: Removal) -> None:
        """Have it done, sooner or later, at least once."""
        ...


class SourceJobs(Protocol):
    """The jobs of one key."""

    def of_source(self, bucket: str, key: str, limit: int) -> Sequence[Job]:
        """Newest upload first; the answer may be a moment old."""
        ...


class SubmissionQueue(Protocol):
    """The queue that Submit reads."""

    def wake(self, job_ids: Sequence[str], *, delay: timedelta = timedelta(0)) -> None:
        """Have Submit look at these jobs."""
        ...


class PreparationQueue(Protocol):
    """The queue that Prepare reads."""

    def prepare(self, job_id: str) -> None:
        """Have Prepare make a copy of the photo of a job."""
        ...


class CallbackQueue(Protocol):
    """The queue that StoreResult reads."""

    def wake(self, wakes: Sequence[Wake]) -> None:
        """Have StoreResult look at these tasks."""
        ...


class RenderQueue(Protocol):
    """The same queue, for whoever wants variants."""

    def render(self, requests: Sequence[RenderRequest]) -> None:
        """Have StoreResult make these."""
        ...


class Telemetry(Protocol):
    """Log lines and metrics."""

    def fact(self, message: str, /, **fields: object) -> None:
        """One log line: a constant message and its fields; never a URL, a token or a body."""
        ...

    def count(self, metric: Metric, value: float = 1) -> None:
        """Add to a metric."""
        ...


class Announcements(Protocol):
    """The event bus."""

    def announce(self, job: Job) -> None:
        """Say that a job is settled; at least once, receivers dedupe by job id."""
        ...
