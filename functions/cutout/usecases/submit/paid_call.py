"""What a paid call consists of: access to the photo, the callback URL, the body, and the key."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cutout.domain.callback_token import CALLBACK_ROUTE, CallbackAddress, sign
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CopyGoneError, NeedsPreparingError, SourceGoneError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.object_keys import same_bytes_key
from cutout.domain.polling_and_timing import Timing
from cutout.domain.provider_outcomes import NotSent, PhotoAccess, Refused
from cutout.domain.reasons import Reason
from cutout.domain.states import Transport
from cutout.ports.buckets import Copies, Folders, PhotoLinks, Uploads
from cutout.ports.jobs_table import CallBodies, CallBody
from cutout.ports.provider_api import Files, Provider, Signer
from cutout.ports.telemetry import Clock

COPY_LIFE = timedelta(hours=20)
"""The lifecycle rule removes copies after 24 hours at the earliest, links last for 50 minutes."""
_NAME_DIGITS = 16


class NextCall(NamedTuple):
    """A paid call that may be made: its attempt, and its exact text, which is stored already."""

    attempt: Attempt
    text: str


@dataclass(frozen=True, kw_only=True)
class PaidCalls:
    """Hands photos over to the provider, and writes the calls for them.

    Attributes:
        model: the provider's model, which its calls name.
        transport: how the provider gets photos, unless the job has its own setting.
        copies_are_made: False in a deployment without Prepare.
        deployment: different for each deployment that uses the same provider account. Two that
            watch one bucket have jobs with the same ids; with equal keys, the provider would answer
            one with the other's task, or refuse its calls. With equal names of files, one would
            replace or delete the other's photo.
        callback_base_url: empty if the provider cannot reach us.
    """

    provider: Provider
    uploads: Uploads
    copies: Copies
    links: PhotoLinks
    files: Files
    bodies: CallBodies
    signer: Signer
    folders: Folders
    clock: Clock
    timing: Timing
    model: str
    transport: Transport
    copies_are_made: bool
    deployment: str
    callback_base_url: str

    def begin(self, job: Job) -> NextCall | Refused | NotSent:
        """Hand the photo over, and store the text of the next call; nothing is paid for this.

        Raises as `hand_over` does.
        """
        handed = self.hand_over(job)
        if not isinstance(handed, PhotoAccess):
            return handed
        number, now = _next_number(job), self.clock.now()
        # A repeat must find the text, or it would be another call.
        text = self.provider.call_body(handed.url, self._callback_url(job.id, number, now))
        name = hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
        body = CallBody(name=name, text=text, expires_at=now + 2 * self.timing.job_deadline)
        self.bodies.keep_body(job.id, body)
        attempt = Attempt(
            number=number,
            idempotency_key=self.idempotency_key(job.id, number),
            file_id=handed.file_id or None,
            started_at=now,
            body_name=name,
            model=self.model,
        )
        return NextCall(attempt, text)

    def hand_over(self, job: Job) -> PhotoAccess | Refused | NotSent:
        """Give the provider access to the photo for the next attempt; nothing is paid for this.

        Raises:
            NeedsPreparingError: a new copy must be made first.
            SourceGoneError: the photo is no longer there.
        """
        self.require_recent_copy(job)
        # Now, not in the call: a key that cannot be read then looks like a call that may be taken.
        refused = self.provider.get_ready()
        if refused:
            return refused
        copy = job.prepared
        sent = copy or job.photo
        format_ = sent.format if sent else "jpeg"
        content_type = f"image/{format_}"
        if (job.transport or self.transport) is Transport.PRESIGNED:
            return PhotoAccess(file_id="", url=self._link(job, content_type))
        try:
            data = self.copies.read(copy.key) if copy else self.uploads.read(job.source).data
        except CopyGoneError as exc:
            raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, str(exc)) from exc
        name = self.idempotency_key(job.id, _next_number(job))
        return self.files.upload(f"{name}.{format_}", content_type, data)

    def require_recent_copy(self, job: Job) -> None:
        """Check that the copy exists for long enough that the provider can read it.

        Raises:
            NeedsPreparingError: a new copy must be made first.
        """
        copy = job.prepared
        if copy is None:
            return
        is_old = self.clock.now() - copy.made_at >= COPY_LIFE
        if is_old or not self.copies_are_made:
            text = f"the copy that was made at {copy.made_at:%Y-%m-%d %H:%M} UTC is no longer sent"
            raise NeedsPreparingError(Reason.UNSUPPORTED_FORMAT, text)

    def _link(self, job: Job, content_type: str) -> str:
        """A link that serves the job's exact bytes, even if the key is overwritten."""
        if job.prepared is not None:
            return self.links.copy_link(job.prepared.key, content_type)
        if job.source.version_id is not None:
            return self.links.link(job.source, content_type)
        return self.links.copy_link(self._same_bytes(job), content_type)

    def _same_bytes(self, job: Job) -> str:
        """Copy a photo of a bucket without versions into the work bucket; returns the copy's key.

        A link without a version serves whatever is at the key: after an overwrite the provider
        would cut out another photo, and its result would be stored as this job's.
        """
        photo = job.photo
        with self.folders() as folder:
            file = Path(folder) / "photo"
            fetched = self.uploads.fetch(job.source, file)
            if photo is None or fetched.sha256 != photo.sha256:
                raise SourceGoneError("the object was overwritten after it was checked")
            key = same_bytes_key(job.id, photo.format)
            self.copies.put(key, file, content_type=f"image/{photo.format}")
        return key

    def idempotency_key(self, job_id: str, number: int) -> str:
        """The key of an attempt, at most 96 characters of `[A-Za-z0-9._-]`; names its file, too."""
        # Of the deployment's name, which may be longer than a key allows.
        salt = hashlib.sha256(self.deployment.encode()).hexdigest()[:12]
        return f"cutout-{job_id}-{number}-{salt}"

    def _callback_url(self, job_id: str, number: int, now: datetime) -> str | None:
        """The signed URL of an attempt's callback; None if results come by polling alone."""
        if not self.callback_base_url:
            return None
        # A call may be unconfirmed, and then its task be tracked, for a deadline each. A result is
        # kept for a while after its task ended.
        until = now + 2 * self.timing.job_deadline + self.timing.provider.results_last
        address, key = CallbackAddress(job_id=job_id, attempt=number), self.signer.signing_key()
        return self.callback_base_url + CALLBACK_ROUTE.format(token=sign(address, key, until))


def _next_number(job: Job) -> int:
    return job.attempt.number + 1 if job.attempt else 1
