"""Files cut at every length, changed at every place, and made of nothing but noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.errors import NotAPhotoError
from cutout.domain.job.source import Photo
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, inspect
from cutout.domain.reasons import Reason
from tests.support.drawing import ANIMATIONS, SMALL, TRANSPARENT

LIMITS = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000)
FILES = SMALL | TRANSPARENT | {f"{kind}, animated": data for kind, data in ANIMATIONS.items()}
MAGIC = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBP",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftyp",
]


def looked_at(data: bytes) -> Photo | Reason:
    """What becomes of a file: a photo, or the reason why not, and never anything else."""
    try:
        return inspect(data, LIMITS)
    except NotAPhotoError as error:
        return error.reason


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_short_anywhere_is_never_taken(kind: str) -> None:
    """An upload that broke off is rejected before it is paid for, wherever it broke off."""
    data = FILES[kind]
    taken = [at for at in range(len(data)) if isinstance(looked_at(data[:at]), Photo)]
    assert taken == []


@pytest.mark.parametrize("kind", SMALL)
def test_a_file_with_its_beginning_lost_is_never_taken(kind: str) -> None:
    """Whatever is left has no beginning of a photo."""
    data = SMALL[kind]
    assert {type(looked_at(data[at:])) for at in range(1, len(data))} == {Reason}


@pytest.mark.parametrize("kind", ["png", "png, palette"])
def test_a_png_with_one_byte_changed_is_never_taken(kind: str) -> None:
    """Its checksums tell."""
    data = bytearray(SMALL[kind])
    for at in range(len(data)):
        data[at] ^= 0x55
        assert isinstance(looked_at(bytes(data)), Reason)
        data[at] ^= 0x55


@given(data=st.binary(max_size=300))
def test_noise_is_no_photo(data: bytes) -> None:
    """Random bytes are rejected, and nothing else happens."""
    assert isinstance(looked_at(data), Reason)


@given(magic=st.sampled_from(MAGIC), data=st.binary(max_size=300))
def test_noise_that_begins_like_a_photo_breaks_nothing(magic: bytes, data: bytes) -> None:
    """A magic number opens the reader; whatever follows, it ends in a photo or a reason."""
    assert isinstance(looked_at(magic + data), Photo | Reason)


@given(
    kind=st.sampled_from(sorted(SMALL)),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    end=st.none() | st.integers(0, 10_000),
)
def test_changed_files_break_nothing(
    kind: str, changes: list[tuple[int, int]], end: int | None
) -> None:
    """Bytes changed, and the end lost: a photo or a reason."""
    data = bytearray(SMALL[kind])
    for at, value in changes:
        data[at % len(data)] = value
    assert isinstance(looked_at(bytes(data[:end])), Photo | Reason)


@given(kind=st.sampled_from(sorted(SMALL)), at=st.integers(0, 10_000), noise=st.binary())
def test_files_with_something_put_in_break_nothing(kind: str, at: int, noise: bytes) -> None:
    """Lengths that no longer fit: a photo or a reason."""
    data = SMALL[kind]
    at %= len(data)
    assert isinstance(looked_at(data[:at] + noise + data[at:]), Photo | Reason)
