"""Checks of a file by its own bytes, before anything is paid."""

from __future__ import annotations

import hashlib

import pytest
from PIL import Image

from cutout.domain.errors import NotAPhotoError
from cutout.domain.job.source import Photo
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, check_size, inspect
from cutout.domain.reasons import Reason
from tests.support.drawing import PHOTOS, SMALL, drawn, exif, ihdr, png_of_chunks, riff_chunk, saved

LIMITS = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000)
NO_PIXELS = ((b"IDAT", b""), (b"IEND", b""))
TURNED = [5, 6, 7, 8]


def refusal(data: bytes, limits: PhotoLimits = LIMITS) -> tuple[Reason, str]:
    """The reason and message of a rejected file."""
    with pytest.raises(NotAPhotoError) as caught:
        inspect(data, limits)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("shoes/", 0, Reason.FOLDER_MARKER),
        ("shoes/", 100, Reason.FOLDER_MARKER),
        ("/", 0, Reason.FOLDER_MARKER),
        ("shoes/red.jpg", 0, Reason.EMPTY_OBJECT),
        ("shoes/red.jpg", 10_000_001, Reason.TOO_MANY_BYTES),
        ("shoes/red.jpg", 5 * 1024**4, Reason.TOO_MANY_BYTES),
    ],
)
def test_some_objects_are_rejected_before_a_byte_is_read(
    key: str, size: int, reason: Reason
) -> None:
    """Folder markers, empty objects and files that are too large."""
    with pytest.raises(NotAPhotoError) as caught:
        check_size(key, size, LIMITS)
    assert caught.value.reason is reason


@pytest.mark.parametrize(("key", "size"), [("red.jpg", 1), ("shoes/red", 10_000_000)])
def test_an_object_within_the_limits_passes_the_check_of_key_and_size(key: str, size: int) -> None:
    """Up to the limit, whatever the extension."""
    check_size(key, size, LIMITS)
    assert size <= LIMITS.max_bytes


@pytest.mark.parametrize(
    ("name", "format_", "width", "height"),
    [
        ("coffee.jpg", "jpeg", 600, 400),
        ("chelsea.webp", "webp", 451, 300),
        ("astronaut.png", "png", 512, 512),
    ],
)
def test_the_sample_photos_are_accepted(name: str, format_: str, width: int, height: int) -> None:
    """With their format, size and digest."""
    data = (PHOTOS / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert inspect(data, LIMITS) == Photo(format=format_, width=width, height=height, sha256=digest)


@pytest.mark.parametrize("kind", SMALL)
def test_every_kind_of_file_that_the_model_accepts_is_a_photo(kind: str) -> None:
    """PNG, JPEG, GIF and WebP in every variety, with the picture's size."""
    photo = inspect(SMALL[kind], LIMITS)
    assert (photo.format, photo.width, photo.height) == (kind.partition(",")[0], 30, 20)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 700), (700, 1), (257, 1024), (16383, 1)])
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP"])
def test_width_and_height_are_those_of_the_picture(format_: str, width: int, height: int) -> None:
    """Even where they do not fit into one byte."""
    photo = inspect(saved(Image.new("RGB", (width, height)), format_), LIMITS)
    assert (photo.width, photo.height) == (width, height)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (700, 300), (16383, 2)])
def test_the_size_of_a_lossless_webp_is_read(width: int, height: int) -> None:
    """It has its own encoding."""
    photo = inspect(saved(Image.new("RGB", (width, height)), "WEBP", lossless=True), LIMITS)
    assert (photo.width, photo.height) == (width, height)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("is_big_endian", [True, False])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_measured_as_it_is_displayed(
    format_: str,
    is_big_endian: bool,  # noqa: FBT001 - a column of the table
    orientation: int,
) -> None:
    """Exif orientations 5 to 8 turn the picture on its side."""
    data = saved(drawn(), format_, exif=exif(orientation, is_big_endian=is_big_endian))
    photo = inspect(data, LIMITS)
    assert (photo.width, photo.height) == ((20, 30) if orientation in TURNED else (30, 20))
    assert photo.orientation == orientation


def test_the_orientation_is_found_among_other_tags() -> None:
    """Cameras write their make before it."""
    data = Image.Exif()
    data[0x010E], data[0x010F], data[0x0112] = "a shoe", "a maker of cameras", 6
    photo = inspect(saved(drawn(), "JPEG", exif=data.tobytes()), LIMITS)
    assert (photo.width, photo.height) == (20, 30)


def test_other_application_data_does_not_hide_the_orientation() -> None:
    """XMP is in a block with the same marker."""
    data = saved(drawn(), "JPEG", exif=exif(6), xmp=b"<x:xmpmeta/>")
    assert data.count(b"\xff\xe1") == 2
    photo = inspect(data, LIMITS)
    assert (photo.width, photo.height) == (20, 30)


def test_chunks_of_odd_length_are_padded() -> None:
    """The Exif of a WebP is found after a chunk of three bytes."""
    data = saved(drawn(), "WEBP", exif=exif(6))
    at = 12 + 8 + 10
    odd = data[:at] + riff_chunk(b"ICCP", b"odd") + data[at:]
    photo = inspect(odd[:4] + (len(odd) - 8).to_bytes(4, "little") + odd[8:], LIMITS)
    assert (photo.width, photo.height) == (20, 30)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12",
        exif(0),
        exif(9),
        exif(6)[:-20],
        exif(6).replace(b"\x01\x12", b"\x01\x13"),
        b"Exif\0\0not a directory",
    ],
)
def test_unreadable_exif_is_ignored(block: bytes) -> None:
    """The picture is taken as upright."""
    photo = inspect(saved(drawn(), "JPEG", exif=block), LIMITS)
    assert (photo.width, photo.height, photo.orientation) == (30, 20, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (saved(drawn("CMYK"), "JPEG"), "the model does not accept CMYK"),
        (
            saved(drawn("L").convert("I;16"), "PNG"),
            "the model does not accept 16 bits a channel",
        ),
        (saved(drawn(), "BMP"), "the model does not accept BMP"),
        (saved(drawn(), "TIFF"), "the model does not accept TIFF"),
        (
            b"MM\0*" + bytes(20),
            "the model does not accept TIFF",
        ),
        (saved(drawn(), "AVIF"), "the model does not accept AVIF"),
        (b"\0\0\0\x1cftypavis\0\0\0\0", "the model does not accept AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "the model does not accept HEIC"),
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", "the model does not accept HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "the model does not accept HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL is not decoded"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL is not decoded"),
        (b"8BPS\0\x01", "Photoshop is not decoded"),
        (b"%PDF-1.7\n", "PDF is not decoded"),
        (b"\0\0\0\x18ftypmp42", "a video, or another file of ISO media, is not decoded"),
    ],
)
def test_pictures_the_model_does_not_accept_are_refused_by_name(data: bytes, message: str) -> None:
    """The owner reads the format in the message."""
    assert refusal(data) == (Reason.UNSUPPORTED_FORMAT, message)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"This is a text that somebody named photo.jpg",
        b"<html><body>Not found</body></html>",
        b"PK\x03\x04",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        b"GIF88a" + bytes(100),
        b"RIFF\x24\0\0\0WAVEfmt ",
        "Ein Foto".encode("utf-16"),
    ],
)
def test_a_file_that_is_no_picture_is_rejected_whatever_its_name(data: bytes) -> None:
    """The bytes count, not the extension."""
    assert refusal(data)[0] is Reason.NOT_A_PHOTO


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_of_chunks(ihdr(0, 20), *NO_PIXELS), "the picture has no pixels"),
        (png_of_chunks(ihdr(30, 20), (b"IEND", b"")), "the PNG has no pixels in it"),
        (SMALL["png"].replace(b"IDAT", b"IDAX", 1), "the PNG has no pixels in it"),
        (SMALL["png"].replace(b"IEND", b"IDAT", 1), "a PNG chunk's checksum is wrong"),
        (SMALL["png"][:-30], "the file ends too early or contradicts itself"),
        (SMALL["jpeg"][:2] + b"\xff\xff\xfe\0", "the file ends too early or contradicts itself"),
        (SMALL["jpeg"][:20] + b"text", "the file ends too early or contradicts itself"),
        (b"GIF89a\x1e\0\x14\0\0\0\0;", "the GIF has no picture in it"),
        (b"GIF89a\x1e\0\x14\0\0\0\0text", "the GIF has no picture in it"),
        (SMALL["webp"][:-2], "the WebP is cut short"),
        (b"RIFF\x04\0\0\0WEBP", "the WebP has no picture in it"),
    ],
)
def test_a_damaged_photo_is_rejected_with_a_message(data: bytes, message: str) -> None:
    """Before anything is paid."""
    assert refusal(data) == (Reason.DAMAGED_PHOTO, message)


@pytest.mark.parametrize(
    "data",
    [
        png_of_chunks(ihdr(60_000, 60_000), *NO_PIXELS),
        png_of_chunks(ihdr(2**31 - 1, 2**31 - 1), *NO_PIXELS),
        SMALL["gif"][:6] + b"\xff\xff\xff\xff" + SMALL["gif"][10:],
        SMALL["webp, exif"].replace(b"\x1d\0\0\x13\0\0", b"\xff\xff\xff\xff\xff\xff", 1),
    ],
)
def test_a_decompression_bomb_is_refused_by_its_header(data: bytes) -> None:
    """A few hundred bytes that claim gigapixels are not decoded."""
    assert refusal(data)[0] is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize(("max_pixels", "is_taken"), [(600, True), (599, False)])
def test_the_limit_of_pixels_is_the_setting(
    max_pixels: int,
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """30 times 20 pixels are 600."""
    limits = PhotoLimits(max_bytes=1000, max_pixels=max_pixels)
    if is_taken:
        assert inspect(SMALL["png"], limits).width == 30
    else:
        assert refusal(SMALL["png"], limits) == (
            Reason.TOO_MANY_PIXELS,
            "600 pixels; at most 599 are accepted (setting max_pixels)",
        )


@pytest.mark.parametrize("kind", SMALL)
def test_bytes_after_the_end_are_no_damage(kind: str) -> None:
    """Phones append films and maps to their photos."""
    photo = inspect(SMALL[kind] + bytes(range(256)) * 4000, LIMITS)
    assert (photo.width, photo.height) == (30, 20)


def test_a_preview_inside_the_exif_block_is_not_the_photo() -> None:
    """Neither its size nor its end mark counts."""
    preview = b"Exif\0\0" + saved(drawn(size=(4, 4)), "JPEG")
    data = saved(drawn(), "JPEG", exif=preview)
    photo = inspect(data, LIMITS)
    assert (photo.width, photo.height) == (30, 20)
    assert refusal(data[: data.rindex(b"\xff\xda") + 20]) == (
        Reason.DAMAGED_PHOTO,
        "the end mark is missing",
    )
