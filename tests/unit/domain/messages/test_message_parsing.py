"""Messages between our own functions: each reader gets what the writer wrote."""

from __future__ import annotations

import json

import pytest

from cutout.adapters.sqs import written_report, written_request
from cutout.domain.errors import MessageError
from cutout.domain.job.source import Photo
from cutout.domain.messages.message_parsing import (
    read_callback,
    read_report,
    read_request,
    read_submission,
)
from cutout.domain.messages.preparation import CopyKind, MadeCopy, PrepareReport, PrepareRequest
from cutout.domain.messages.queue_messages import (
    Removal,
    RenderRequest,
    TaskCheck,
    UnreadableReport,
)
from cutout.domain.reasons import Reason
from tests.support.builders import a_source
from tests.support.samples import sample

JOB = "0f" * 16
REPORTS = [
    PrepareReport(
        job_id=JOB,
        ask=7,
        version="v1",
        photo=Photo(format="heic", width=40, height=30, sha256="0f" * 32, orientation=6),
        copies=(
            MadeCopy(kind=CopyKind.FOR_MODEL, format="jpeg", size=9, width=30, height=40),
            MadeCopy(
                kind=CopyKind.FULL_SIZE, format="png", size=8, width=30, height=40, has_alpha=True
            ),
        ),
        problem="none",
        is_backfill=True,
        bypass_cache=True,
        recipes=("web",),
    ),
    PrepareReport(job_id=JOB, ask=8, version="v2", reason=Reason.NOT_A_PHOTO, message="text"),
]
REQUESTS = [
    PrepareRequest(job_id=JOB, source=a_source(), wanted=(CopyKind.FOR_MODEL,), ask=7),
    PrepareRequest(job_id=JOB, source=a_source(version_id=None), wanted=tuple(CopyKind)),
]


@pytest.mark.parametrize("report", REPORTS)
def test_submit_reads_the_report_that_prepare_writes(report: PrepareReport) -> None:
    """Every field of it."""
    body = json.dumps(written_report(report))
    assert json.loads(body)["job"] == JOB
    assert read_submission(body) == read_report(body) == report


@pytest.mark.parametrize("request_", REQUESTS)
def test_prepare_reads_the_request_that_submit_writes(request_: PrepareRequest) -> None:
    """Every field of it."""
    body = json.dumps(written_request(request_))
    assert json.loads(body)["job"] == JOB
    assert read_request(body) == request_


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (json.dumps({"job": JOB, "report": {"ask": "now"}}), JOB),
        (json.dumps({"job": JOB}), JOB),
        (json.dumps(sample("s3-object-created")), None),
        ("{", None),
    ],
)
def test_the_reports_queue_accepts_only_reports(body: str, job_id: str | None) -> None:
    """Prepare opens untrusted files: its messages cannot announce an upload or move a job."""
    assert read_report(body) == UnreadableReport(job_id=job_id)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"job": ""},
        {"job": JOB},
        {"job": JOB, "prepare": 3},
        {"prepare": written_request(REQUESTS[0])},
    ],
)
def test_an_invalid_request_is_refused(message: dict[str, object]) -> None:
    """It goes to the dead-letter queue."""
    with pytest.raises(MessageError):
        read_request(json.dumps(message))


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (
            {"job": JOB, "attempt": 2, "task_id": "task-1", "is_poll": True, "is_taken": True},
            TaskCheck(job_id=JOB, attempt=2, task_id="task-1", is_poll=True, is_taken=True),
        ),
        (
            {"job": JOB, "render": ["web", "white"], "tries": 3},
            RenderRequest(job_id=JOB, recipes=("web", "white"), tries=3),
        ),
        ({"job": JOB, "render": ["web"]}, RenderRequest(job_id=JOB, recipes=("web",), tries=0)),
        (
            {"removed": {"bucket": "uploads", "key": "a.jpg", "order": "0A", "job": JOB}},
            Removal(bucket="uploads", key="a.jpg", order="0A", job_id=JOB),
        ),
        (
            {"removed": {"bucket": "uploads", "key": "a.jpg", "order": "0A"}},
            Removal(bucket="uploads", key="a.jpg", order="0A", job_id=None),
        ),
    ],
)
def test_store_result_reads_each_kind_of_message(
    message: dict[str, object], read: TaskCheck | RenderRequest | Removal
) -> None:
    """Task checks, variants to make, and results to remove."""
    assert read_callback(json.dumps(message)) == read
