"""Photos in the uploads bucket: which ones a command names, and their jobs or cut-outs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack, UploadedObject
from cutout.cli.output.problems import Problem
from cutout.cli.photo_files import select_photos
from cutout.cli.photo_names import key_of, nearest_key
from cutout.cli.progress.parallel import in_parallel
from cutout.cli.round_trip.downloads import UploadStatus
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.operator.audit import AuditedObject
from cutout.ports.listings import ListedObject

_PAGE = 25


@dataclass(frozen=True, kw_only=True)
class BucketPhotos:
    """The photos in a stack's uploads bucket.

    Attributes:
        prefix: what `put` puts before the names of files; None for the prefix that is watched.
    """

    stack: Stack
    console: Console
    prefix: str | None = None

    def named(self, names: Sequence[str]) -> dict[str, UploadStatus]:
        """Return the newest versions of the keys that these names mean, by key.

        A name is a key, a file or folder that `put` uploads, or a prefix of keys, in this order. An
        s3:// URL is a key or a prefix.

        Raises:
            Problem: There is nothing of that name.
        """
        found: dict[str, ListedObject | None] = {}
        for name in names:
            found |= self._named(name)
        listed = [one for one in found.values() if one is not None]
        job_id = self.stack.job_id
        jobs = self.stack.find(
            [UploadedObject(it.key, it.etag, job_id(it.key, it.version_id)) for it in listed]
        )
        others = [one for one in listed if one.key not in jobs]
        findings = audited(self.stack, self.console, others)
        return {key: _status(jobs.get(key), findings.get(key)) for key in found}

    @property
    def _bucket(self) -> str:
        return self.stack.outputs.uploads_bucket

    def _named(self, name: str) -> Mapping[str, ListedObject | None]:
        uploads = compose.uploads(self.stack)
        key = key_of(name, self._bucket)
        # A key that ends in a slash is a folder marker, never a photo.
        if key and not key.endswith("/") and (one := uploads.newest(key)):
            return {key: one}
        if key == name and Path(name).exists():
            return self._of_files(Path(name))
        rules = self.stack.rules()
        found = {
            one.key: one
            for page in uploads.pages(key)
            for one in page
            if rules.upload_filter.is_watched(self._bucket, one.key) and not rules.why_no_photo(one)
        }
        if not found:
            raise Problem(
                f"{name} is no key and no prefix of keys in {self._bucket}, and no file here.",
                advice=f"{nearest_key(self.stack, key)}`cutout ls` lists the jobs.",
            )
        return found

    def _of_files(self, path: Path) -> Mapping[str, ListedObject | None]:
        prefix = self.stack.upload_prefix() if self.prefix is None else self.prefix
        keys = [photo.key for photo in select_photos([path], prefix=prefix).photos]
        newest = compose.uploads(self.stack).newest
        return dict(zip(keys, in_parallel(self.console, "Comparing", newest, keys), strict=True))


def _status(job: Job | None, found: AuditedObject | None) -> UploadStatus:
    if job is not None:
        return UploadStatus(job=job)
    if found is None:
        return UploadStatus(note="not in the uploads bucket")
    if found.result_key is not None:
        return UploadStatus(result_key=found.result_key)
    return UploadStatus(note=f"no job: {found.reason or found.finding}")


def audited(
    stack: Stack, console: Console, listed: Sequence[ListedObject]
) -> Mapping[str, AuditedObject]:
    """Return the status of objects in the uploads bucket, by key."""
    audit = compose.survey(stack)
    pages = [listed[start : start + _PAGE] for start in range(0, len(listed), _PAGE)]
    examined = in_parallel(console, "Looking for cut-outs", audit.examine, pages)
    return {one.listed.key: one for page in examined for one in page}
