"""A decoded picture."""

from __future__ import annotations

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A decoded picture: its pixels, as shown, and the range of its alpha.

    Attributes:
        format: as Pillow names it, in lower case.
        alpha_range: least and greatest, 0 clear to 255 solid; None without transparency.
        orientation: how the stored pixels must be turned to be shown, 1 to 8 as in Exif.
    """

    format: str
    width: int
    height: int
    alpha_range: tuple[int, int] | None
    orientation: int = 1
