"""Looking into picture files, and making others of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cutout.domain.photo.picture import Picture
from cutout.domain.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoHeader:
    """What the header of a picture file says: its size as shown, and how it lies in the file."""

    format: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A picture that was made of another.

    Attributes:
        has_alpha: some of it is transparent.
    """

    format: str
    width: int
    height: int
    has_alpha: bool = False


class Copier(Protocol):
    """Decodes photos, and makes pictures of them that everybody can open."""

    def look(self, file: Path) -> PhotoHeader:
        """What a file says of itself; nothing is decoded.

        Raises:
            NotAPhotoError: it is none that can be decoded.
        """
        ...

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        """Make an upright sRGB picture of 8 bits a channel; of an animation, the first frame.

        Args:
            file: the photo.
            into: where the copy is written.
            size: width and height of the copy; smaller if it would have too many bytes.
            max_bytes: what it may have.

        Raises:
            NotAPhotoError: it is damaged, or it cannot be made that small.
        """
        ...

    def upright(self, file: Path, into: Path) -> Copy:
        """Make an upright sRGB PNG of every pixel, with the photo's transparency.

        Raises:
            NotAPhotoError: it is damaged, or too large to be decoded whole.
        """
        ...


class Pictures(Protocol):
    """Looking into picture files, and making others of them."""

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it is not a picture that can be decoded."""
        ...

    def cut_out(
        self,
        result: Path,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        """Make a PNG of the model's own pixels, upright as the result's file says.

        Args:
            result: what the model gave.
            into: where the PNG is written.
            size: width and height that it is scaled to; None leaves those of the result.

        Raises:
            PictureError: the result cannot be decoded.
        """
        ...

    def faithful_cut_out(self, result: Path, photo: Path, into: Path) -> Picture:
        """Make a PNG of the photo's own pixels, transparent where the result is.

        Args:
            result: what the model gave.
            photo: the upright copy that `Copier.upright` made of the photo.
            into: where the PNG is written.

        Raises:
            PictureError: the copy, or the result, cannot be decoded.
        """
        ...

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        """Make a recipe's picture of a finished cut-out.

        Raises:
            PictureError: it cannot be made.
        """
        ...
