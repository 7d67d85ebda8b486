"""Reading queue messages, with the samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.errors import MessageError
from cutout.domain.job.source import Photo, Source
from cutout.domain.messages.message_parsing import read_callback, read_submission
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport
from cutout.domain.messages.queue_messages import (
    Deleted,
    JobDue,
    TaskCheck,
    UnreadableReport,
    Uploaded,
    VersionDeleted,
)
from cutout.domain.states import Lane
from tests.support.samples import sample

JOB = "a00fc0b0b75cd1e67b0d7024ca35e9a9"
RED_SHOE = Source(
    bucket="cutout-uploads",
    key="shoes/red.jpg",
    version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
    etag="b1946ac92492d2347c6235b4d2611184",
    sequencer="00691ED95F3C4B2A11",
    size=19394,
)
AT = datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC)
PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["job", "attempt", "detail", "detail-type", "object", "bucket"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)

REPORT = PrepareReport(
    job_id="0f" * 16,
    ask=1795166131000,
    version="3sL4kqtJlcpXroDTDmJ",
    photo=Photo(format="heic", width=4032, height=3024, sha256="0f" * 32, orientation=6),
    copies=(
        MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=3_481_922, width=4032, height=3024),
    ),
)


def s3_event(**changes: Any) -> str:
    """The Object Created sample with other members of `detail.object`."""
    event = sample("s3-object-created")
    event["detail"]["object"] |= changes
    return json.dumps(event)


def _fields(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in source.__slots__}


def bodies(name: str) -> list[str]:
    """The bodies of an SQS event's records."""
    return [record["body"] for record in sample(name)["Records"]]


def test_an_upload_is_read_from_s3s_event() -> None:
    """Bucket, key, version, ETag, sequencer and size."""
    message = read_submission(json.dumps(sample("s3-object-created")))
    assert message == Uploaded(source=RED_SHOE, at=AT)
    assert RED_SHOE.job_id == JOB


def test_an_upload_is_read_from_the_queues_event() -> None:
    """The body of the record is S3's event as EventBridge sent it."""
    (body,) = bodies("sqs-submissions-upload")
    assert read_submission(body) == Uploaded(source=RED_SHOE, at=AT)


def test_keys_are_not_decoded() -> None:
    """EventBridge sends them unencoded: `+` and `%` stay."""
    message = read_submission(json.dumps(sample("s3-object-created-spaces-unicode")))
    assert isinstance(message, Uploaded)
    assert message == Uploaded(
        source=Source(
            bucket="cutout-uploads",
            key="Schuhe & Söhne/rot + weiß 100%/写真 (1).JPG",
            version_id="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
            etag="9e107d9d372bb6826bd81d3542a419d6",
            sequencer="00691ED9613C4B2A12",
            size=20451,
        ),
        at=message.at,
    )


def test_a_found_upload_is_read_from_our_own_message() -> None:
    """`backfill` and `audit` enqueue uploads without an event, in the backfill lane."""
    (body,) = bodies("sqs-submissions-found")
    stored_at = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
    found = Source(**(_fields(RED_SHOE) | {"sequencer": "", "modified_at": stored_at}))
    assert read_submission(body) == Uploaded(source=found, lane=Lane.BACKFILL)
    assert found.job_id == JOB


@pytest.mark.parametrize("time", [None, "", "yesterday", 5, "2026-11-20", "2026-11-20T09:15:27"])
def test_an_unreadable_time_is_none(time: object) -> None:
    """It is only used to recognise late events."""
    message = read_submission(json.dumps(sample("s3-object-created") | {"time": time}))
    assert message == Uploaded(source=RED_SHOE)


@pytest.mark.parametrize("lane", [None, "live", "fast", 5, ["backfill"]])
def test_an_upload_without_a_known_lane_is_live(lane: object) -> None:
    """S3's events have none."""
    message = read_submission(json.dumps(sample("s3-object-created") | {"lane": lane}))
    assert message == Uploaded(source=RED_SHOE, at=AT, lane=Lane.LIVE)


def test_an_unversioned_upload_has_no_version() -> None:
    """ETag and sequencer distinguish uploads then."""
    message = read_submission(json.dumps(sample("s3-object-created-unversioned")))
    assert isinstance(message, Uploaded)
    assert message.source.version_id is None
    assert message.source.job_id != JOB


@pytest.mark.parametrize("version", [None, "", "null"])
def test_the_null_version_is_no_version(version: str | None) -> None:
    """Objects from before versioning was turned on have the version `null`."""
    message = read_submission(s3_event(**{"version-id": version}))
    assert isinstance(message, Uploaded)
    assert message.source.version_id is None


def test_the_deletion_of_a_key_is_read() -> None:
    """A delete marker is newer than every upload before it."""
    assert read_submission(json.dumps(sample("s3-object-deleted"))) == Deleted(
        source=Source(
            bucket="cutout-uploads",
            key="shoes/red.jpg",
            version_id="1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF",
            etag="d41d8cd98f00b204e9800998ecf8427e",
            sequencer="00691EDA003C4B2A13",
            size=0,
        ),
        at=datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC),
    )


def test_the_removal_of_a_version_does_not_delete_the_key() -> None:
    """When an old version expires, the key and its newest upload still exist."""
    message = read_submission(json.dumps(sample("s3-object-version-deleted")))
    assert isinstance(message, VersionDeleted)
    assert message.source.version_id == "8Xq2nW0Yb1cT5kP9sLr3vMz7uHd4jGf6"


def test_a_removal_without_a_version_deletes_the_key() -> None:
    """In an unversioned bucket, the key is deleted permanently."""
    event = sample("s3-object-version-deleted")
    del event["detail"]["object"]["version-id"]
    assert isinstance(read_submission(json.dumps(event)), Deleted)


def test_a_due_job_is_read() -> None:
    """Our own message: the job is to be advanced."""
    (body,) = bodies("sqs-submissions-job-due")
    assert read_submission(body) == JobDue(job_id=JOB)


def test_a_report_by_prepare_is_read() -> None:
    """The photo and its copies."""
    (body,) = bodies("sqs-submissions-report")
    assert read_submission(body) == REPORT


@pytest.mark.parametrize(
    "said",
    [
        {"ask": "now"},
        {"ask": None},
        {"message": 5},
        {"version": []},
        {"is_fresh": "yes"},
        {"reason": "because"},
        {"job_id": "another"},
        {"photo": "a photo"},
        {"photo": {"format": 5, "width": 1, "height": 1, "sha256": "0f" * 32}},
        {"photo": {"format": "heic"}},
        {"copies": 3},
        {"copies": [{"kind": "for-fun"}]},
        {"copies": ["copy"]},
    ],
)
def test_a_malformed_report_is_recognised(said: dict[str, object]) -> None:
    """It is counted and dropped: a compromised Prepare cannot fill the dead-letter queue."""
    (body,) = bodies("sqs-submissions-report")
    told = json.loads(body)
    told["report"] |= said
    assert read_submission(json.dumps(told)) == UnreadableReport(job_id=told["job"])
    told["report"] = [said]
    assert read_submission(json.dumps(told)) == UnreadableReport(job_id=told["job"])


def test_one_bad_message_does_not_affect_the_others() -> None:
    """Each message of a batch is read on its own."""
    read: list[object] = []
    for body in bodies("sqs-submissions-mixed-batch"):
        try:
            read.append(type(read_submission(body)))
        except MessageError as error:
            read.append(str(error))
    assert read == [Uploaded, "the message is not JSON", JobDue, Deleted]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the message is not JSON"),
        ("{", "the message is not JSON"),
        ("[]", "the message is not an object"),
        ('"job"', "the message is not an object"),
        ("null", "the message is not an object"),
        ("{}", "the message lacks 'detail-type'"),
        ('{"detail-type": "Object Created"}', "the message lacks 'detail'"),
        (
            json.dumps(sample("scheduler-sweep") | {"detail": {}}),
            "the message lacks 'object'",
        ),
        (
            json.dumps(sample("s3-object-created") | {"detail-type": "Object Tags Added"}),
            "an event of another kind: Object Tags Added",
        ),
        (s3_event(key="a\ud800.jpg"), "the message's key is none that S3 has"),
        ("[" * 100_000, "the message is not JSON"),
    ],
)
def test_an_unknown_message_is_refused(body: str, message: str) -> None:
    """It goes to the dead-letter queue with what is wrong with it."""
    with pytest.raises(MessageError) as caught:
        read_submission(body)
    assert str(caught.value) == message


@pytest.mark.parametrize("size", ["large", None, [], {}])
def test_an_event_with_an_invalid_size_is_refused(size: object) -> None:
    """With the error for unreadable messages."""
    with pytest.raises(MessageError):
        read_submission(s3_event(size=size))


def test_a_callback_is_read() -> None:
    """The attempt, and the task named in the body."""
    (body,) = bodies("sqs-callbacks-completed")
    assert read_callback(body) == TaskCheck(
        job_id=JOB, attempt=1, task_id="task-unified-1795166131-4k7q2m9x", is_poll=False
    )


def test_a_poll_is_read() -> None:
    """Sweep's message names no task."""
    (body,) = bodies("sqs-callbacks-poll")
    assert read_callback(body) == TaskCheck(job_id=JOB, attempt=1, task_id=None, is_poll=True)


def test_an_older_message_without_a_poll_mark_is_read() -> None:
    """It is a callback."""
    body = json.dumps({"job": JOB, "attempt": 2})
    assert read_callback(body) == TaskCheck(job_id=JOB, attempt=2)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"removed": {"key": "a.jpg"}}',
        '{"removed": null}',
        '{"job": "x"}',
        '{"job": "x", "attempt": "one"}',
        '{"attempt": 1}',
    ],
)
def test_an_invalid_callback_message_is_refused(body: str) -> None:
    """It goes to the dead-letter queue."""
    with pytest.raises(MessageError):
        read_callback(body)


@given(told=PLAIN_JSON)
def test_any_json_is_read_or_refused(told: object) -> None:
    """No other error is raised."""
    for read in (read_submission, read_callback):
        try:
            message: object = read(json.dumps(told))
        except MessageError:
            continue
        assert isinstance(message, Uploaded | Deleted | VersionDeleted | JobDue | TaskCheck)


@pytest.mark.parametrize("job", [None, "", 7, True, ["a"], {}])
def test_a_message_that_names_no_job_is_refused(job: object) -> None:
    """It is not treated as one about an expired job."""
    with pytest.raises(MessageError):
        read_submission(json.dumps({"job": job}))
    with pytest.raises(MessageError):
        read_callback(json.dumps({"job": job, "attempt": 1}))
