"""Which photos the model accepts, which it gets as a copy, and which are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.photo.formats import HEAD_BYTES
from cutout.domain.photo.photo_and_result_checks import (
    MOST_DECODED_PIXELS,
    PhotoLimits,
    check_kind,
    check_size,
    fitting,
    inspect,
)
from cutout.domain.reasons import REFUSALS, Reason
from tests.support.drawing import ANIMATIONS, SMALL, drawn, exif, ihdr, png_of_chunks, saved

MODEL = PhotoLimits(
    max_bytes=10_000_000,
    max_pixels=50_000_000,
    min_side=240,
    max_side=7680,
    prepare_max_bytes=100_000_000,
)
ANY_SIDE = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000)
HEADS = {
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0",
    "heic of ten bits": b"\0\0\0\x18ftypheix\0\0\0\0",
    "heic sequence": b"\0\0\0\x18ftyphevc\0\0\0\0",
    "heif": b"\0\0\0\x18ftypmif1\0\0\0\0",
    "avif": b"\0\0\0\x18ftypavif\0\0\0\0",
    "tiff": b"II*\0" + bytes(12),
    "tiff, the other way round": b"MM\0*" + bytes(12),
    "bmp": b"BM" + bytes(14),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(4),
    "jpeg 2000 codestream": b"\xff\x4f\xff\x51" + bytes(12),
}


def blank(width: int, height: int) -> bytes:
    """A PNG whose header names this size; its pixels are never read."""
    return png_of_chunks(ihdr(width, height), (b"IDAT", b""), (b"IEND", b""))


def refused(data: bytes, limits: PhotoLimits = MODEL) -> tuple[type[NotAPhotoError], Reason]:
    """The error and the reason of a refused file."""
    with pytest.raises(NotAPhotoError) as caught:
        inspect(data, limits)
    assert caught.value.reason in REFUSALS
    return type(caught.value), caught.value.reason


@pytest.mark.parametrize("kind", HEADS)
def test_formats_that_the_model_does_not_accept_are_prepared(kind: str) -> None:
    """By the first bytes alone: Prepare decodes the rest."""
    assert refused(HEADS[kind]) == (NeedsPreparingError, Reason.UNSUPPORTED_FORMAT)


@pytest.mark.parametrize("data", [b"8BPS\0\x01" + bytes(10), b"\xff\x0a" + bytes(14)])
def test_formats_that_are_not_decoded_are_refused(data: bytes) -> None:
    """Photoshop documents and JPEG XL."""
    assert refused(data) == (NotAPhotoError, Reason.UNSUPPORTED_FORMAT)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(drawn("CMYK"), "JPEG"), Reason.UNSUPPORTED_FORMAT),
        (saved(drawn("L").convert("I;16"), "PNG"), Reason.UNSUPPORTED_FORMAT),
        (ANIMATIONS["gif"], Reason.ANIMATED),
        (ANIMATIONS["webp"], Reason.ANIMATED),
        (ANIMATIONS["png"], Reason.ANIMATED),
    ],
)
def test_variants_of_formats_that_the_model_does_not_accept_are_prepared(
    data: bytes, reason: Reason
) -> None:
    """CMYK, 16 bits a channel, more than one frame."""
    assert refused(data, ANY_SIDE) == (NeedsPreparingError, reason)


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_an_animation_of_one_frame_is_a_photo(kind: str) -> None:
    """Formats that could be animated need no copy otherwise."""
    assert inspect(saved(drawn(), kind.upper()), ANY_SIDE).format == kind


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (239, 240, Reason.TOO_SMALL),
        (240, 239, Reason.TOO_SMALL),
        (1, 1, Reason.TOO_SMALL),
        (7681, 241, Reason.SIDE_TOO_LONG),
        (300, 7681, Reason.SIDE_TOO_LONG),
        (7680, 6511, Reason.TOO_MANY_PIXELS),
    ],
)
def test_sizes_that_the_model_does_not_accept_are_prepared(
    width: int, height: int, reason: Reason
) -> None:
    """A side too short or too long, or more pixels than the setting allows."""
    assert refused(blank(width, height)) == (NeedsPreparingError, reason)


@pytest.mark.parametrize(
    ("width", "height"), [(240, 240), (240, 7680), (7680, 240), (7680, 6510), (7000, 7142)]
)
def test_sizes_that_the_model_accepts_need_no_copy(width: int, height: int) -> None:
    """The limits are inclusive."""
    photo = inspect(blank(width, height), MODEL)
    assert (photo.width, photo.height) == (width, height)


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (7681, 239, Reason.TOO_ELONGATED),
        (1, 33, Reason.TOO_ELONGATED),
        (20_000, 600, Reason.TOO_ELONGATED),
        (14_143, 14_143, Reason.TOO_MANY_PIXELS),
        (2**31 - 1, 2**31 - 1, Reason.TOO_MANY_PIXELS),
    ],
)
def test_shapes_that_fit_no_size_and_decompression_bombs_are_refused(
    width: int, height: int, reason: Reason
) -> None:
    """By the header: neither a copy nor a decoder could help."""
    assert refused(blank(width, height)) == (NotAPhotoError, reason)


def test_a_photo_is_measured_as_it_is_displayed() -> None:
    """With its orientation: landscape in the file, portrait on the screen."""
    data = saved(Image.new("RGB", (480, 200)), "JPEG", exif=exif(6))
    with pytest.raises(NeedsPreparingError, match="200 x 480 pixels"):
        inspect(data, MODEL)


@pytest.mark.parametrize(
    ("size", "kind", "setting"),
    [
        (10_000_001, NeedsPreparingError, "setting max_bytes"),
        (100_000_000, NeedsPreparingError, "setting max_bytes"),
        (100_000_001, NotAPhotoError, "setting prepare_max_bytes"),
    ],
)
def test_large_files_are_prepared_up_to_a_limit(
    size: int, kind: type[NotAPhotoError], setting: str
) -> None:
    """By size alone; the message names the setting to change."""
    with pytest.raises(NotAPhotoError, match=setting) as caught:
        check_size("a.jpg", size, MODEL)
    assert (type(caught.value), caught.value.reason) == (kind, Reason.TOO_MANY_BYTES)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((600, 400), (600, 400)),
        ((1, 1), (240, 240)),
        ((30, 20), (360, 240)),
        ((20, 30), (240, 360)),
        ((120, 3840), (240, 7680)),
        ((8000, 4000), (7680, 3840)),
        ((7681, 241), (7680, 240)),
        ((10_000, 10_000), (7071, 7071)),
        ((16_320, 12_240), (7680, 5760)),
    ],
)
def test_a_copy_has_the_nearest_size_that_fits(
    size: tuple[int, int], fitted: tuple[int, int]
) -> None:
    """Enlarged until the shorter side fits, or reduced until the longer side and the pixels do."""
    assert fitting(*size, MODEL) == fitted


@given(width=st.integers(1, 60_000), height=st.integers(1, 60_000))
def test_a_fitted_size_always_fits_and_keeps_the_shape(width: int, height: int) -> None:
    """A size that fits is unchanged; others are fitted in shape, or refused."""
    is_elongated = max(width, height) > 32 * min(width, height)
    if is_elongated or width * height > MOST_DECODED_PIXELS:
        with pytest.raises(NotAPhotoError):
            fitting(width, height, MODEL)
        return
    fitted = fitting(width, height, MODEL)
    assert 240 <= min(fitted) <= max(fitted) <= 7680
    assert fitted[0] * fitted[1] <= 50_000_000
    assert fitted[0] / fitted[1] == pytest.approx(width / height, rel=0.006)
    assert fitting(*fitted, MODEL) == fitted


@pytest.mark.parametrize("data", [*HEADS.values(), *SMALL.values()])
def test_a_picture_is_recognised_by_its_first_bytes(data: bytes) -> None:
    """In every format that is decoded."""
    assert check_kind(data[:HEAD_BYTES]).is_decoded


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_A_PHOTO),
        (b"a text that somebody named photo.jpg", Reason.NOT_A_PHOTO),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", Reason.UNSUPPORTED_FORMAT),
        (b"RIFF\x24\0\0\0WAVEfmt ", Reason.NOT_A_PHOTO),
        (b"8BPS\0\x01" + bytes(10), Reason.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x0cJXL \r\n\x87\n", Reason.UNSUPPORTED_FORMAT),
    ],
)
def test_a_file_that_does_not_start_like_a_picture_is_refused(data: bytes, reason: Reason) -> None:
    """No decoder is started for a film of fifty megabytes."""
    with pytest.raises(NotAPhotoError) as caught:
        check_kind(data[:HEAD_BYTES])
    assert caught.value.reason is reason
