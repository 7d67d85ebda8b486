"""Reads queue messages and S3 events, once, when they arrive; `adapters/sqs.py` writes our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from cutout.domain.errors import MessageError
from cutout.domain.job.source import Source
from cutout.domain.messages.preparation import PrepareReport, PrepareRequest
from cutout.domain.messages.queue_messages import (
    Deleted,
    JobDue,
    Removal,
    RenderRequest,
    TaskCheck,
    UnreadableReport,
    Uploaded,
    VersionDeleted,
)
from cutout.domain.serialization import Row, as_row, as_text, from_row
from cutout.domain.states import Lane

Submission = Uploaded | Deleted | VersionDeleted | JobDue | PrepareReport | UnreadableReport
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError, OverflowError)


def read_submission(body: str) -> Submission:
    """Parse a message of the submissions queue: an S3 event from EventBridge, or our own.

    Raises:
        MessageError: it is neither.
    """
    message = _object(body)
    try:
        if "report" in message:
            return _report(_job_id(message["job"]), message["report"])
        if "job" in message:
            return JobDue(job_id=_job_id(message["job"]))
        return _read_s3_event(message)
    except (KeyError, TypeError) as exc:
        raise MessageError(f"the message lacks {exc}") from exc
    except (ValueError, OverflowError) as exc:
        raise MessageError("the message's size is not a number") from exc


def read_report(body: str) -> PrepareReport | UnreadableReport:
    """Parse a message that Prepare sent. Prepare may send reports only: all else is unreadable."""
    try:
        message = read_submission(body)
    except MessageError:
        message = None
    if isinstance(message, PrepareReport | UnreadableReport):
        return message
    return UnreadableReport(job_id=message.job_id if isinstance(message, JobDue) else None)


def read_request(body: str) -> PrepareRequest:
    """Parse a message of the preparations queue.

    Raises:
        MessageError: it is not one of ours.
    """
    message = _object(body)
    _job_id(message.get("job"))
    try:
        return from_row(PrepareRequest, as_row(message["prepare"]))
    except _MALFORMED as exc:
        raise MessageError("the message is not one of ours") from exc


def read_callback(body: str) -> TaskCheck | RenderRequest | Removal:
    """Parse a message of the callbacks queue.

    Raises:
        MessageError: it is not one of ours.
    """
    message = _object(body)
    try:
        if "render" in message:
            return from_row(RenderRequest, message)
        if "removed" in message:
            return from_row(Removal, _without_nulls(as_row(message["removed"])))
        _job_id(message.get("job"))
        return from_row(TaskCheck, _without_nulls(message))
    except _MALFORMED as exc:
        raise MessageError("the message is not one of ours") from exc


def _report(job_id: str, report: object) -> PrepareReport | UnreadableReport:
    """Parse a report. A compromised Prepare may send anything."""
    try:
        parsed = from_row(PrepareReport, as_row(report))
    except _MALFORMED:
        return UnreadableReport(job_id=job_id)
    return parsed if parsed.job_id == job_id else UnreadableReport(job_id=job_id)


def _without_nulls(message: Row) -> Row:
    return {name: value for name, value in message.items() if value is not None}


def _read_s3_event(event: Mapping[str, object]) -> Submission:
    """Source: "Object Created" and "Object Deleted" events, Amazon S3 User Guide."""
    kind, detail = event["detail-type"], as_row(event["detail"])
    item, at = as_row(detail["object"]), _time(event.get("time"))
    is_found = event.get("source") == _FOUND_BY
    source = Source(
        bucket=as_text(as_row(detail["bucket"])["name"]),
        key=_key(as_text(item["key"])),
        version_id=_version(item.get("version-id")),
        etag=as_text(item.get("etag", "")),
        sequencer=as_text(item["sequencer"]),
        size=_number(item.get("size", 0)),
        modified_at=at if is_found else None,
    )
    if kind == "Object Created":
        lane = Lane.BACKFILL if event.get("lane") == Lane.BACKFILL else Lane.LIVE
        return Uploaded(source=source, at=None if is_found else at, lane=lane)
    if kind == "Object Deleted":
        is_one_version = detail.get("deletion-type") == _PERMANENT and source.version_id is not None
        if is_one_version:
            return VersionDeleted(source=source)
        return Deleted(source=source, at=at)
    raise MessageError(f"an event of another kind: {kind}")


_FOUND_BY = "cutout"  # the source of messages about uploads that a bucket listing showed
# In a versioned bucket: one version. A deleted key gets "Delete Marker Created" instead.
_PERMANENT = "Permanently Deleted"


def _key(text: str) -> str:
    """S3 keys are UTF-8; JSON may contain lone surrogates, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise MessageError("the message's key is none that S3 has") from exc
    return text


def _time(text: object) -> datetime | None:
    """The event's time, ISO 8601; None if it is missing, malformed or without a time zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _version(version: object) -> str | None:
    """The version's id. Events of buckets without versioning omit it, or say `null`."""
    return None if version in {None, "", "null"} else as_text(version)


def _job_id(job_id: object) -> str:
    if not isinstance(job_id, str) or not job_id:
        raise MessageError("the message names no job")
    return job_id


def _number(value: object) -> int:
    if not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no number")
    return int(value)


def _object(body: str) -> Row:
    try:
        return as_row(json.loads(body))
    except TypeError as exc:
        raise MessageError("the message is not an object") from exc
    except (ValueError, RecursionError) as exc:
        raise MessageError("the message is not JSON") from exc
