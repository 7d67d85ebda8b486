"""Queue messages as typed values: read once, at the edge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cutout.domain.errors import MessageError
from cutout.domain.job.source import Source
from cutout.domain.preparation import PrepareReport, PrepareRequest
from cutout.domain.serialization import from_row, is_exact, to_row
from cutout.domain.states import Lane


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """S3 says that an object was created, or we do of one that was found in the bucket.

    Attributes:
        at: when it was created, as far as the event says.
        lane: which queue behind the gate it belongs to.
    """

    source: Source
    at: datetime | None = None
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """S3 says that a key was deleted. `source` holds no size and no entity tag then.

    Attributes:
        at: when it was deleted, as far as the event says.
    """

    source: Source
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionDeleted:
    """S3 says that one version of a key was removed for good; the key itself may stand.

    Old versions expire under a lifecycle rule, for one. Whoever works on that version finds it
    gone; everybody else is not concerned.
    """

    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDue:
    """A job wants to be looked at."""

    job_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableReport:
    """Prepare, or somebody in its name, sent what is no report."""

    job_id: str | None


Submission = Uploaded | Deleted | VersionDeleted | JobDue | PrepareReport | UnreadableReport


def read_submission(body: str) -> Submission:
    """A message of the submissions queue: an S3 event as EventBridge sends it, or our own.

    Raises:
        MessageError: it is neither.
    """
    told = _object(body)
    try:
        if "report" in told:
            return _report(_job_id(told["job"]), told["report"])
        if "job" in told:
            return JobDue(job_id=_job_id(told["job"]))
        return _read_s3_event(told)
    except (KeyError, TypeError) as exc:
        raise MessageError(f"the message lacks {exc}") from exc
    except (ValueError, OverflowError) as exc:
        raise MessageError("the message's size is not a number") from exc


def read_report(body: str) -> PrepareReport | UnreadableReport:
    """A message that Prepare sent: whatever else it says, nothing but a report is read."""
    try:
        message = read_submission(body)
    except MessageError:
        message = None
    if isinstance(message, PrepareReport | UnreadableReport):
        return message
    return UnreadableReport(job_id=message.job_id if isinstance(message, JobDue) else None)


def written_report(report: PrepareReport) -> dict[str, Any]:
    """What `read_submission` reads as a report. Earlier versions look at the job that it names."""
    return {"job": report.job_id, "report": to_row(report)}


def written_request(request: PrepareRequest) -> dict[str, Any]:
    """What `read_request` reads. Earlier versions look at the job that it names."""
    return {"job": request.job_id, "prepare": to_row(request)}


def read_request(body: str) -> PrepareRequest | None:
    """A message of the preparations queue; None for an earlier version's, which names a job alone.

    Raises:
        MessageError: it is not one of ours.
    """
    told = _object(body)
    _job_id(told.get("job"))
    try:
        return from_row(PrepareRequest, told["prepare"]) if "prepare" in told else None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as exc:
        raise MessageError("the message is not one of ours") from exc


def read_callback(body: str) -> TaskCheck | RenderRequest | Removal:
    """A message of the callbacks queue: every one names its job, but for a deleted key's.

    Raises:
        MessageError: it is not one of ours.
    """
    told = _object(body)
    try:
        if "render" in told:
            names = tuple(str(name) for name in told["render"])
            tries = int(told.get("tries", 0))
            return RenderRequest(job_id=str(told["job"]), recipes=names, tries=tries)
        if "removed" in told:
            return _removal(told["removed"])
        return TaskCheck(
            job_id=_job_id(told["job"]),
            attempt=int(told["attempt"]),
            task_id=told.get("task_id"),
            is_poll=bool(told.get("is_poll")),
            is_taken=bool(told.get("is_taken")),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as exc:
        raise MessageError("the message is not one of ours") from exc


def _report(job_id: str, told: object) -> PrepareReport | UnreadableReport:
    """What somebody reports who may be a stranger."""
    try:
        report = from_row(PrepareReport, told)  # type: ignore[arg-type] # that is what may fail
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return UnreadableReport(job_id=job_id)
    if report.job_id != job_id or not is_exact(report):
        return UnreadableReport(job_id=job_id)
    return report


def _removal(told: Mapping[str, Any]) -> Removal:
    job_id = told.get("job")
    return Removal(
        bucket=str(told["bucket"]),
        key=str(told["key"]),
        order=str(told["order"]),
        job_id=None if job_id is None else str(job_id),
    )


def _read_s3_event(told: Mapping[str, Any]) -> Submission:
    """Source: "Object Created" and "Object Deleted" events, Amazon S3 User Guide."""
    kind, detail = told["detail-type"], told["detail"]
    obj, at = detail["object"], _time(told.get("time"))
    is_found = told.get("source") == _FOUND_BY
    source = Source(
        bucket=detail["bucket"]["name"],
        key=_key(obj["key"]),
        version_id=_version(obj.get("version-id")),
        etag=obj.get("etag", ""),
        sequencer=obj["sequencer"],
        size=int(obj.get("size", 0)),
        modified_at=at if is_found else None,
    )
    if kind == "Object Created":
        lane = Lane.BACKFILL if told.get("lane") == Lane.BACKFILL else Lane.LIVE
        return Uploaded(source=source, at=None if is_found else at, lane=lane)
    if kind == "Object Deleted":
        is_one_version = detail.get("deletion-type") == _FOR_GOOD and source.version_id is not None
        if is_one_version:
            return VersionDeleted(source=source)
        return Deleted(source=source, at=at)
    raise MessageError(f"an event of another kind: {kind}")


_FOUND_BY = "cutout"
"""The source of messages about uploads that were found in a listing."""
_FOR_GOOD = "Permanently Deleted"
"""In a bucket with versions, one version; a deleted key gets a "Delete Marker Created" there."""


def _key(text: str) -> str:
    """S3's keys are UTF-8, which has no surrogates; JSON may hold one without its partner."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise MessageError("the message's key is none that S3 has") from exc
    return text


def _time(text: object) -> datetime | None:
    """The event's time, ISO 8601; None where it says none that can be read."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _version(text: str | None) -> str | None:
    """Buckets without versioning say nothing or `null`."""
    return None if text in {None, "", "null"} else text


def _job_id(told: object) -> str:
    if not isinstance(told, str) or not told:
        raise MessageError("the message names no job")
    return told


def _object(body: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MessageError("the message is not JSON") from exc
    if not isinstance(told, dict):
        raise MessageError("the message is not an object")
    return told


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCheck:
    """A request to look at a job's task.

    Attributes:
        task_id: a hint from a callback's body; believed only once the API confirms it.
        is_taken: the attempt's call was taken for certain: an authentic callback, or its answer,
            says so. Messages of earlier versions do not say.
        is_poll: Sweep asks because no callback came in time.
    """

    job_id: str
    attempt: int
    task_id: str | None = None
    is_poll: bool = False
    is_taken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderRequest:
    """A person's wish to have variants of a completed job made again.

    Attributes:
        recipes: the names of the recipes.
        tries: how often it was put off, because a copy of the photo was yet to be made.
    """

    job_id: str
    recipes: tuple[str, ...]
    tries: int = 0


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
