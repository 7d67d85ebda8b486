"""The photo of a job, and the copies that are made of it."""

from __future__ import annotations

from datetime import datetime

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """The photo's properties. Width and height in pixels, after the Exif rotation.

    Attributes:
        orientation: the Exif orientation, 1 to 8.
        profile: the name of its colour profile; None without one, or if it is sRGB.
        has_alpha: some of its pixels are transparent or translucent.
    """

    format: str
    width: int
    height: int
    sha256: str
    orientation: int = 1
    profile: str | None = None
    has_alpha: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it needs neither a rotation nor a colour conversion."""
        return self.orientation == 1 and self.profile is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """The copy that is sent instead of the photo: upright, sRGB, in a size that the model takes.

    Attributes:
        key: in the work bucket, which deletes it after a day.
        size: bytes.
        made_at: when it was stored.
    """

    key: str
    format: str
    size: int
    width: int
    height: int
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Upright:
    """The photo's copy in full size, for cut-outs with its own pixels: upright, in sRGB.

    Attributes:
        made_at: when it was requested; the work bucket deletes it after a day.
        problem: why there is none; None if there is one.
    """

    made_at: datetime
    problem: str | None = None
