"""Files cut at every length, changed at every byte, and random noise."""

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


def inspected(data: bytes) -> Photo | Reason:
    """The photo, or the reason why it is refused."""
    try:
        return inspect(data, LIMITS)
    except NotAPhotoError as error:
        return error.reason


@pytest.mark.parametrize("kind", FILES)
def test_a_truncated_file_is_never_accepted(kind: str) -> None:
    """An interrupted upload is rejected before it is paid for, wherever it was cut."""
    data = FILES[kind]
    taken = [at for at in range(len(data)) if isinstance(inspected(data[:at]), Photo)]
    assert taken == []


@pytest.mark.parametrize("kind", SMALL)
def test_a_file_without_its_start_is_never_accepted(kind: str) -> None:
    """Wherever it was cut."""
    data = SMALL[kind]
    assert {type(inspected(data[at:])) for at in range(1, len(data))} == {Reason}


@pytest.mark.parametrize("kind", ["png", "png, palette"])
def test_a_png_with_one_changed_byte_is_never_accepted(kind: str) -> None:
    """Its checksums fail."""
    data = bytearray(SMALL[kind])
    for at in range(len(data)):
        data[at] ^= 0x55
        assert isinstance(inspected(bytes(data)), Reason)
        data[at] ^= 0x55


@given(data=st.binary(max_size=300))
def test_noise_is_no_photo(data: bytes) -> None:
    """Random bytes are rejected with a reason."""
    assert isinstance(inspected(data), Reason)


@given(magic=st.sampled_from(MAGIC), data=st.binary(max_size=300))
def test_noise_that_starts_like_a_photo_raises_no_other_error(magic: bytes, data: bytes) -> None:
    """A magic number starts the reader; the outcome is a photo or a reason."""
    assert isinstance(inspected(magic + data), Photo | Reason)


@given(
    kind=st.sampled_from(sorted(SMALL)),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    end=st.none() | st.integers(0, 10_000),
)
def test_changed_files_raise_no_other_error(
    kind: str, changes: list[tuple[int, int]], end: int | None
) -> None:
    """With changed bytes and a lost end, the outcome is a photo or a reason."""
    data = bytearray(SMALL[kind])
    for at, value in changes:
        data[at % len(data)] = value
    assert isinstance(inspected(bytes(data[:end])), Photo | Reason)


@given(kind=st.sampled_from(sorted(SMALL)), at=st.integers(0, 10_000), noise=st.binary())
def test_files_with_inserted_bytes_raise_no_other_error(kind: str, at: int, noise: bytes) -> None:
    """With lengths that no longer fit, the outcome is a photo or a reason."""
    data = SMALL[kind]
    at %= len(data)
    assert isinstance(inspected(data[:at] + noise + data[at:]), Photo | Reason)
