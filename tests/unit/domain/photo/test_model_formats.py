"""Structures of files that decoders treat differently: such photos are sent as a copy."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image, ImageCms

from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.photo.exif_and_profile import is_coded_srgb, is_srgb
from cutout.domain.photo.formats import HEAD_BYTES, kind_of
from cutout.domain.photo.jpeg_segments import MOST_SCANS
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, inspect
from cutout.domain.photo.png_chunks import LONGEST_TEXT
from cutout.domain.reasons import Reason
from tests.support.drawing import SMALL, TRANSPARENT, drawn, exif, saved

LIMITS = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LINEAR = b"curv\0\0\0\0" + bytes(4)
SAMPLES = [round(65_535 * (max(0, (at / 4095 + 0.055)) / 1.055) ** 2.4) for at in range(4096)]
"""The curve of sRGB, but for its darkest part."""


def why_prepared(data: bytes) -> tuple[Reason, str]:
    """Why the model gets a copy of this photo."""
    with pytest.raises(NeedsPreparingError) as caught:
        inspect(data, LIMITS)
    return caught.value.reason, str(caught.value)


def why_refused(data: bytes) -> tuple[Reason, str]:
    """Why the photo is refused."""
    with pytest.raises(NotAPhotoError) as caught:
        inspect(data, LIMITS)
    assert not isinstance(caught.value, NeedsPreparingError)
    return caught.value.reason, str(caught.value)


def with_chunk(kind: bytes, body: bytes, *, is_sound: bool = True) -> bytes:
    """A PNG with one more chunk after its header."""
    checksum = zlib.crc32(kind + body) ^ (not is_sound)
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
    return SMALL["png"][:33] + chunk + SMALL["png"][33:]


def with_segment(marker: int, body: bytes, data: bytes = SMALL["jpeg"]) -> bytes:
    """A JPEG with one more segment before all others."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def with_frame(process: int, depth: int = 8, height: int = 20) -> bytes:
    """A JPEG whose header names another coding."""
    data = bytearray(SMALL["jpeg"])
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = process, depth
    data[at + 5 : at + 7] = struct.pack(">H", height)
    return bytes(data)


def with_profile(curve: bytes) -> bytes:
    """An sRGB profile with another curve for all three channels."""
    profile = bytearray(SRGB + curve)
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        if profile[at + 1 : at + 4] == b"TRC":
            profile[at + 4 : at + 12] = struct.pack(">II", len(SRGB), len(curve))
    return bytes(profile)


# ----- orientation


def exif_with(kind: int, value: bytes, order: str) -> bytes:
    """An Exif block with an orientation of this type."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + value
    return b"Exif\0\0" + mark + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize(("kind", "letter"), [(1, "B3x"), (3, "H2x"), (4, "I"), (9, "i")])
def test_an_orientation_is_read_in_every_type(kind: int, letter: str, order: str) -> None:
    """Some cameras write it wider or narrower than the standard requires."""
    block = exif_with(kind, struct.pack(order + letter, 6), order)
    assert inspect(with_segment(0xE1, block), LIMITS).orientation == 6


def test_of_two_exif_blocks_the_first_counts() -> None:
    """As in decoders; a photo manager left the second."""
    data = with_segment(0xE1, exif(6), with_segment(0xE1, exif(3)))
    assert inspect(data, LIMITS).orientation == 6


def exif_of_directories(index: bytes) -> bytes:
    """An Exif block whose interoperability directory has this index."""
    body = b"MM\0*" + struct.pack(">I", 8)
    for tag, kind, value in ((0x8769, 4, 26), (0xA005, 4, 44)):
        body += struct.pack(">HHHIII", 1, tag, kind, 1, value, 0)
    body += struct.pack(">HHHI4sI", 1, 1, 2, 4, index, 0)
    return b"Exif\0\0" + body


@pytest.mark.parametrize(("index", "is_other"), [(b"R03\0", True), (b"R98\0", False)])
def test_adobe_rgb_named_only_in_exif_is_not_srgb(
    index: bytes,
    is_other: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """There is no profile, only the interoperability index."""
    data = with_segment(0xE1, exif_of_directories(index))
    if is_other:
        assert "sRGB" in why_prepared(data)[1]
    else:
        assert inspect(data, LIMITS).width == 30


# ----- damage that viewers ignore


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SMALL["jpeg"][:-2], "the end mark is missing"),
        (SMALL["jpeg"][:20] + b"text" + SMALL["jpeg"][20:], "there are stray bytes between"),
        (SMALL["png"][:-12], "the end mark is missing"),
        (SMALL["png"][:-5], "the end mark is missing"),
        (with_chunk(b"tEXt", b"a\0b", is_sound=False), "a comment's checksum is wrong"),
        (SMALL["gif"][:-1], "the end mark is missing"),
        (SMALL["gif"][:6] + bytes(4) + SMALL["gif"][10:], "it has no screen size"),
    ],
)
def test_a_photo_with_damage_that_viewers_ignore_is_sent_as_a_copy(
    data: bytes, message: str
) -> None:
    """The pixels are complete; otherwise Prepare finds out."""
    reason, told = why_prepared(data)
    assert reason is Reason.DAMAGED_PHOTO
    assert message in told


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\xff\xff"])
def test_fill_bytes_before_a_marker_are_no_damage(fill: bytes) -> None:
    """T.81 allows them anywhere."""
    data = SMALL["jpeg"]
    assert inspect(data[:2] + fill + data[2:], LIMITS).width == 30


# ----- formats that few decoders support


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_frame(0xC3), "lossless"),
        (with_frame(0xC5), "hierarchical"),
        (with_frame(0xC1, depth=12), "12 bits"),
        (with_frame(0xC0, height=0), "DNL"),
        (with_chunk(b"CgBI", bytes(4)), "CgBI"),
    ],
)
def test_codings_that_few_decoders_support_are_refused_by_name(data: bytes, message: str) -> None:
    """Before anything is paid."""
    reason, told = why_refused(data)
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert message in told


def test_an_arithmetically_coded_jpeg_is_sent_as_a_copy() -> None:
    """Our decoder supports it, the model's may not."""
    assert "arithmetic" in why_prepared(with_frame(0xC9))[1]


@pytest.mark.parametrize(("scans", "is_taken"), [(MOST_SCANS, True), (MOST_SCANS + 1, False)])
def test_a_jpeg_with_too_many_scans_is_refused(
    scans: int,
    is_taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Each costs a pass over all pixels."""
    data = SMALL["jpeg"]
    start = data.index(b"\xff\xda")
    many = data[:start] + data[start:-2] * scans + b"\xff\xd9"
    if is_taken:
        assert inspect(many, LIMITS).width == 30
    else:
        assert str(MOST_SCANS) in why_refused(many)[1]


def test_a_jpeg_with_too_many_segments_is_refused_early() -> None:
    """Millions of empty comments would keep Submit busy for seconds."""
    data = SMALL["jpeg"]
    reason, _ = why_refused(data[:2] + b"\xff\xfe\0\2" * 20_000 + data[2:])
    assert reason is Reason.DAMAGED_PHOTO


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_a_photo_that_may_be_transparent_is_sent_as_a_copy(kind: str) -> None:
    """Prepare checks whether it is, and whether any pixel is visible."""
    assert "transparent" in why_prepared(TRANSPARENT[kind])[1]


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_photo_with_a_huge_compressed_comment_is_sent_as_a_copy(kind: bytes) -> None:
    """A few hundred kB may unpack to two hundred megabytes; no more is unpacked than needed."""
    packed = zlib.compress(bytes(20 * LONGEST_TEXT))
    body = b"XML\0" + (b"\0" if kind == b"zTXt" else b"\1\0en\0\0") + packed
    assert "comment" in why_prepared(with_chunk(kind, body))[1]
    short = b"XML\0" + (b"\0" if kind == b"zTXt" else b"\1\0en\0\0") + zlib.compress(b"short")
    assert inspect(with_chunk(kind, short), LIMITS).width == 30


# ----- colours


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_with_an_srgb_profile_is_accepted(format_: str) -> None:
    """Good cameras write one."""
    assert inspect(saved(drawn(), format_, icc_profile=SRGB), LIMITS).width == 30


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_with_another_profile_is_sent_as_a_copy(format_: str) -> None:
    """Whatever the profile is called: this one is called sRGB."""
    data = saved(drawn(), format_, icc_profile=with_profile(LINEAR))
    assert "sRGB" in why_prepared(data)[1]


def test_a_profile_after_fill_bytes_is_found() -> None:
    """They shift the rest by a byte."""
    data = saved(drawn(), "JPEG", icc_profile=with_profile(LINEAR))
    at = data.index(b"\xff\xe2")
    assert "sRGB" in why_prepared(data[:at] + b"\xff" + data[at:])[1]


@pytest.mark.parametrize(
    ("curve", "is_usual"),
    [
        (LINEAR, False),
        (b"curv\0\0\0\0" + struct.pack(">I4096H", 4096, *SAMPLES), True),
        (b"curv\0\0\0\0" + struct.pack(">IH", 1, int(2.2 * 256)), False),
        (b"curv\0\0\0\0" + struct.pack(">IH", 1, int(1.8 * 256)), False),
        (b"para\0\0\0\0" + struct.pack(">Hxxi", 0, int(2.2 * 65536)), False),
        (b"para\0\0\0\0" + struct.pack(">Hxx3i", 1, int(2.2 * 65536), 65536, 0), False),
        (b"para\0\0\0\0" + struct.pack(">Hxx4i", 2, int(1.8 * 65536), 65536, 0, 0), False),
        (b"para\0\0\0\0" + struct.pack(">Hxx4i", 2, int(2.2 * 65536), 0, 0, 0), True),
    ],
    ids=[
        "linear",
        "sampled",
        "2.2",
        "1.8",
        "formula 0",
        "formula 1",
        "formula 2",
        "cannot be read",
    ],
)
def test_a_profile_is_recognised_by_its_curve(curve: bytes, is_usual: bool) -> None:  # noqa: FBT001
    """Within an invisible difference; viewers ignore a profile that cannot be read."""
    assert is_srgb(with_profile(curve)) is is_usual


@pytest.mark.parametrize("profile", [b"", b"no profile at all", bytes(200), SRGB])
def test_no_profile_and_a_broken_one_mean_srgb(profile: bytes) -> None:
    """As in viewers; an empty space cannot be converted."""
    assert is_srgb(profile) is (profile != bytes(200))


def test_the_code_points_of_srgb_are_recognised() -> None:
    """Display P3, BT.2020 and HDR have others."""
    assert is_coded_srgb(1, 13)
    assert not any(is_coded_srgb(*told) for told in [(12, 13), (9, 16), (9, 18), (1, 8), (9, 1)])


@pytest.mark.parametrize(
    ("kind", "body", "is_usual"),
    [
        (b"cICP", bytes([1, 13, 0, 1]), True),
        (b"cICP", bytes([12, 13, 0, 1]), False),
        (b"cICP", b"\1", True),
        (b"gAMA", struct.pack(">I", 45_455), True),
        (b"gAMA", struct.pack(">I", 100_000), False),
        (b"gAMA", bytes(4), True),
    ],
)
def test_colours_given_in_a_png_without_a_profile_count(
    kind: bytes,
    body: bytes,
    is_usual: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """As in browsers."""
    if is_usual:
        assert inspect(with_chunk(kind, body), LIMITS).width == 30
    else:
        assert "sRGB" in why_prepared(with_chunk(kind, body))[1]


# ----- kinds of files


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file (Canon CR2)"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file (Canon CR3)"),
        (b"IIRO\x08\0\0\0", "a camera's raw file (Olympus ORF)"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file (Fujifilm RAF)"),
        (b"IIU\0\x18\0\0\0", "a camera's raw file (Panasonic RW2)"),
        (b"<svg xmlns='x'>", "SVG"),
        (b"<?xml version='1.0'?>\n<!-- by hand -->\n<svg\n width='3'>", "SVG"),
        (b"\0\0\1\0\2\0", "a Windows icon (ICO)"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video, or another file of ISO media,"),
        (b"\x1a\x45\xdf\xa3", "a video, or another file of ISO media,"),
    ],
)
def test_formats_that_are_not_decoded_are_refused_by_name(head: bytes, name: str) -> None:
    """So that their owners know what to convert."""
    assert why_refused(head) == (Reason.UNSUPPORTED_FORMAT, f"{name} is not decoded")


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"miaf\0\0\0\0mif1avif", "AVIF"),
        (b"mif1\0\0\0\0mif1heic", "HEIC"),
        (b"mif1\0\0\0\0mif1miaf", "HEIF"),
        (b"heic\0\0\0\0mif1heic", "HEIC"),
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
    ],
)
def test_the_brands_of_a_container_name_its_format(brands: bytes, name: str) -> None:
    """The first brand is sometimes that of the container."""
    kind = kind_of(struct.pack(">I", len(brands) + 8) + b"ftyp" + brands)
    assert kind is not None
    assert (kind.name, kind.is_decoded) == (name, True)


def test_a_big_tiff_is_a_tiff() -> None:
    """Scanners write them for small pictures, too."""
    assert why_prepared(b"II+\0\x08\0\0\0" + bytes(8))[0] is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("text", [b"<html><svg>", b"a text about <svg ", b"", bytes(HEAD_BYTES)])
def test_a_text_about_pictures_is_none(text: bytes) -> None:
    """Such as a page with a picture in it."""
    assert kind_of(text) is None


def test_a_picture_of_one_pixel_is_measured() -> None:
    """Without limits of the sides."""
    assert inspect(saved(Image.new("RGB", (1, 1)), "PNG"), LIMITS).width == 1
