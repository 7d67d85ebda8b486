"""What each function may do: exact actions on exact resources, written by hand.

Two kinds of statement cover more than one object, each for a reason:

- `s3:ListBucket` on a bucket: without it S3 answers 403 instead of 404 for an object that does not
  exist, and a deleted photo could not be told from a missing permission. It cannot be narrowed to a
  prefix: the condition key for that is absent when an object is asked for.
- `{bucket}/{prefix}*` and `secret:{name}-??????`: uploaders choose the names of objects, and
  Secrets Manager ends every ARN in six random characters.
"""

from collections.abc import Sequence

from ..deployed_functions import FunctionName
from .resources import Resources, account_arn

Statement = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Sid, actions, resources."""


def photo_reader_statements(resources: Resources) -> Sequence[Statement]:
    """Return what a presigned URL lets the provider do: read versions of photos, and copies."""
    return (
        ("ReadPhotos", ("s3:GetObjectVersion",), (resources.photos,)),
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
            (
                "PostponeJobsAndLookAtTheGate",
                ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                (resources.jobs.table_arn,),
            ),
            _find_jobs(resources, "due", "lane"),
            _send("WakeTheOthers", resources.submissions.queue_arn, resources.callbacks.queue_arn),
        ),
    }


class _Shared:
    """The statements that more than one function has, or one in two cases."""

    def __init__(self, resources: Resources) -> None:
        photos, copies = (resources.photos,), (resources.prepared,)
        uploads, work = (resources.uploads.bucket_arn,), (resources.work.bucket_arn,)
        table, bus = resources.jobs.table_arn, resources.event_bus.event_bus_arn
        queue = resources.preparations
        self.read_photos: Statement = (
            "ReadPhotos",
            ("s3:GetObject", "s3:GetObjectVersion"),
            photos,
        )
        self.list_uploads: Statement = ("TellGoneFromForbidden", ("s3:ListBucket",), uploads)
        self.tag_photos: Statement = (
            "TagPhotos",
            ("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
            photos,
        )
        self.read_copies: Statement = ("ReadCopies", ("s3:GetObject",), copies)
        self.write_copies: Statement = ("KeepCopies", ("s3:PutObject",), copies)
        self.list_copies: Statement = ("TellGoneCopiesFromForbidden", ("s3:ListBucket",), work)
        self.request_copies = _send("HavePhotosPrepared", *([queue.queue_arn] if queue else ()))
        self.write_jobs: Statement = (
            "KeepJobs",
            # A transaction needs the permissions of the writes in it. Waiting jobs are read before
            # they are queued: those that a newer version wrote are skipped.
            (
                *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                "dynamodb:BatchGetItem",
            ),
            (table,),
        )
        self.wake_the_next = _send("WakeTheNext", resources.submissions.queue_arn)
        self.send_callbacks = _send("WakeStoreResult", resources.callbacks.queue_arn)
        self.announce: Statement = ("Announce", ("events:PutEvents",), (bus,))


def _submit(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    settings, bodies = resources.settings, (resources.calls.table_arn,)
    granted: list[Statement] = [
        *(shared.read_photos, shared.list_uploads, shared.write_jobs),
        ("KeepBodiesOfCalls", ("dynamodb:GetItem", "dynamodb:PutItem"), bodies),
        _find_jobs(resources, "lane"),
        _read_secrets(resources.api_key_name, resources.signing_key_name),
        # In a bucket without versions, an upload could be overwritten before the provider reads it.
        shared.write_copies,
        ("LendPhotos", ("sts:AssumeRole",), (resources.photo_reader.role_arn,)),
        *(shared.wake_the_next, shared.announce),
    ]
    if settings.error_notes:
        # A conditional delete needs the permission to read.
        actions = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
        granted += [
            ("KeepNotes", actions, (resources.notes,)),
            ("TellNoNoteFromForbidden", ("s3:ListBucket",), (resources.results.bucket_arn,)),
        ]
    if settings.tag_source:
        # A write replaces all tags, so Submit reads them first; StoreResult may read them anyway.
        read = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging")
        granted += [("ReadTagsOfPhotos", read, (resources.photos,)), shared.tag_photos]
    granted.append(shared.send_callbacks)
    if resources.preparations:
        granted += [shared.read_copies, shared.list_copies, shared.request_copies]
    return granted


def _store_result(resources: Resources, shared: _Shared) -> Sequence[Statement]:
    return (
        (
            # Only headers, metadata and tags are read, and one byte, which says how many tags.
            "ReadLabelsOfPhotos",
            (
                *("s3:GetObject", "s3:GetObjectVersion"),
                *("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
            ),
            (resources.photos,),
        ),
        (
            "KeepCutOuts",
            ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"),
            resources.cut_outs,
        ),
        # Variants that are made later get the tags of the accepted cut-out.
        ("ReadLabelsOfCutOuts", ("s3:GetObjectTagging",), (resources.accepted,)),
        (
            "TellGoneFromForbidden",
            ("s3:ListBucket",),
            (resources.uploads.bucket_arn, resources.results.bucket_arn),
        ),
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
        kept = (resources.kept,)
        granted += [("KeepResults", ("s3:GetObject", "s3:PutObject"), kept), shared.list_copies]
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
    settings, delete = resources.settings, ("s3:DeleteObject",)
    granted: list[Statement] = []
    if settings.error_notes and not settings.delete_with_source:
        # StoreResult may write every result, notes among them; this is what lets it delete notes.
        # With `delete_with_source` it may delete every result, too.
        granted.append(("TakeNotesBack", delete, (resources.notes,)))
    if settings.tag_source:
        granted.append(shared.tag_photos)
    if settings.delete_with_source:
        # Find every job of a deleted photo, and delete the objects that these jobs made.
        index = f"{resources.jobs.table_arn}/index/source"
        made = (*resources.cut_outs, *([resources.kept] if settings.reuse else ()))
        granted += [
            shared.send_callbacks,
            ("FindJobsOfAPhoto", ("dynamodb:Query",), (index,)),
            ("RemoveResults", delete, made),
        ]
    return granted


def _find_jobs(resources: Resources, *indexes: str) -> Statement:
    arns = tuple(f"{resources.jobs.table_arn}/index/{index}" for index in indexes)
    return ("FindJobs", ("dynamodb:Query",), arns)


def _read_secrets(*names: str) -> Statement:
    arns = tuple(account_arn("secretsmanager", f"secret:{name}-??????") for name in names)
    return ("ReadSecrets", ("secretsmanager:GetSecretValue",), arns)


def _send(sid: str, *queue_arns: str) -> Statement:
    return (sid, ("sqs:SendMessage",), queue_arns)
