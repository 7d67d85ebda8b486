"""The input of a task, which is checked as the real service does, and its cut-out."""

from io import BytesIO
from urllib.parse import unquote, urlsplit

from PIL import Image

from infra.local.evolink.background_removal import encode_png, remove_background

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


def unreadable(reason: str) -> UnusableInputError:
    """Return the error for an input that cannot be fetched or opened."""
    return UnusableInputError(
        "image_processing_error", f"Failed to process the input image.\n{reason}"
    )


def check_input(content: bytes, side_limits: tuple[float, float]) -> None:
    """Check the documented limits of an input.

    Raises:
        UnusableInputError: it breaks one of them, or is no photo.
    """
    if len(content) > _LARGEST_INPUT:
        raise UnusableInputError("invalid_parameters", "The image is larger than 10MB")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            _refuse_undocumented(picture)
            width, height = picture.size
    except (OSError, ValueError, Image.DecompressionBombError):
        raise unreadable("The file is not a JPEG, PNG, GIF or WebP image") from None
    shortest, longest = side_limits
    if min(width, height) < shortest or max(width, height) > longest:
        raise UnusableInputError(
            "invalid_parameters",
            f"Image dimensions must be between {shortest:g} and {longest:g} pixels, "
            f"got {width}x{height}",
        )


def _refuse_undocumented(picture: Image.Image) -> None:
    """Refuse CMYK, 16-bit and animated pictures, although their formats are supported."""
    # The contract names formats only: no client can rely on these.
    is_animated = picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1
    if picture.mode == "CMYK" or picture.mode.startswith("I") or is_animated:
        kind = "an animation" if is_animated else picture.mode
        raise unreadable(f"The image is {kind}, which is not supported")


def cut_out(content: bytes) -> bytes:
    """Return the cut-out of a photo as a PNG; UnusableInputError if the photo is damaged."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photo:
            return encode_png(remove_background(photo))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(f"The image is damaged: {error}") from error
