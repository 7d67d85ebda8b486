"""What S3 and the provider send, in the form of the samples in `events/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from cutout.domain.job.source import Source
from tests.support.samples import sample

Event = Callable[[Source, datetime], str]
"""The event about something that happened to a key at a time."""
_CREATED = json.dumps(sample("s3-object-created"))
_DELETED = json.dumps(sample("s3-object-deleted"))
_VERSION_DELETED = json.dumps(sample("s3-object-version-deleted"))
_CALLBACK = json.dumps(sample("http-api-callback-completed"))


def created(source: Source, at: datetime) -> str:
    """S3's event of an upload."""
    return _event(_CREATED, source, at)


def deleted(source: Source, at: datetime) -> str:
    """S3's event of a deleted key."""
    return _event(_DELETED, source, at)


def version_deleted(source: Source, at: datetime) -> str:
    """Return S3's event of a permanently deleted version."""
    return _event(_VERSION_DELETED, source, at)


def callback(token: str, body: str) -> dict[str, object]:
    """The request that API Gateway passes on."""
    event: dict[str, object] = json.loads(_CALLBACK)
    return event | {"pathParameters": {"token": token}, "body": body}


def _event(sample_: str, source: Source, at: datetime) -> str:
    event = json.loads(sample_)
    event["time"] = at.isoformat()
    event["detail"]["bucket"]["name"] = source.bucket
    obj: dict[str, object] = {"key": source.key, "sequencer": source.sequencer}
    obj |= {"size": source.size, "etag": source.etag} if source.size else {}
    obj |= {"version-id": source.version_id} if source.version_id else {}
    event["detail"]["object"] = obj
    return json.dumps(event)
