"""The input of a task: fetched and checked as the real service does."""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from urllib.parse import unquote, urlsplit

from PIL import Image, UnidentifiedImageError

from infra.local.evolink.options import Options
from infra.local.evolink.tasks.activity_log import ActivityLog, Kind
from infra.local.evolink.tasks.outgoing_http import OutgoingHttp, UnreachableError
from infra.local.evolink.tasks.task_store import Task

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_LARGEST_INPUT = 10 * 1024 * 1024


def photo_of(image_url: str) -> str:
    """Return what identifies a photo: the decoded path of its URL, without the query."""
    return unquote(urlsplit(image_url).path)


class UnusableInputError(Exception):
    """The input cannot be used: error code and message of the failed task."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class InputPhoto:
    """A photo that was fetched and can be opened."""

    content: bytes
    sha256: str


class InputPhotos:
    """Fetches inputs and records every fetch."""

    def __init__(self, options: Options, activity: ActivityLog, outgoing: OutgoingHttp) -> None:
        self._options = options
        self._activity = activity
        self._outgoing = outgoing

    async def fetch(self, task: Task) -> InputPhoto:
        """Fetch a task's input, as often as the options say, and check it.

        Raises:
            UnusableInputError: It cannot be fetched or used.
        """
        content = b""
        for _ in range(self._options.fetches):
            content = await self._fetch_once(task)
        return check_input(content, self._options.side_limits)

    async def _fetch_once(self, task: Task) -> bytes:
        status, content, failure = None, b"", ""
        try:
            answer = await self._outgoing.get(
                task.image_url, timeout_seconds=self._options.fetch_timeout_seconds
            )
            status, content = answer.status, answer.body
        except UnreachableError as error:
            failure = str(error)
        self._activity.enter(
            Kind.FETCH,
            task=task.id,
            photo=task.photo,
            status=status,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            failure=failure,
        )
        if status != HTTPStatus.OK:
            raise unreadable(f"Failed to download the image: {failure or f'HTTP {status}'}")
        return content


def unreadable(reason: str) -> UnusableInputError:
    """Return the error for an input that cannot be fetched or opened."""
    return UnusableInputError(
        "image_processing_error", f"Failed to process the input image.\n{reason}"
    )


def check_input(content: bytes, side_limits: tuple[float, float]) -> InputPhoto:
    """Check the documented limits of an input.

    Raises:
        UnusableInputError: It is too large, of an unsupported type or size, or damaged.
    """
    if len(content) > _LARGEST_INPUT:
        raise UnusableInputError("invalid_parameters", "The image is larger than 10MB")
    width, height = _size(content)
    shortest, longest = side_limits
    if min(width, height) < shortest or max(width, height) > longest:
        raise UnusableInputError(
            "invalid_parameters",
            f"Image dimensions must be between {shortest:g} and {longest:g} pixels, "
            f"got {width}x{height}",
        )
    return InputPhoto(content=content, sha256=hashlib.sha256(content).hexdigest())


def _refuse_undocumented(picture: Image.Image) -> None:
    """Refuse CMYK, 16-bit and animated pictures, although their formats are supported."""
    # The contract names formats only: no client can rely on these.
    is_animated = picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1
    if picture.mode == "CMYK" or picture.mode.startswith("I") or is_animated:
        kind = "an animation" if is_animated else picture.mode
        raise unreadable(f"The image is {kind}, which is not supported")


def _size(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            _refuse_undocumented(picture)
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise unreadable("The file is not a JPEG, PNG, GIF or WebP image") from None
