"""Decoding and encoding image files."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cutout.domain.dataclass import dataclass
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoHeader:
    """The header of an image file: its size after the Exif rotation, and the orientation."""

    format: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """An image that was made of another.

    Attributes:
        has_alpha: some of its pixels are transparent.
    """

    format: str
    width: int
    height: int
    has_alpha: bool = False


class Copier(Protocol):
    """Decodes photos and converts them to common formats."""

    def look(self, file: Path) -> PhotoHeader:
        """Read a file's header without decoding its pixels.

        Raises:
            NotAPhotoError: it is not an image that can be decoded.
        """

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        """Make an upright sRGB copy with 8 bits a channel; of an animation, the first frame.

        Args:
            file: the photo.
            into: where the copy is written.
            size: width and height of the copy; smaller if it would have too many bytes.
            max_bytes: the most bytes of the copy.

        Raises:
            NotAPhotoError: it is damaged, or no copy is small enough.
        """

    def upright(self, file: Path, into: Path) -> Copy:
        """Make an upright sRGB PNG in full size, with the photo's transparency.

        Raises:
            NotAPhotoError: it is damaged, or too large to be decoded whole.
        """


class Pictures(Protocol):
    """Decoding and encoding image files."""

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it cannot be decoded."""

    def cut_out(
        self,
        result: Path,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        """Make an upright PNG with the model's pixels.

        Args:
            result: the model's result.
            into: where the PNG is written.
            size: width and height of the PNG; None keeps those of the result.

        Raises:
            PictureError: the result cannot be decoded.
        """

    def faithful_cut_out(self, result: Path, photo: Path, into: Path) -> Picture:
        """Make a PNG with the photo's own pixels, transparent where the result is.

        Args:
            result: the model's result.
            photo: the copy that `Copier.upright` made of the photo.
            into: where the PNG is written.

        Raises:
            PictureError: the copy, or the result, cannot be decoded.
        """

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Make a variant of a finished cut-out.

        Raises:
            PictureError: it cannot be made.
        """
