"""The input of a task: fetched and looked at as the real service would."""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from infra.local.evolink.options import Options
from infra.local.evolink.tasks.activity_log import Kind, Ledger
from infra.local.evolink.tasks.outgoing_http import Outgoing, UnreachableError
from infra.local.evolink.tasks.task_store import Task

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_LARGEST_INPUT = 10 * 1024 * 1024


class UnusableInputError(Exception):
    """The input cannot be worked on: error code and message of the failed task."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Input:
    """A photo that was fetched and can be opened."""

    content: bytes
    sha256: str


class Inputs:
    """Fetches inputs and notes every fetch."""

    def __init__(self, options: Options, ledger: Ledger, outgoing: Outgoing) -> None:
        self._options = options
        self._ledger = ledger
        self._outgoing = outgoing

    async def fetch(self, task: Task) -> Input:
        """Fetch a task's input, as often as was chosen, and check it.

        Raises:
            UnusableInputError: It cannot be had, or not be worked on.
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
        self._ledger.enter(
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
    """Say that the input could not be had or opened."""
    return UnusableInputError(
        "image_processing_error", f"Failed to process the input image.\n{reason}"
    )


def check_input(content: bytes, side_limits: tuple[float, float]) -> Input:
    """Check the documented limits of an input.

    Raises:
        UnusableInputError: It is too large, of another type, damaged or of a forbidden size.
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
    return Input(content=content, sha256=hashlib.sha256(content).hexdigest())


def _refuse_odd(picture: Image.Image) -> None:
    """Refuse what no page says is taken, though its format is: print colours, and animations.

    The contract names formats only; what becomes of these is inferred. So they are refused: whoever
    sends them relies on what nobody promised.
    """
    is_animated = picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1
    if picture.mode == "CMYK" or picture.mode.startswith("I") or is_animated:
        kind = "an animation" if is_animated else picture.mode
        raise unreadable(f"The image is {kind}, which is not supported")


def _size(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            _refuse_odd(picture)
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise unreadable("The file is not a JPEG, PNG, GIF or WebP image") from None
