"""The page on which photos are dropped: first the price, then the uploads, as `cutout put` does."""

import json
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from rich.console import Console
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutout.cli import compose
from cutout.cli.console.live import LiveWindows, ShownPage
from cutout.cli.console.site import Form, Site
from cutout.cli.output.gate_text import pause_of
from cutout.cli.output.money import preview_in_words
from cutout.cli.output.problems import Problem, explained
from cutout.cli.photo_files import MAX_PHOTO_BYTES, PhotoFile, content_type, looks_like_photo
from cutout.cli.round_trip.upload_plan import Action, UploadPlanner
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.object_keys import MAX_KEY_BYTES
from cutout.usecases.submit.register_upload import UploadFilter

PATH_HEADER = "X-Path"
"""The header of an upload: its path in the drop, URL-encoded."""
PRICE_HEADER = "X-Price"
"""The header of an upload: the credits of a photo that the plan showed."""
PAGE_HEADER = "X-Page"
"""The header of an upload: the stream of the page that shows its row."""
_QUIET = Console(quiet=True)


@dataclass(frozen=True, kw_only=True)
class DroppedFile:
    """A file that was dropped: its path in the drop, its key, and why it is skipped.

    `number` is its place in the list of the page, which finds the file by it: paths are shown with
    escapes.
    """

    path: str
    key: str
    why_skipped: str = ""
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """The page's description of a file that it sends, in the headers above."""

    path: str
    price: Decimal
    page: str


@dataclass(frozen=True, kw_only=True)
class Drop:
    """The drop page."""

    site: Site
    windows: LiveWindows

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            self.site.get("/drop", self.show),
            self.site.post("/drop/plan", self.plan),
            Route("/drop/photo", self.receive, methods=["POST"], name="POST /drop/photo"),
        ]

    def show(self, _request: Request) -> Response:
        """Show the page."""
        stack = self.site.stack()
        return self.site.page(
            "drop.html",
            prefix=stack.upload_prefix(),
            bucket=stack.outputs.uploads_bucket,
            live=self.windows.stream_of(ShownPage(made=self.site.now(), is_drop=True)),
        )

    def plan(self, _request: Request, form: Form) -> Response:
        """Show what is uploaded and its price at most, and what is skipped and why."""
        stack, now = self.site.stack(), self.site.now()
        watched = stack.rules().upload_filter
        files = _once_each(
            replace(_checked(watched, path, size), number=number)
            for number, (path, size) in enumerate(_listed(form.get("files", "")))
        )
        taken = [one for one in files if not one.why_skipped]
        gate = stack.jobs.read_gate()
        pause = pause_of(gate, now) if taken else None
        return self.site.page(
            "_plan.html",
            taken=taken,
            skipped=[one for one in files if one.why_skipped],
            price_of_one=gate.price,
            price=preview_in_words(compose.estimate(stack, len(taken)), self.site.price),
            pause=pause.text if pause else None,
        )

    async def receive(self, request: Request) -> Response:
        """Upload one photo, whose bytes are the body, and show what becomes of it."""
        upload = SentFile(
            path=unquote(request.headers.get(PATH_HEADER, "")),
            price=_price(request.headers.get(PRICE_HEADER, "")),
            page=request.headers.get(PAGE_HEADER, ""),
        )
        try:
            with explained():
                return await self._received(request, upload)
        except Problem as problem:
            self.site.forget_stack()
            return self._row(upload, says=problem.message, is_wrong=True)

    async def _received(self, request: Request, upload: SentFile) -> Response:
        # The photo goes through a file, as S3 needs its hash first: any size, little memory.
        with tempfile.NamedTemporaryFile(prefix="cutout-drop-") as file:
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_PHOTO_BYTES:
                    raise Problem("Skipped: larger than 5 GB, which S3 does not accept.")
                file.write(chunk)
            file.flush()
            return await run_in_threadpool(self._upload, upload, Path(file.name), size)

    def _upload(self, upload: SentFile, file: Path, size: int) -> Response:
        """Upload a photo for the price that the plan showed, or less.

        It is not uploaded if the bucket has the same bytes under its key already.
        """
        stack = self.site.stack()
        dropped = _checked(stack.rules().upload_filter, upload.path, size)
        if dropped.why_skipped:
            raise Problem(f"Skipped: {dropped.why_skipped}.")
        photo = PhotoFile(path=file, key=dropped.key, content_type=content_type(dropped.path))
        [planned] = UploadPlanner(stack=stack, console=_QUIET, retry_failed=False).plan([photo])
        if planned.action is not Action.UPLOAD:
            job_id = planned.there.job_id if planned.there else None
            return self._row(upload, says=planned.in_words, job=planned.job, job_id=job_id)
        price = stack.jobs.read_gate().price
        if price > upload.price:
            raise Problem(f"A photo now costs {price} credits, not {upload.price}: drop it again.")
        return self._row(upload, says="uploaded", job_id=stack.upload(photo).job_id)

    def _row(
        self,
        upload: SentFile,
        *,
        says: str,
        job_id: str | None = None,
        job: Job | None = None,
        is_wrong: bool = False,
    ) -> Response:
        if job_id is not None:
            self.windows.show(upload.page, job_id, job)
        return self.site.page(
            "_dropped.html",
            status=HTTPStatus.SERVICE_UNAVAILABLE if is_wrong else HTTPStatus.OK,
            path=upload.path,
            job=job,
            job_id=job_id,
            says=says,
            is_wrong=is_wrong,
        )


def _listed(text: str) -> list[tuple[str, int]]:
    """Return the paths and sizes that the page lists."""
    try:
        return [(str(path), int(size)) for path, size in json.loads(text)]
    except (OverflowError, TypeError, ValueError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from error


def _price(text: str) -> Decimal:
    """Return the credits that a page states."""
    with suppress(InvalidOperation):
        if (price := Decimal(text)).is_finite():
            return price
    raise HTTPException(HTTPStatus.BAD_REQUEST)


def _once_each(files: Iterable[DroppedFile]) -> list[DroppedFile]:
    """Return the files; of those with one key, only the first is taken."""
    taken: dict[str, DroppedFile] = {}
    return [
        file
        if file.why_skipped or taken.setdefault(file.key, file) is file
        else replace(file, why_skipped="another file of this drop has the same path")
        for file in files
    ]


def _checked(watched: UploadFilter, path: str, size: int) -> DroppedFile:
    """Return the file with its key; the same files are skipped as in a folder of `cutout put`."""
    path = path.lstrip("/")
    key = watched.upload_prefix + path
    why = ""
    if any(part.startswith(".") for part in PurePosixPath(path).parts):
        why = "a hidden file"
    elif not path or not looks_like_photo(PurePosixPath(path).name):
        why = "not an image by its name"
    # The names of some files have surrogates, which UTF-8 does not encode.
    elif len(key.encode(errors="replace")) > MAX_KEY_BYTES:
        why = "its key would be longer than 1,024 bytes, which S3 does not accept"
    elif size > MAX_PHOTO_BYTES:
        why = "larger than 5 GB, which S3 does not accept"
    elif not watched.is_watched(watched.uploads_bucket, key):
        why = "the stack does not watch this key"
    return DroppedFile(path=path, key=key, why_skipped=why)
