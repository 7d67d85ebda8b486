"""Is a result the cut-out that was paid for?"""

from __future__ import annotations

from cutout.job import Photo
from cutout.ports import Picture
from cutout.states import Reason

_ASPECT_TOLERANCE = 0.02
_CLEAR, _SOLID = 0, 255


def why_not(picture: Picture | None, photo: Photo) -> Reason | None:
    """The reason why a result needs a person's eye, or None if it is accepted.

    Args:
        picture: the decoded result; None if it cannot be decoded.
        photo: what was sent.
    """
    if picture is None:
        return Reason.RESULT_NOT_AN_IMAGE
    if picture.alpha_range is None or picture.alpha_range[0] == _SOLID:
        return Reason.RESULT_OPAQUE
    if picture.alpha_range[1] == _CLEAR:
        return Reason.RESULT_EMPTY
    expected = photo.width / photo.height
    actual = picture.width / picture.height
    # One pixel of rounding on the shorter side is no difference.
    slack = max(_ASPECT_TOLERANCE, 1.5 / min(picture.width, picture.height))
    if abs(actual / expected - 1) > slack:
        return Reason.RESULT_ASPECT_DIFFERS
    return None
