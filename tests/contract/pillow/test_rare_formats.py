"""Rare variants of formats, made by hand: as other decoders show them, or refused by name."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.photo.model_formats import structure_of
from cutout.domain.photo.photo_and_result_checks import inspect
from cutout.domain.reasons import Reason
from tests.contract.pillow.test_any_picture import LIMITS
from tests.contract.pillow.test_copier import PHOTO, SIZE, saved
from tests.contract.pillow.test_odd_files import differs, refusal, shown, with_chunk

WIDTH, HEIGHT = SIZE
GREY = PHOTO.convert("L")
_SHORT, _BYTE = 3, 1
_PHOTOMETRIC, _COMPRESSION, _SAMPLES, _BITS, _FORMAT = 262, 259, 277, 258, 339
_ORIENTATION, _COLOURS, _EXTRA, _PLANES = 274, 320, 338, 284
Tags = Mapping[int, tuple[int, ...]]


def tiff(pixels: bytes, tags: Tags, *, of_bytes: frozenset[int] = frozenset()) -> bytes:
    """A little-endian TIFF of one strip.

    Args:
        pixels: the strip.
        tags: what is told besides size and place.
        of_bytes: the tags that are stored as BYTE; all others are SHORT.
    """
    told = {
        256: (WIDTH,), 257: (HEIGHT,), 278: (HEIGHT,), _COMPRESSION: (1,), _SAMPLES: (1,),
        _BITS: (8,), _PHOTOMETRIC: (1,), **tags,
    }  # fmt: skip
    directory = 8 + len(pixels)
    end = directory + 2 + 12 * (len(told) + 2) + 4
    entries = [
        (273, struct.pack("<HHII", 273, 4, 1, 8)),
        (279, struct.pack("<HHII", 279, 4, 1, len(pixels))),
    ]
    beside = b""
    for tag, values in told.items():
        kind, letter = (_BYTE, "B") if tag in of_bytes else (_SHORT, "H")
        body = struct.pack(f"<{len(values)}{letter}", *values)
        if len(body) > 4:
            body, beside = struct.pack("<I", end + len(beside)), beside + body
        entries.append((tag, struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0")))
    table = b"".join(entry for _, entry in sorted(entries))
    head = b"II*\0" + struct.pack("<I", directory)
    return head + pixels + struct.pack("<H", len(entries)) + table + bytes(4) + beside


# ----- TIFF


def test_grey_multiplied_by_its_alpha_is_divided_again(tmp_path: Path) -> None:
    """As with colours: associated alpha."""
    pixels = bytes(value for level in GREY.tobytes() for value in (level // 2, 128))
    tags = {_SAMPLES: (2,), _BITS: (8, 8), _EXTRA: (1,)}
    made = shown(tmp_path, tiff(pixels, tags))
    assert made.getchannel("A").getextrema() == (128, 128)
    assert differs(made, GREY) < 2


def test_palette_of_bytes_is_not_black(tmp_path: Path) -> None:
    """Its numbers should have 16 bits; some programs write 8, which libtiff detects."""
    indexed = PHOTO.quantize(256)
    colours = list(indexed.getpalette() or ())
    tags = {_PHOTOMETRIC: (3,), _COLOURS: tuple(colours[0::3] + colours[1::3] + colours[2::3])}
    assert differs(shown(tmp_path, tiff(indexed.tobytes(), tags)), indexed) == 0


def test_orientation_that_is_stored_as_a_byte_counts(tmp_path: Path) -> None:
    """As libtiff reads it."""
    data = tiff(GREY.tobytes(), {_ORIENTATION: (6,)}, of_bytes=frozenset({_ORIENTATION}))
    assert differs(shown(tmp_path, data), GREY.transpose(Image.Transpose.ROTATE_270)) == 0


@pytest.mark.parametrize(
    ("tags", "samples", "words"),
    [
        pytest.param({_FORMAT: (2,)}, 1, "(signed, grey", id="signed"),
        pytest.param(
            {_SAMPLES: (3,), _BITS: (8, 8, 8), _PHOTOMETRIC: (8,), _PLANES: (2,)},
            3,
            "CIE Lab, in separate planes",
            id="Lab in planes",
        ),
        pytest.param({_COMPRESSION: (50001,)}, 1, "compression 50001", id="WebP inside"),
        pytest.param({_COMPRESSION: (50002,)}, 1, "compression 50002", id="JPEG XL inside"),
    ],
)
def test_tiff_that_is_not_decoded_is_refused_by_name(
    tmp_path: Path, tags: Tags, samples: int, words: str
) -> None:
    """Neither shown in wrong colours nor called damaged."""
    reason, message = refusal(tmp_path, tiff(GREY.tobytes() * samples, tags))
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert words in message


def test_big_endian_bigtiff_is_refused_by_name(tmp_path: Path) -> None:
    """Pillow reads only the little-endian ones."""
    reason, message = refusal(tmp_path, struct.pack(">2sHHHQ", b"MM", 43, 8, 0, 16) + bytes(2000))
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert "big-endian BigTIFF" in message


def test_tiff_without_width_is_damaged(tmp_path: Path) -> None:
    """No decoder reads it."""
    assert refusal(tmp_path, tiff(b"", {256: (0,)}))[0] is Reason.DAMAGED_PHOTO


# ----- BMP and JPEG 2000


def test_bmp_of_a_rare_layout_is_refused_by_name(tmp_path: Path) -> None:
    """Four bits a channel: whole, but not decoded."""
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 16, 3, 0, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF00, 0xF0, 0xF)
    pixels = bytes(2 * WIDTH * HEIGHT)
    data = b"BM" + struct.pack("<IHHI", 66 + len(pixels), 0, 0, 66) + head + masks + pixels
    assert refusal(tmp_path, data)[0] is Reason.UNSUPPORTED_FORMAT


def test_jpeg_2000_of_few_bits_keeps_its_white(tmp_path: Path) -> None:
    """Pillow shifts the bits, which makes white of four bits 240."""
    data = bytearray(saved(Image.new("L", SIZE, 255), "JPEG2000", irreversible=False, no_jp2=True))
    at = data.index(b"\xff\x51")
    assert data[at + 40] == 7
    data[at + 40] = 3  # bits, less one
    assert set(shown(tmp_path, bytes(data)).getextrema()) == {(255, 255)}


def with_channels(data: bytes, *channels: tuple[int, int, int]) -> bytes:
    """A JPEG 2000 that declares its channels: number, kind and what each belongs to."""
    body = struct.pack(">H", len(channels)) + b"".join(struct.pack(">HHH", *c) for c in channels)
    box = struct.pack(">I4s", 8 + len(body), b"cdef") + body
    at = data.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", data, at)
    header = data[at + 4 : at + length].replace(b"cdef", b"free")
    return data[:at] + struct.pack(">I", length + len(box)) + header + box + data[at + length :]


def test_channels_of_a_jpeg_2000_are_read_as_declared(tmp_path: Path) -> None:
    """Here blue comes first, and red last."""
    blue_first = Image.merge("RGB", PHOTO.split()[::-1])
    data = saved(blue_first, "JPEG2000", irreversible=False, mct=0)
    data = with_channels(data, (0, 0, 3), (1, 0, 2), (2, 0, 1))
    assert differs(shown(tmp_path, data), PHOTO) == 0


def test_jpeg_2000_that_is_multiplied_by_its_alpha_is_refused_by_name(tmp_path: Path) -> None:
    """Shown as it is, it would be too dark."""
    half = PHOTO.convert("RGBA")
    half.putalpha(128)
    data = saved(half, "JPEG2000", irreversible=False, mct=0)
    data = with_channels(data, (0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 2, 0))
    reason, message = refusal(tmp_path, data)
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert "multiplied by its alpha" in message


# ----- PNG, GIF, WebP and JPEG


def png(colour: int, depth: int) -> bytes:
    """A PNG with this header whose pixels are zeros."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
    return data + _chunk(b"IDAT", zlib.compress(bytes(9 * WIDTH * HEIGHT))) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", checksum)


@pytest.mark.parametrize(("colour", "depth"), [(2, 7), (2, 4), (3, 16), (4, 2), (5, 8), (3, 8)])
def test_png_whose_header_contradicts_the_standard_is_damaged(colour: int, depth: int) -> None:
    """No decoder reads it, so it is not sent. The last lacks its palette."""
    with pytest.raises(NotAPhotoError, match="no PNG has"):
        structure_of(png(colour, depth))


@pytest.mark.parametrize("end", [b"\0\0\0\0IEND\0\0\0\0", b"neither end nor chunk", b"\0\0\0\x09"])
def test_png_with_a_wrong_end_is_sent_as_a_copy(tmp_path: Path, end: bytes) -> None:
    """All of its pixels are there."""
    data = saved(PHOTO, "PNG")[:-12] + end
    with pytest.raises(NeedsPreparingError) as caught:
        inspect(data, LIMITS)
    assert caught.value.reason in {Reason.DAMAGED_PHOTO, Reason.TOO_SMALL}
    assert differs(shown(tmp_path, data), PHOTO) == 0


def test_limit_of_comments_holds_for_all_together(tmp_path: Path) -> None:
    """Decoders add them up, and decompressing all would cost seconds."""
    large = saved(PHOTO.resize((480, 320)), "PNG")
    comment = b"Comment\0\0" + zlib.compress(bytes(900_000))
    data = with_chunk(with_chunk(large, b"zTXt", comment), b"zTXt", comment)
    with pytest.raises(NeedsPreparingError, match="comment"):
        inspect(data, LIMITS)
    assert differs(shown(tmp_path, data), PHOTO.resize((480, 320))) == 0


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0\0\0;", b"\0\x99;"])
def test_gif_with_a_wrong_end_is_whole(tmp_path: Path, end: bytes) -> None:
    """Nothing behind its pixels is needed."""
    indexed = PHOTO.quantize(256)
    data = saved(indexed, "GIF")
    assert data.endswith(b"\0;")
    assert differs(shown(tmp_path, data[:-2] + end), indexed) == 0


def test_gif_that_lacks_pixels_is_damaged(tmp_path: Path) -> None:
    """The end is missing, and not only wrong."""
    data = saved(PHOTO.quantize(256), "GIF")
    assert refusal(tmp_path, data[: len(data) * 3 // 4])[0] is Reason.DAMAGED_PHOTO


@pytest.mark.parametrize("length", [0, 1000])
def test_webp_whose_lengths_contradict_each_other_is_damaged(length: int) -> None:
    """The pixels go on behind the declared end: no decoder takes it."""
    data = bytearray(saved(PHOTO, "WEBP", quality=95))
    data[4:8] = struct.pack("<I", length)
    with pytest.raises(NotAPhotoError) as caught:
        structure_of(bytes(data))
    assert caught.value.reason is Reason.DAMAGED_PHOTO


def test_jpeg_that_begins_twice_is_not_sent(tmp_path: Path) -> None:
    """Decoders refuse it."""
    data = b"\xff\xd8" + saved(PHOTO, "JPEG")
    structure = structure_of(data)
    assert structure is not None
    assert structure.oddity is not None
    assert refusal(tmp_path, data)[0] is Reason.DAMAGED_PHOTO


def test_jpeg_ls_is_refused_by_name(tmp_path: Path) -> None:
    """It shares its first bytes with JPEG."""
    frame = b"\xff\xf7" + struct.pack(">HBHHB3B", 11, 8, HEIGHT, WIDTH, 1, 1, 0x11, 0)
    scan = b"\xff\xda" + struct.pack(">HB5B", 8, 1, 1, 0, 0, 0, 0)
    reason, message = refusal(tmp_path, b"\xff\xd8" + frame + scan + bytes(500) + b"\xff\xd9")
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert "JPEG-LS" in message


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"])
def test_long_run_of_fill_bytes_costs_little_time(ending: bytes) -> None:
    """If each byte began a search for the next marker, it would take hours."""
    data = saved(PHOTO, "JPEG")[:-2] + b"\xff" * 2_000_000 + ending
    started = time.process_time()
    structure = structure_of(data)
    assert time.process_time() - started < 2
    assert structure is not None
    assert (structure.oddity is None) == bool(ending)


def test_stray_zeros_between_segments_are_noticed(tmp_path: Path) -> None:
    """Bytes of value 255 are fill; others belong to nothing."""
    data = saved(PHOTO, "JPEG", quality=95)
    at = data.index(b"\xff\xdb")
    for between, is_odd in ((bytes(3), True), (b"\xff" * 3, False)):
        structure = structure_of(data[:at] + between + data[at:])
        assert structure is not None
        assert (structure.oddity is not None) == is_odd
        assert differs(shown(tmp_path, data[:at] + between + data[at:]), PHOTO) < 4


# ----- colours of grey, and files that are refused by name


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_and_alpha_are_converted_by_a_grey_profile(tmp_path: Path, depth: int) -> None:
    """Pillow decodes 16 bits of them to colours, which such a profile does not fit."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 256)
    profile = struct.pack(
        ">I4sI4s4s4s12s4s28x3i48xI4sII",
        144 + len(curve) + 2, b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ", bytes(12), b"acsp",
        63190, 65536, 54061, 1, b"kTRC", 144, len(curve),
    ) + curve + bytes(2)  # fmt: skip
    sample = struct.pack(">HH", 0x4000, 0x8000) if depth == 16 else b"\x40\x80"
    rows = (b"\0" + sample * WIDTH) * HEIGHT
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, 4, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
    data += _chunk(b"iCCP", b"linear\0\0" + zlib.compress(profile))
    made = shown(tmp_path, data + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b""))
    red, green, blue, alpha = (band.getextrema()[0] for band in made.split())
    assert (red, green, blue) == pytest.approx((137, 137, 137), abs=1)
    assert alpha == 128


def test_tiff_tags_of_any_type_are_refused_without_error(tmp_path: Path) -> None:
    """Also where the refusal contains them."""
    tags: Tags = {254: (0,), _PHOTOMETRIC: (9,)}
    data = tiff(GREY.tobytes(), tags, of_bytes=frozenset(tags))
    assert refusal(tmp_path, data)[0] is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\0\x10\0\0\0IIII\xbcwaR", "Phase One IIQ"),
        (b"MM\0*\0\0\0\x10MMMMRaw\0", "Phase One IIQ"),
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0", "Targa"),
        (b"\0\0\x02\0\x01\0\x20\x20", "cursor"),
        (b"\0\0\x10\0moov", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"P6\n4 4\n255\n", "pixmap"),
    ],
)
def test_files_related_to_pictures_are_refused_by_name(head: bytes, name: str) -> None:
    """Such as videos and cursors."""
    with pytest.raises(NotAPhotoError, match=name) as caught:
        inspect(head + bytes(500), LIMITS)
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT
