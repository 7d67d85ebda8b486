"""What each function may do: exact actions on exact resources, written by hand.

Two kinds of statement reach wider than one object, each for a reason:

- `s3:ListBucket` on a bucket: without it S3 answers 403 instead of 404 for an object that is
  gone, and a deleted photo could not be told from a lost permission. The permission cannot be
  narrowed to a prefix: the condition key that would do so is absent when an object is asked for.
- `{bucket}/{prefix}*` and `secret:{name}-??????`: objects are named by whoever uploads them, and
  Secrets Manager ends every ARN in six random characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..constructs.storage import KEPT_FOLDER, PREPARED_FOLDER
from ..deployed_functions import FunctionName

Statement = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Sid, actions, resources."""
_READ_WAITING = "dynamodb:BatchGetItem"
"""Rows behind the gate are read before they are woken: one of a newer version is passed over."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The resources, as ARNs, that the functions have to do with."""

    uploads: str
    upload_prefix: str
    results: str
    result_prefix: str
    work: str
    table: str
    calls: str
    submissions: str
    preparations: str | None
    callbacks: str
    api_key: str
    signing_key: str
    event_bus: str
    photo_reader: str
    error_notes: bool
    tag_source: bool
    delete_with_source: bool
    reuse: bool
    takes_photos_pixels: bool

    @property
    def photos(self) -> str:
        """Every object that the deployment watches."""
        return f"{self.uploads}/{self.upload_prefix}*"

    @property
    def notes(self) -> str:
        """Every note that says why a photo has no cut-out."""
        return f"{self.results}/{self.result_prefix}*.error.json"

    @property
    def prepared(self) -> str:
        """Every copy that is made of a photo."""
        return f"{self.work}/{PREPARED_FOLDER}*"

    @property
    def kept(self) -> str:
        """Every result of the model that is kept for use again."""
        return f"{self.work}/{KEPT_FOLDER}*"

    @property
    def accepted(self) -> str:
        """Every result that is no longer in doubt."""
        return f"{self.results}/{self.result_prefix}*"

    @property
    def cut_outs(self) -> tuple[str, ...]:
        """Every object that the deployment writes."""
        if not self.result_prefix:
            return (self.accepted,)
        return (self.accepted, f"{self.results}/review/*")


def photo_reader_statements(reach: Reach) -> Sequence[Statement]:
    """Say what a presigned URL lets the provider do: read versions of photos, and copies."""
    return (
        ("ReadPhotos", ("s3:GetObjectVersion",), (reach.photos,)),
        _read_copies(reach),
    )


def _read_photos(reach: Reach) -> Statement:
    return ("ReadPhotos", ("s3:GetObject", "s3:GetObjectVersion"), (reach.photos,))


def _read_copies(reach: Reach) -> Statement:
    return ("ReadCopies", ("s3:GetObject",), (reach.prepared,))


def _keep_copies(reach: Reach) -> Statement:
    return ("KeepCopies", ("s3:PutObject",), (reach.prepared,))


def statements(reach: Reach) -> dict[FunctionName, Sequence[Statement]]:
    """Say what each function may do besides writing its logs and working off its queue."""
    return {
        FunctionName.SUBMIT: (*_submit(reach), *_have_prepared(reach)),
        **({FunctionName.PREPARE: _prepare(reach)} if reach.preparations else {}),
        FunctionName.RECEIVE_CALLBACK: (
            _read_secrets(reach.signing_key),
            _wake_store_result(reach),
        ),
        FunctionName.STORE_RESULT: _store_result(reach),
        FunctionName.SWEEP: (
            (
                "PostponeJobsAndRecountTheGate",
                (
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ),
                (reach.table,),
            ),
            _find_jobs(reach, "due", "lane"),
            ("WakeTheOthers", ("sqs:SendMessage",), (reach.submissions, reach.callbacks)),
        ),
    }


def _submit(reach: Reach) -> Sequence[Statement]:
    return (
        _read_photos(reach),
        ("TellGoneFromForbidden", ("s3:ListBucket",), (reach.uploads,)),
        _keep_jobs(reach, _READ_WAITING),
        (
            "KeepBodiesOfCalls",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),
            (reach.calls,),
        ),
        _find_jobs(reach, "lane"),
        _read_secrets(reach.api_key, reach.signing_key),
        # A bucket without versions: the provider reads a copy that nobody overwrites.
        _keep_copies(reach),
        ("LendPhotos", ("sts:AssumeRole",), (reach.photo_reader,)),
        ("WakeTheNext", ("sqs:SendMessage",), (reach.submissions,)),
        _announce(reach),
        *_keep_notes(reach),
        *_read_tags(reach),
        *_tag_sources(reach),
        _wake_store_result(reach),
    )


def _have_prepared(reach: Reach) -> Sequence[Statement]:
    if reach.preparations is None:
        return ()
    return (
        _read_copies(reach),
        _tell_gone_copies(reach),
        ("HavePhotosPrepared", ("sqs:SendMessage",), (reach.preparations,)),
    )


def _prepare(reach: Reach) -> Sequence[Statement]:
    return (
        _read_photos(reach),
        ("TellGoneFromForbidden", ("s3:ListBucket",), (reach.uploads,)),
        _keep_copies(reach),
        # In what this role sends, Submit reads nothing but reports.
        ("ReportToSubmit", ("sqs:SendMessage",), (reach.submissions,)),
    )


def _store_result(reach: Reach) -> Sequence[Statement]:
    return (
        (
            # Labels alone are read: S3 asks for the same permission to look at an object's head.
            "ReadLabelsOfPhotos",
            (
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectTagging",
                "s3:GetObjectVersionTagging",
            ),
            (reach.photos,),
        ),
        (
            "KeepCutOuts",
            ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"),
            reach.cut_outs,
        ),
        # Variants are made anew from cut-outs that were accepted, with their labels.
        ("ReadLabelsOfCutOuts", ("s3:GetObjectTagging",), (reach.accepted,)),
        ("TellGoneFromForbidden", ("s3:ListBucket",), (reach.uploads, reach.results)),
        _keep_jobs(reach, _READ_WAITING),
        ("DeleteBodiesOfCalls", ("dynamodb:DeleteItem",), (reach.calls,)),
        _find_jobs(reach, "lane"),
        _read_secrets(reach.api_key),
        ("WakeTheNext", ("sqs:SendMessage",), (reach.submissions,)),
        _announce(reach),
        *_keep_results(reach),
        *_take_photos_pixels(reach),
        *_take_notes_back(reach),
        *_tag_sources(reach),
        *_remove_results(reach),
    )


def _read_tags(reach: Reach) -> Sequence[Statement]:
    """All tags are written at once, so those that stand are read first; StoreResult may anyway."""
    if not reach.tag_source:
        return ()
    actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging")
    return (("ReadTagsOfPhotos", actions, (reach.photos,)),)


def _tag_sources(reach: Reach) -> Sequence[Statement]:
    if not reach.tag_source:
        return ()
    actions = ("s3:PutObjectTagging", "s3:PutObjectVersionTagging")
    return (("TagPhotos", actions, (reach.photos,)),)


def _keep_results(reach: Reach) -> Sequence[Statement]:
    """Kept results are what pictures are completed from that were bought before."""
    if not reach.reuse:
        return ()
    return (
        ("KeepResults", ("s3:GetObject", "s3:PutObject"), (reach.kept,)),
        _tell_gone_copies(reach),
    )


def _take_photos_pixels(reach: Reach) -> Sequence[Statement]:
    """Photos' own pixels are those of Prepare's copies; one that is gone is made once more."""
    if reach.preparations is None:
        return ()
    return (
        _read_copies(reach),
        *(() if reach.reuse else (_tell_gone_copies(reach),)),
        ("HavePhotosPrepared", ("sqs:SendMessage",), (reach.preparations,)),
        *((_wake_store_result(reach),) if _is_put_off(reach) else ()),
    )


def _is_put_off(reach: Reach) -> bool:
    """A wish for a variant with its photo's own pixels waits until there is a copy of that."""
    return reach.takes_photos_pixels and not reach.delete_with_source


def _tell_gone_copies(reach: Reach) -> Statement:
    return ("TellGoneCopiesFromForbidden", ("s3:ListBucket",), (reach.work,))


def _wake_store_result(reach: Reach) -> Statement:
    return ("WakeStoreResult", ("sqs:SendMessage",), (reach.callbacks,))


def _remove_results(reach: Reach) -> Sequence[Statement]:
    """Find every job of a deleted photo, and delete what stands where their results went."""
    if not reach.delete_with_source:
        return ()
    return (
        _wake_store_result(reach),
        ("FindJobsOfAPhoto", ("dynamodb:Query",), (f"{reach.table}/index/source",)),
        (
            "RemoveResults",
            ("s3:DeleteObject",),
            (*reach.cut_outs, *([reach.kept] if reach.reuse else ())),
        ),
    )


def _keep_notes(reach: Reach) -> Sequence[Statement]:
    """Notes are looked at, written and taken back; a removal by condition asks for a read."""
    if not reach.error_notes:
        return ()
    return (
        ("KeepNotes", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), (reach.notes,)),
        ("TellNoNoteFromForbidden", ("s3:ListBucket",), (reach.results,)),
    )


def _take_notes_back(reach: Reach) -> Sequence[Statement]:
    """Who may write every result may write notes, which lie among them, but not delete them.

    Unless it may delete every result.
    """
    if not reach.error_notes or reach.delete_with_source:
        return ()
    return (("TakeNotesBack", ("s3:DeleteObject",), (reach.notes,)),)


def _keep_jobs(reach: Reach, *more: str) -> Statement:
    # A transaction asks for the permissions of the writes in it.
    return ("KeepJobs", ("dynamodb:GetItem", "dynamodb:PutItem", *more), (reach.table,))


def _find_jobs(reach: Reach, *indexes: str) -> Statement:
    places = tuple(f"{reach.table}/index/{index}" for index in indexes)
    return ("FindJobs", ("dynamodb:Query",), places)


def _read_secrets(*secrets: str) -> Statement:
    return ("ReadSecrets", ("secretsmanager:GetSecretValue",), secrets)


def _announce(reach: Reach) -> Statement:
    return ("Announce", ("events:PutEvents",), (reach.event_bus,))
