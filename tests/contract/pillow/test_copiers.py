"""The same tests of making copies for the fake and for Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from cutout.adapters.pillow.copier import PillowCopier
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason
from cutout.ports.pictures import Copier, Copy, PhotoHeader
from tests.contract.pillow.test_copier import saved
from tests.support.fakes.copier import FakeCopier, tiff

Made = tuple[Copier, Callable[[bool], bytes]]
"""A copier, and what makes a TIFF of 60 x 40 pixels for it, whole or damaged."""


def _real(is_damaged: bool) -> bytes:  # noqa: FBT001 - as `Made` says
    data = saved(Image.effect_noise((60, 40), 200).convert("RGB"), "TIFF")
    return data[:-2000] if is_damaged else data


def _fake(is_damaged: bool) -> bytes:  # noqa: FBT001 - as `Made` says
    return tiff(60, 40, is_damaged=is_damaged)


@pytest.fixture(params=["fake", "Pillow"])
def made(request: pytest.FixtureRequest) -> Made:
    """Return either."""
    return (FakeCopier(), _fake) if request.param == "fake" else (PillowCopier(), _real)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the downloaded photo."""
    return tmp_path / "photo"


def test_photo_is_read_and_copied_in_the_requested_size(made: Made, file: Path) -> None:
    """Its own size is returned, and the copy is as it is described."""
    copier, photo = made
    file.write_bytes(photo(False))  # noqa: FBT003 - whole
    assert copier.look(file) == PhotoHeader(format="tiff", width=60, height=40, orientation=1)
    into = file.with_name("copy")
    copy = copier.copy(file, into, (360, 240), 10_000_000)
    assert copy == Copy(format="jpeg", width=360, height=240)
    assert into.stat().st_size > 0


def test_copy_of_too_many_bytes_is_smaller_in_its_shape(made: Made, file: Path) -> None:
    """As small as it must be."""
    copier, photo = made
    file.write_bytes(photo(False))  # noqa: FBT003 - whole
    copy = copier.copy(file, file.with_name("copy"), (360, 240), 5_000)
    assert 0 < copy.width < 360
    assert copy.width / copy.height == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(
    ("is_damaged", "most", "reason"),
    [(True, 10_000_000, Reason.DAMAGED_PHOTO), (False, 3, Reason.CANNOT_BE_PREPARED)],
)
def test_refused_copy_has_a_reason(
    made: Made,
    file: Path,
    is_damaged: bool,  # noqa: FBT001 - a column of the table
    most: int,
    reason: Reason,
) -> None:
    """The photo is damaged, or no size of it has so few bytes."""
    copier, photo = made
    file.write_bytes(photo(is_damaged))
    with pytest.raises(NotAPhotoError) as caught:
        copier.copy(file, file.with_name("copy"), (60, 40), most)
    assert caught.value.reason is reason


def test_file_that_only_begins_like_a_picture_is_damaged(made: Made, file: Path) -> None:
    """Already when its header is read."""
    copier, _photo = made
    file.write_bytes(b"MM\0*noise")
    with pytest.raises(NotAPhotoError) as caught:
        copier.look(file)
    assert caught.value.reason is Reason.DAMAGED_PHOTO
