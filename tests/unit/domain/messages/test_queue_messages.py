"""Queue messages, from the samples."""

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
    """The bodies of an SQS event's records, as they come."""
    return [record["body"] for record in sample(name)["Records"]]


def test_upload_is_read_from_s3s_event() -> None:
    """Which bytes the job is about: bucket, key, version, entity tag, order and size."""
    message = read_submission(json.dumps(sample("s3-object-created")))
    assert message == Uploaded(source=RED_SHOE, at=AT)
    assert RED_SHOE.job_id == JOB


def test_upload_arrives_inside_the_queues_event() -> None:
    """The body of the queue's record is S3's event as EventBridge sent it."""
    (body,) = bodies("sqs-submissions-upload")
    assert read_submission(body) == Uploaded(source=RED_SHOE, at=AT)


def test_keys_are_taken_as_they_are() -> None:
    """Through EventBridge, keys come as they are: `+` and `%` are not to be decoded."""
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


def test_upload_that_was_found_comes_in_our_own_words() -> None:
    """`backfill` and `audit` queue uploads without an event: behind live uploads."""
    (body,) = bodies("sqs-submissions-found")
    stored_at = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
    found = Source(**(_fields(RED_SHOE) | {"sequencer": "", "modified_at": stored_at}))
    assert read_submission(body) == Uploaded(source=found, lane=Lane.BACKFILL)
    assert found.job_id == JOB


@pytest.mark.parametrize("time", [None, "", "yesterday", 5, "2026-11-20", "2026-11-20T09:15:27"])
def test_a_time_that_cannot_be_read_is_none(time: object) -> None:
    """It only helps to tell a late event from a new one."""
    message = read_submission(json.dumps(sample("s3-object-created") | {"time": time}))
    assert message == Uploaded(source=RED_SHOE)


@pytest.mark.parametrize("lane", [None, "live", "fast", 5, ["backfill"]])
def test_an_upload_without_a_known_lane_is_live(lane: object) -> None:
    """S3 names none."""
    message = read_submission(json.dumps(sample("s3-object-created") | {"lane": lane}))
    assert message == Uploaded(source=RED_SHOE, at=AT, lane=Lane.LIVE)


def test_bucket_without_versions_names_none() -> None:
    """Without a version, entity tag and sequencer tell uploads apart."""
    message = read_submission(json.dumps(sample("s3-object-created-unversioned")))
    assert isinstance(message, Uploaded)
    assert message.source.version_id is None
    assert message.source.job_id != JOB


@pytest.mark.parametrize("version", [None, "", "null"])
def test_null_version_is_no_version(version: str | None) -> None:
    """Objects from before versioning was switched on have the version `null`."""
    message = read_submission(s3_event(**{"version-id": version}))
    assert isinstance(message, Uploaded)
    assert message.source.version_id is None


def test_deletion_of_a_key_is_read() -> None:
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


def test_removal_of_one_version_does_not_delete_the_key() -> None:
    """When an old version expires, the key and its newest upload are still there."""
    message = read_submission(json.dumps(sample("s3-object-version-deleted")))
    assert isinstance(message, VersionDeleted)
    assert message.source.version_id == "8Xq2nW0Yb1cT5kP9sLr3vMz7uHd4jGf6"


def test_removal_without_a_version_deletes_the_key() -> None:
    """In a bucket without versions, what is deleted permanently is the key."""
    event = sample("s3-object-version-deleted")
    del event["detail"]["object"]["version-id"]
    assert isinstance(read_submission(json.dumps(event)), Deleted)


def test_due_job_is_read() -> None:
    """Our own message: a job wants to be looked at."""
    (body,) = bodies("sqs-submissions-job-due")
    assert read_submission(body) == JobDue(job_id=JOB)


def test_a_report_of_prepares_is_read() -> None:
    """What the photo is, and what was made of it."""
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
def test_a_report_of_another_form_is_known_as_that(said: dict[str, object]) -> None:
    """It is counted and passed over: a Prepare in other hands cannot fill the dead letters."""
    (body,) = bodies("sqs-submissions-report")
    told = json.loads(body)
    told["report"] |= said
    assert read_submission(json.dumps(told)) == UnreadableReport(job_id=told["job"])
    told["report"] = [said]
    assert read_submission(json.dumps(told)) == UnreadableReport(job_id=told["job"])


def test_one_bad_message_does_not_spoil_the_others() -> None:
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
def test_what_neither_s3_nor_we_write_is_refused(body: str, message: str) -> None:
    """Such a message goes to the dead letters, with what is wrong about it."""
    with pytest.raises(MessageError) as caught:
        read_submission(body)
    assert str(caught.value) == message


@pytest.mark.parametrize("size", ["large", None, [], {}])
def test_an_event_with_a_size_that_is_none_is_refused(size: object) -> None:
    """Not a crash: a message that cannot be read is named as such."""
    with pytest.raises(MessageError):
        read_submission(s3_event(size=size))


def test_callback_is_read() -> None:
    """A callback came in: which attempt, and which task its body spoke of."""
    (body,) = bodies("sqs-callbacks-completed")
    assert read_callback(body) == TaskCheck(
        job_id=JOB, attempt=1, task_id="task-unified-1795166131-4k7q2m9x", is_poll=False
    )


def test_poll_is_read() -> None:
    """Sweep asks: no body spoke of a task."""
    (body,) = bodies("sqs-callbacks-poll")
    assert read_callback(body) == TaskCheck(job_id=JOB, attempt=1, task_id=None, is_poll=True)


def test_older_wakes_without_a_poll_mark_are_read() -> None:
    """A message of an earlier version is a callback."""
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
def test_wakes_that_are_not_ours_are_refused(body: str) -> None:
    """They go to the dead letters."""
    with pytest.raises(MessageError):
        read_callback(body)


@given(told=PLAIN_JSON)
def test_no_json_breaks_the_readers(told: object) -> None:
    """Whatever a message holds, it is read or refused, and nothing else happens."""
    for read in (read_submission, read_callback):
        try:
            message: object = read(json.dumps(told))
        except MessageError:
            continue
        assert isinstance(message, Uploaded | Deleted | VersionDeleted | JobDue | TaskCheck)


@pytest.mark.parametrize("job", [None, "", 7, True, ["a"], {}])
def test_a_message_that_names_no_job_goes_to_the_dead_letters(job: object) -> None:
    """It is not swallowed as if there were a job of that name that is gone."""
    with pytest.raises(MessageError):
        read_submission(json.dumps({"job": job}))
    with pytest.raises(MessageError):
        read_callback(json.dumps({"job": job, "attempt": 1}))
