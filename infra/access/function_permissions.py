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
# Waiting jobs are read before they are queued: those that a newer version wrote are skipped.
_READ_WAITING = "dynamodb:BatchGetItem"


def photo_reader_statements(resources: Resources) -> Sequence[Statement]:
    """Return what a presigned URL lets the provider do: read versions of photos, and copies."""
    return (
        ("ReadPhotos", ("s3:GetObjectVersion",), (resources.photos,)),
        _read_copies(resources),
    )


def statements(resources: Resources) -> dict[FunctionName, Sequence[Statement]]:
    """Return what each function may do besides writing its logs and receiving from its queue."""
    return {
        FunctionName.SUBMIT: (*_submit(resources), *_request_copies(resources)),
        **({FunctionName.PREPARE: _prepare(resources)} if resources.preparations else {}),
        FunctionName.RECEIVE_CALLBACK: (
            _read_secrets(resources.signing_key_name),
            _send_callbacks(resources),
        ),
        FunctionName.STORE_RESULT: _store_result(resources),
        FunctionName.SWEEP: (
            (
                "PostponeJobsAndLookAtTheGate",
                (
                    "dynamodb:BatchGetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ),
                (resources.jobs.table_arn,),
            ),
            _find_jobs(resources, "due", "lane"),
            (
                "WakeTheOthers",
                ("sqs:SendMessage",),
                (resources.submissions.queue_arn, resources.callbacks.queue_arn),
            ),
        ),
    }


def _submit(resources: Resources) -> Sequence[Statement]:
    return (
        _read_photos(resources),
        _list_uploads(resources),
        _write_jobs(resources),
        (
            "KeepBodiesOfCalls",
            ("dynamodb:GetItem", "dynamodb:PutItem"),
            (resources.calls.table_arn,),
        ),
        _find_jobs(resources, "lane"),
        _read_secrets(resources.api_key_name, resources.signing_key_name),
        # In a bucket without versions, an upload could be overwritten before the provider reads it.
        _write_copies(resources),
        ("LendPhotos", ("sts:AssumeRole",), (resources.photo_reader.role_arn,)),
        _send_submissions("WakeTheNext", resources),
        _send_events(resources),
        *_write_notes(resources),
        *_read_tags(resources),
        *_tag_photos(resources),
        _send_callbacks(resources),
    )


def _request_copies(resources: Resources) -> Sequence[Statement]:
    if resources.preparations is None:
        return ()
    return (
        _read_copies(resources),
        _list_copies(resources),
        _send_preparations(resources.preparations.queue_arn),
    )


def _prepare(resources: Resources) -> Sequence[Statement]:
    return (
        _read_photos(resources),
        _list_uploads(resources),
        _write_copies(resources),
        # Submit accepts nothing but reports in messages that this role sends.
        _send_submissions("ReportToSubmit", resources),
    )


def _store_result(resources: Resources) -> Sequence[Statement]:
    return (
        (
            # Only headers, metadata and tags are read, and one byte, which says how many tags.
            "ReadLabelsOfPhotos",
            (
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectTagging",
                "s3:GetObjectVersionTagging",
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
        _write_jobs(resources),
        _find_jobs(resources, "lane"),
        _read_secrets(resources.api_key_name),
        _send_submissions("WakeTheNext", resources),
        _send_events(resources),
        *_keep_results(resources),
        *_use_source_pixels(resources),
        *_delete_notes(resources),
        *_tag_photos(resources),
        *_remove_results(resources),
    )


def _read_photos(resources: Resources) -> Statement:
    return ("ReadPhotos", ("s3:GetObject", "s3:GetObjectVersion"), (resources.photos,))


def _list_uploads(resources: Resources) -> Statement:
    return ("TellGoneFromForbidden", ("s3:ListBucket",), (resources.uploads.bucket_arn,))


def _read_copies(resources: Resources) -> Statement:
    return ("ReadCopies", ("s3:GetObject",), (resources.prepared,))


def _write_copies(resources: Resources) -> Statement:
    return ("KeepCopies", ("s3:PutObject",), (resources.prepared,))


def _list_copies(resources: Resources) -> Statement:
    return ("TellGoneCopiesFromForbidden", ("s3:ListBucket",), (resources.work.bucket_arn,))


def _read_tags(resources: Resources) -> Sequence[Statement]:
    # A write replaces all tags, so Submit reads them first; StoreResult may read them anyway.
    if not resources.settings.tag_source:
        return ()
    actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging")
    return (("ReadTagsOfPhotos", actions, (resources.photos,)),)


def _tag_photos(resources: Resources) -> Sequence[Statement]:
    if not resources.settings.tag_source:
        return ()
    actions = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging")
    return (("TagPhotos", actions, (resources.photos,)),)


def _keep_results(resources: Resources) -> Sequence[Statement]:
    # Later uploads of the same picture are completed from the kept result.
    if not resources.settings.reuse:
        return ()
    return (
        ("KeepResults", ("s3:GetObject", "s3:PutObject"), (resources.kept,)),
        _list_copies(resources),
    )


def _use_source_pixels(resources: Resources) -> Sequence[Statement]:
    # A photo's own pixels come from Prepare's copy, which is requested again if it is gone.
    if resources.preparations is None:
        return ()
    # A request for a variant with the photo's own pixels is queued again until its copy is there.
    requeues = resources.uses_source_pixels and not resources.settings.delete_with_source
    return (
        _read_copies(resources),
        *(() if resources.settings.reuse else (_list_copies(resources),)),
        _send_preparations(resources.preparations.queue_arn),
        *((_send_callbacks(resources),) if requeues else ()),
    )


def _remove_results(resources: Resources) -> Sequence[Statement]:
    # Find every job of a deleted photo, and delete the objects that these jobs made.
    settings = resources.settings
    if not settings.delete_with_source:
        return ()
    return (
        _send_callbacks(resources),
        ("FindJobsOfAPhoto", ("dynamodb:Query",), (f"{resources.jobs.table_arn}/index/source",)),
        (
            "RemoveResults",
            ("s3:DeleteObject",),
            (*resources.cut_outs, *([resources.kept] if settings.reuse else ())),
        ),
    )


def _write_notes(resources: Resources) -> Sequence[Statement]:
    # A conditional delete needs the permission to read.
    if not resources.settings.error_notes:
        return ()
    return (
        ("KeepNotes", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), (resources.notes,)),
        ("TellNoNoteFromForbidden", ("s3:ListBucket",), (resources.results.bucket_arn,)),
    )


def _delete_notes(resources: Resources) -> Sequence[Statement]:
    # StoreResult may write every result, notes among them; this is what lets it delete notes. With
    # `delete_with_source` it may delete every result, too.
    settings = resources.settings
    if not settings.error_notes or settings.delete_with_source:
        return ()
    return (("TakeNotesBack", ("s3:DeleteObject",), (resources.notes,)),)


def _write_jobs(resources: Resources) -> Statement:
    # A transaction needs the permissions of the writes in it.
    actions = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", _READ_WAITING)
    return ("KeepJobs", actions, (resources.jobs.table_arn,))


def _find_jobs(resources: Resources, *indexes: str) -> Statement:
    arns = tuple(f"{resources.jobs.table_arn}/index/{index}" for index in indexes)
    return ("FindJobs", ("dynamodb:Query",), arns)


def _read_secrets(*names: str) -> Statement:
    arns = tuple(account_arn("secretsmanager", f"secret:{name}-??????") for name in names)
    return ("ReadSecrets", ("secretsmanager:GetSecretValue",), arns)


def _send_submissions(sid: str, resources: Resources) -> Statement:
    return (sid, ("sqs:SendMessage",), (resources.submissions.queue_arn,))


def _send_callbacks(resources: Resources) -> Statement:
    return ("WakeStoreResult", ("sqs:SendMessage",), (resources.callbacks.queue_arn,))


def _send_preparations(queue_arn: str) -> Statement:
    return ("HavePhotosPrepared", ("sqs:SendMessage",), (queue_arn,))


def _send_events(resources: Resources) -> Statement:
    return ("Announce", ("events:PutEvents",), (resources.event_bus.event_bus_arn,))
