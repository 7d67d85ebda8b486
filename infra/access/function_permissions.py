"""What each function may do: exact actions on exact resources, written by hand.

Two kinds of statement cover more than one object, each for a reason:

- `s3:ListBucket` on a bucket: without it S3 answers 403 instead of 404 for an object that does not
  exist, and a deleted photo could not be told from a missing permission. It cannot be narrowed to a
  prefix: the condition key for that is absent when an object is asked for.
- `{bucket}/{prefix}*` and `secret:{name}-??????`: uploaders choose the names of objects, and
  Secrets Manager ends every ARN in six random characters.
"""

from collections.abc import Iterable, Sequence

from aws_cdk import aws_s3 as s3

from ..deployed_functions import FunctionName
from .resources import Resources, account_arn

Statement = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Sid, actions, resources."""


def photo_reader_statements(resources: Resources) -> Sequence[Statement]:
    """Return what a presigned URL lets the provider do: read versions of photos, and copies."""
    return (
        _allow("ReadPhotos", "s3:GetObjectVersion", on=[resources.photos]),
        _Shared(resources).read_copies,
    )


def statements(resources: Resources) -> dict[FunctionName, Sequence[Statement]]:
    """Return what each function may do besides writing its logs and receiving from its queue."""
    shared = _Shared(resources)
    prepare = (
        *(shared.read_photos, shared.list_uploads, shared.write_copies),
        # Submit accepts nothing but reports in messages that this role sends.
        _send("ReportToSubmit", resources.submissions.queue_arn),
    )
    return {
        FunctionName.SUBMIT: _submit(resources, shared),
        **({FunctionName.PREPARE: prepare} if resources.preparations else {}),
        FunctionName.RECEIVE_CALLBACK: (
            _read_secrets(resources.signing_key_name),
            shared.send_callbacks,
        ),
        FunctionName.STORE_RESULT: (
            *_store_result(resources, shared),
            *_use_copies(resources, shared),
            *_remove(resources, shared),
        ),
        FunctionName.SWEEP: (
            _allow(
                "PostponeJobsAndLookAtTheGate",
                *("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                on=[resources.jobs.table_arn],
            ),
            _find_jobs(resources, "due", "lane"),
            _send("WakeTheOthers", resources.submissions.queue_arn, resources.callbacks.queue_arn),
        ),
    }


class _Shared:
    """The statements that more than one function has, or one in two cases."""

    def __init__(self, resources: Resources) -> None:
        photos, copies = [resources.photos], [resources.prepared]
        queue = resources.preparations
        self.read_photos = _allow("ReadPhotos", "s3:GetObject", "s3:GetObjectVersion", on=photos)
        self.list_uploads = _list("TellGoneFromForbidden", resources.uploads)
        self.tag_photos = _allow(
            "TagPhotos", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", on=photos
        )
        self.read_copies = _allow("ReadCopies", "s3:GetObject", on=copies)
        self.write_copies = _allow("KeepCopies", "s3:PutObject", on=copies)
        self.list_copies = _list("TellGoneCopiesFromForbidden", resources.work)
        self.request_copies = _send("HavePhotosPrepared", *([queue.queue_arn] if queue else ()))
        self.write_jobs = _allow(
            "KeepJobs",
            # A transaction needs the permissions of the writes in it. Waiting jobs are read before
            # they are queued: those that a newer version wrote are skipped.
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            "dynamodb:BatchGetItem",
            on=[resources.jobs.table_arn],
        )
        self.wake_the_next = _send("WakeTheNext", resources.submissions.queue_arn)
        self.send_callbacks = _send("WakeStoreResult", resources.callbacks.queue_arn)
        self.announce = _allow(
            "Announce", "events:PutEvents", on=[resources.event_bus.event_bus_arn]
        )


def _submit(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    settings, bodies = resources.settings, [resources.calls.table_arn]
    granted = [
        *(shared.read_photos, shared.list_uploads, shared.write_jobs),
        _allow("KeepBodiesOfCalls", "dynamodb:GetItem", "dynamodb:PutItem", on=bodies),
        _find_jobs(resources, "lane"),
        _read_secrets(resources.api_key_name, resources.signing_key_name),
        # In a bucket without versions, an upload could be overwritten before the provider reads it.
        shared.write_copies,
        _allow("LendPhotos", "sts:AssumeRole", on=[resources.photo_reader.role_arn]),
        *(shared.wake_the_next, shared.announce),
    ]
    if settings.error_notes:
        # A conditional delete needs the permission to read.
        actions = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
        granted += [
            _allow("KeepNotes", *actions, on=[resources.notes]),
            _list("TellNoNoteFromForbidden", resources.results),
        ]
    if settings.tag_source:
        # A write replaces all tags, so Submit reads them first; StoreResult may read them anyway.
        read = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging")
        granted += [_allow("ReadTagsOfPhotos", *read, on=[resources.photos]), shared.tag_photos]
    granted.append(shared.send_callbacks)
    if resources.preparations:
        granted += [shared.read_copies, shared.list_copies, shared.request_copies]
    return granted


def _store_result(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    return (
        _allow(
            # Only headers, metadata and tags are read, and one byte, which says how many tags.
            "ReadLabelsOfPhotos",
            *("s3:GetObject", "s3:GetObjectVersion"),
            *("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
            on=[resources.photos],
        ),
        _allow(
            "KeepCutOuts",
            *("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"),
            on=resources.cut_outs,
        ),
        # Variants that are made later get the tags of the accepted cut-out.
        _allow("ReadLabelsOfCutOuts", "s3:GetObjectTagging", on=[resources.accepted]),
        _list("TellGoneFromForbidden", resources.uploads, resources.results),
        shared.write_jobs,
        _find_jobs(resources, "lane"),
        _read_secrets(resources.api_key_name),
        *(shared.wake_the_next, shared.announce),
    )


def _use_copies(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    """Return what StoreResult may do with kept results, and with Prepare's copies."""
    settings = resources.settings
    granted: list[Statement] = []
    if settings.reuse:
        # Later uploads of the same picture are completed from the kept result.
        keep = _allow("KeepResults", "s3:GetObject", "s3:PutObject", on=[resources.kept])
        granted += [keep, shared.list_copies]
    if resources.preparations:
        # A photo's own pixels come from Prepare's copy, which is requested again if it is gone.
        granted.append(shared.read_copies)
        if not settings.reuse:
            granted.append(shared.list_copies)
        granted.append(shared.request_copies)
        if resources.uses_source_pixels and not settings.delete_with_source:
            # A request for a variant with these pixels is queued again until its copy is there.
            granted.append(shared.send_callbacks)
    return granted


def _remove(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    """Return what StoreResult may do with notes and tags, and with what a deleted photo leaves."""
    settings = resources.settings
    granted: list[Statement] = []
    if settings.error_notes and not settings.delete_with_source:
        # StoreResult may write every result, notes among them; this is what lets it delete notes.
        # With `delete_with_source` it may delete every result, too.
        granted.append(_allow("TakeNotesBack", "s3:DeleteObject", on=[resources.notes]))
    if settings.tag_source:
        granted.append(shared.tag_photos)
    if settings.delete_with_source:
        # Find every job of a deleted photo, and delete the objects that these jobs made.
        made = (*resources.cut_outs, *([resources.kept] if settings.reuse else ()))
        granted += [
            shared.send_callbacks,
            _find_jobs(resources, "source", sid="FindJobsOfAPhoto"),
            _allow("RemoveResults", "s3:DeleteObject", on=made),
        ]
    return granted


def _allow(sid: str, *actions: str, on: Iterable[str]) -> Statement:
    return (sid, actions, tuple(on))


def _list(sid: str, *buckets: s3.IBucket) -> Statement:
    return _allow(sid, "s3:ListBucket", on=[bucket.bucket_arn for bucket in buckets])


def _find_jobs(resources: Resources, *indexes: str, sid: str = "FindJobs") -> Statement:
    table = resources.jobs.table_arn
    return _allow(sid, "dynamodb:Query", on=[f"{table}/index/{index}" for index in indexes])


def _read_secrets(*names: str) -> Statement:
    arns = [account_arn("secretsmanager", f"secret:{name}-??????") for name in names]
    return _allow("ReadSecrets", "secretsmanager:GetSecretValue", on=arns)


def _send(sid: str, *queue_arns: str) -> Statement:
    return _allow(sid, "sqs:SendMessage", on=queue_arns)
