"""Facts about a photo."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.builders import PHOTO


@pytest.mark.parametrize(
    ("orientation", "profile", "is_plain"),
    [(1, None, True), (6, None, False), (1, "Display P3", False), (6, "Display P3", False)],
)
def test_only_an_upright_photo_in_srgb_is_plain(
    orientation: int,
    profile: str | None,
    is_plain: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A viewer that ignores orientation or profile would show other photos wrongly."""
    assert replace(PHOTO, orientation=orientation, profile=profile).is_plain == is_plain
