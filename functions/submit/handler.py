"""Submit's handler: uploads and due jobs come in, one message at a time, each on its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from cutout.adapters.telemetry_powertools import (
    PowertoolsTelemetry,
    json_logger,
    metrics_of_all,
)
from cutout.domain.job.job import Job
from cutout.domain.messages import (
    Deleted,
    JobDue,
    UnreadableReport,
    Uploaded,
    VersionDeleted,
    read_report,
    read_submission,
)
from cutout.domain.preparation import PrepareReport
from cutout.wiring.submit import SubmitApp, build
from cutout.wiring.worker import worker

logger = json_logger()
metrics = metrics_of_all()


@cache
def _app() -> SubmitApp:
    metrics.set_default_dimensions(stack=os.environ["CUTOUT_STACK"])
    return build(os.environ, PowertoolsTelemetry(logger, metrics))


def record_handler(record: SQSRecord) -> None:
    """One message."""
    app = _app()
    is_prepares = _is_sent_by(record, app.prepare_role_id)
    message = (read_report if is_prepares else read_submission)(record.body)
    match message:
        case Uploaded(source=source, at=at, lane=lane):
            _move_on(app.arrive.created(source, at=at, lane=lane), app.submit.advance)
        case JobDue(job_id=job_id):
            job = app.jobs.find(job_id)
            if job is None:
                logger.info("wake for a job that is not known", due_job=job_id)
            _move_on(job, app.submit.wake)
        case PrepareReport():
            _move_on(app.preparations.take(message), app.submit.advance)
        case UnreadableReport(job_id=job_id):
            app.preparations.refuse(job_id)
        case Deleted(source=source, at=at):
            app.arrive.deleted(source, at=at)
        case VersionDeleted(source=source):
            app.arrive.version_deleted(source)


def _is_sent_by(record: SQSRecord, role_id: str) -> bool:
    """Whether a function of this role sent it: Prepare may have been taken over by a photo.

    SQS itself notes the sender, as ROLE-ID:SESSION (Amazon SQS API Reference, ReceiveMessage).
    """
    return bool(role_id) and record.attributes.sender_id.partition(":")[0] == role_id


def _move_on(job: Job | None, move: Callable[[Job], object]) -> None:
    if job is not None:
        with logger.append_context_keys(job_id=job.id):
            move(job)


handler = worker(record_handler, logger, metrics)

# Lambda runs imports with a whole processor and handlers with a share of one: what can be made
# before the first event is made here. Anywhere else, importing this module makes nothing.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _app()
