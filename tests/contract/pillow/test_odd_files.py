"""Kinds of files beside the collected ones: shown as by other decoders, or refused by name."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from cutout.adapters.pillow.decode.decoding import decoded
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.jpeg_segments import MOST_SCANS
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from tests.contract.pillow.test_any_picture import PLACE
from tests.contract.pillow.test_copier import PHOTO, SIZE, saved

FILES = PLACE / "files"


def shown(place: Path, data: bytes, size: tuple[int, int] | None = None) -> Image.Image:
    """Return the photo in these bytes."""
    file = place / "photo"
    file.write_bytes(data)
    return decoded(file, size)


def refusal(place: Path, data: bytes) -> tuple[Reason, str]:
    """Return reason and message of the refusal of these bytes."""
    with pytest.raises(NotAPhotoError) as caught:
        shown(place, data)
    return caught.value.reason, str(caught.value)


def differs(one: Image.Image, other: Image.Image) -> float:
    """Mean levels between two pictures."""
    mean = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(mean) / len(mean)


def file(name: str) -> bytes:
    """One of the collected files."""
    return (FILES / name).read_bytes()


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG with one chunk more behind its header."""
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + struct.pack(">I", len(body)) + kind + body + checksum + png[33:]


def heic(image: Image.Image, **options: int) -> bytes:
    """A HEIC that declares its colours in a box."""
    data = BytesIO()
    pillow_heif.from_pillow(image).save(data, quality=95, chroma=444, **options)
    return data.getvalue()


# ----- damage that viewers ignore, and damage that they do not


@pytest.mark.parametrize("cut", [1, 2])
def test_jpeg_without_its_end_mark_is_whole(cut: int, tmp_path: Path) -> None:
    """All of its pixels are there."""
    assert differs(shown(tmp_path, saved(PHOTO, "JPEG", quality=95)[:-cut]), PHOTO) < 4


@pytest.mark.parametrize(
    ("is_progressive", "has_end"), [(False, False), (False, True), (True, False)]
)
@pytest.mark.parametrize("share", [0.5, 0.7])
def test_jpeg_that_lacks_pixels_is_damaged(
    tmp_path: Path, share: float, *, has_end: bool, is_progressive: bool
) -> None:
    """With an end mark, too, where its decoder fills in grey; of progressive ones it smooths that.

    So those with an end mark are not found out.
    """
    data = saved(PHOTO, "JPEG", quality=95, progressive=is_progressive)
    start = data.index(b"\xff\xda")
    # Within the first scan: without the later ones, a photo only lacks sharpness.
    scan = data.index(b"\xff\xc4", start) - start if is_progressive else len(data) - start
    cut = data[: start + int(scan * share)] + b"\xff\xd9" * has_end
    assert refusal(tmp_path, cut)[0] is Reason.DAMAGED_PHOTO


def test_photo_that_ends_in_the_decoders_grey_is_whole(tmp_path: Path) -> None:
    """A wall of exactly the grey that decoders fill in is not taken for missing pixels."""
    grey = PHOTO.copy()
    grey.paste((128, 128, 128), (0, 30, *SIZE))
    assert differs(shown(tmp_path, saved(grey, "JPEG", quality=95)), grey) < 4


@pytest.mark.parametrize("cut", [1, 4, 8, 12])
def test_png_without_its_end_chunk_is_whole(cut: int, tmp_path: Path) -> None:
    """Wherever in that chunk the file ends."""
    assert differs(shown(tmp_path, saved(PHOTO, "PNG")[:-cut]), PHOTO) == 0


def test_png_that_lacks_pixels_is_damaged(tmp_path: Path) -> None:
    """Also where a chunk ends with the file."""
    data = saved(PHOTO, "PNG")
    at = data.index(b"IDAT")
    body = data[at + 4 : at + 2000]
    cut = data[: at - 4] + struct.pack(">I", len(body)) + b"IDAT" + body
    cut += struct.pack(">I", zlib.crc32(b"IDAT" + body))
    assert refusal(tmp_path, cut)[0] is Reason.DAMAGED_PHOTO


def test_jpeg_of_a_thousand_scans_is_refused_with_its_reason(tmp_path: Path) -> None:
    """A file of a few hundred kB would cost minutes of computing."""
    data = saved(PHOTO, "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    many = data[:start] + scan * 1000 + b"\xff\xd9"
    reason, message = refusal(tmp_path, many)
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert str(MOST_SCANS) in message


# ----- transparency


def test_bmp_whose_alpha_is_zero_everywhere_is_opaque(tmp_path: Path) -> None:
    """Most programs leave the fourth byte of a pixel at zero."""
    clear = PHOTO.convert("RGBA")
    clear.putalpha(0)
    made = shown(tmp_path, saved(clear, "BMP"))
    assert made.mode == "RGB"
    assert differs(made, PHOTO) == 0


def test_photo_whose_first_frame_is_transparent_has_nothing_to_see(tmp_path: Path) -> None:
    """That frame would be sent."""
    frames = [Image.new("RGBA", SIZE), PHOTO.convert("RGBA")]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert refusal(tmp_path, data)[0] is Reason.NOTHING_TO_SEE


@pytest.mark.parametrize(("depth", "level"), [(1, 1), (2, 1), (4, 9), (8, 200), (16, 40_000)])
def test_transparent_level_of_a_grey_png_is_kept(depth: int, level: int, tmp_path: Path) -> None:
    """At every depth: the level is a value of the file's own samples."""
    samples = [level, 0] * 4
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    row = b"\0" + int(bits, 2).to_bytes(depth, "big")
    header = struct.pack(">IIBBBBB", 8, 1, depth, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", header),
            (b"tRNS", struct.pack(">H", level)),
            (b"IDAT", zlib.compress(row)),
            (b"IEND", b""),
        )
    )
    assert shown(tmp_path, data).getchannel("A").tobytes() == bytes([0, 255] * 4)


# ----- colours


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (1, 1), (2, 2), (1, 6)])
def test_code_points_that_mean_srgb_change_nothing(
    primaries: int, transfer: int, tmp_path: Path
) -> None:
    """Viewers show the code points of television as sRGB."""
    data = with_chunk(saved(PHOTO, "PNG"), b"cICP", bytes([primaries, transfer, 0, 1]))
    assert differs(shown(tmp_path, data), PHOTO) == 0


def test_display_p3_of_a_heic_is_converted(tmp_path: Path) -> None:
    """As the same values of a PNG are."""
    told = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6}
    png = shown(tmp_path, with_chunk(saved(PHOTO, "PNG"), b"cICP", bytes([12, 13, 0, 1])))
    made = shown(tmp_path, heic(PHOTO, **told))
    assert differs(png, PHOTO) > 4
    assert differs(made, png) < 3


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_mapped_to_the_range_of_srgb(transfer: int, tmp_path: Path) -> None:
    """Brighter stays brighter, and white is white."""
    ramp = Image.linear_gradient("L").convert("RGB")
    data = with_chunk(saved(ramp, "PNG"), b"cICP", bytes([9, transfer, 0, 1]))
    column = list(shown(tmp_path, data).convert("L").crop((0, 0, 1, 256)).tobytes())
    assert column == sorted(column)
    assert (column[0], column[-1]) == (0, 255)


@pytest.mark.parametrize("gamma", [45_455, 0])
def test_usual_gamma_changes_nothing(gamma: int, tmp_path: Path) -> None:
    """Nor does one of zero, which cannot be meant."""
    data = with_chunk(saved(PHOTO, "PNG"), b"gAMA", struct.pack(">I", gamma))
    assert differs(shown(tmp_path, data), PHOTO) == 0


def test_invalid_chromaticities_are_ignored(tmp_path: Path) -> None:
    """All of them zero."""
    data = with_chunk(saved(PHOTO, "PNG"), b"cHRM", bytes(32))
    data = with_chunk(data, b"gAMA", struct.pack(">I", 100_000))
    assert shown(tmp_path, data).size == SIZE


# ----- JPEG 2000 of more than 8 bits


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_incomplete_deep_jpeg_2000_is_damaged(share: float, tmp_path: Path) -> None:
    """Its pixels are not guessed."""
    data = file("jp2-16-rgb-white.jp2")
    assert refusal(tmp_path, data[: int(len(data) * share)])[0] is Reason.DAMAGED_PHOTO


def test_deep_codestream_is_decoded_without_its_file_format(tmp_path: Path) -> None:
    """Like the same picture in a file."""
    data = file("jp2-16-rgb-white.jp2")
    bare = data[data.index(b"\xff\x4f\xff\x51") :]
    assert differs(shown(tmp_path, bare), shown(tmp_path, data)) == 0


def test_codestream_larger_than_its_header_is_damaged(tmp_path: Path) -> None:
    """A decompression bomb behind a small header takes no memory."""
    data = bytearray(file("jp2-16-rgb-white.jp2"))
    at = data.index(b"\xff\x4f\xff\x51") + 8
    data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    assert refusal(tmp_path, bytes(data))[0] in {Reason.DAMAGED_PHOTO, Reason.TOO_MANY_PIXELS}


# ----- files that are no photos


def tiff(tags: dict[int, object], **options: object) -> Callable[[], bytes]:
    """A TIFF with these tags."""
    return lambda: saved(PHOTO, "TIFF", tiffinfo=tags, **options)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (tiff({271: "NIKON CORPORATION", 254: 1}), "Nikon"),
        (tiff({50706: b"\1\4\0\0"}), "DNG"),
        (tiff({271: "Canon", 330: (8,)}), "Canon"),
    ],
)
def test_raw_files_that_are_tiffs_are_refused_by_name(
    make: Callable[[], bytes], name: str, tmp_path: Path
) -> None:
    """Their first picture is a preview."""
    reason, message = refusal(tmp_path, make())
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert name in message


def test_scanners_tiff_with_a_maker_is_a_photo(tmp_path: Path) -> None:
    """A maker alone does not make it a raw file."""
    assert differs(shown(tmp_path, tiff({271: "EPSON"})()), PHOTO) == 0


def test_profile_named_srgb_is_read(tmp_path: Path) -> None:
    """Its curve is linear: the name is not trusted."""
    data = file("jpg-linear-elle.jpg")
    with Image.open(BytesIO(data), formats=("JPEG",)) as image:
        profile = image.info["icc_profile"]
        stored = image.convert("RGB")
    name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile)))
    assert name.startswith("sRGB")
    assert differs(shown(tmp_path, data), stored) > 20


# ----- what is published


def test_cut_out_with_a_large_profile_can_be_read_again(tmp_path: Path) -> None:
    """Earlier versions published cut-outs with the photo's profile, however large it was."""
    pictures = PillowPictures(max_pixels=1_000_000)
    cut_out = PHOTO.convert("RGBA")
    cut_out.putalpha(Image.linear_gradient("L").resize(SIZE))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    cut_out.save(tmp_path / "cut-out", "PNG", icc_profile=profile + bytes(1_500_000))
    assert pictures.examine(tmp_path / "cut-out") is not None
    made = pictures.render(
        tmp_path / "cut-out", Recipe(name="web", format="webp"), tmp_path / "made"
    )
    assert (made.width, made.height) == SIZE


def test_gif_without_a_screen_size_is_as_large_as_its_frame(tmp_path: Path) -> None:
    """Browsers show it so."""
    data = saved(PHOTO.quantize(256), "GIF")
    made = shown(tmp_path, data[:6] + bytes(4) + data[10:])
    assert made.size == SIZE
    assert differs(made, PHOTO.quantize(256)) == 0


def test_profile_inside_a_jpeg_2000_is_used(tmp_path: Path) -> None:
    """Its decoder does not return it."""
    data = saved(PHOTO, "JPEG2000")
    with Image.open(FILES / "jpg-p3.jpg", formats=("JPEG",)) as image:
        profile = image.info["icc_profile"]
    old = data[data.index(b"colr") - 4 :][: 4 + 4 + 7]
    new = struct.pack(">I", 11 + len(profile)) + b"colr\2\0\0" + profile
    header = data.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", data, header)
    wide = struct.pack(">I", length + len(new) - len(old))
    made = shown(tmp_path, (data[:header] + wide + data[header + 4 :]).replace(old, new))
    png = shown(tmp_path, saved(PHOTO, "PNG", icc_profile=profile))
    assert differs(made, PHOTO) > 3
    assert differs(made, png) < 2


def in_planes(bands: tuple[Image.Image, ...], depth: int, photometric: int) -> bytes:
    """An uncompressed TIFF with each channel in a plane of its own (TIFF 6.0)."""
    planes = [
        b"".join(level.to_bytes(1, "big") * (depth // 8) for level in band.tobytes())
        for band in bands
    ]
    count, size = len(planes), len(planes[0])
    at = 8 + count * size
    lists = (
        struct.pack(f">{count}H", *[depth] * count),
        struct.pack(f">{count}I", *[8 + size * number for number in range(count)]),
        struct.pack(f">{count}I", *[size] * count),
    )
    tags = [
        (256, 3, 1, struct.pack(">Hxx", SIZE[0])),
        (257, 3, 1, struct.pack(">Hxx", SIZE[1])),
        (258, 3, count, lists[0] if count == 2 else struct.pack(">I", at)),
        (259, 3, 1, struct.pack(">Hxx", 1)),
        (262, 3, 1, struct.pack(">Hxx", photometric)),
        (273, 4, count, struct.pack(">I", at + len(lists[0]))),
        (277, 3, 1, struct.pack(">Hxx", count)),
        (278, 3, 1, struct.pack(">Hxx", SIZE[1])),
        (279, 4, count, struct.pack(">I", at + len(lists[0]) + len(lists[1]))),
        (284, 3, 1, struct.pack(">Hxx", 2)),
    ]
    if count in {2, 4}:
        tags.append((338, 3, 1, struct.pack(">Hxx", 2)))
    directory = at + sum(map(len, lists))
    entries = b"".join(struct.pack(">HHI", *tag[:3]) + tag[3] for tag in tags)
    head = b"MM\0*" + struct.pack(">I", directory)
    body = b"".join(planes) + b"".join(lists)
    return head + body + struct.pack(">H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_planes_are_put_together(depth: int, tmp_path: Path, *, has_alpha: bool) -> None:
    """Pillow's own reader mixes up those of sixteen bits."""
    photo = PHOTO.convert("RGBA") if has_alpha else PHOTO
    if has_alpha:
        photo.putalpha(Image.linear_gradient("L").resize(SIZE))
    made = shown(tmp_path, in_planes(photo.split(), depth, 2))
    assert made.mode == photo.mode
    assert differs(made, photo) == 0


def test_grey_and_alpha_in_planes_are_refused_by_name(tmp_path: Path) -> None:
    """Pillow loses the alpha: the photo would count as transparent everywhere."""
    bands = PHOTO.convert("L"), Image.linear_gradient("L").resize(SIZE)
    reason, message = refusal(tmp_path, in_planes(bands, 8, 1))
    assert reason is Reason.UNSUPPORTED_FORMAT
    assert "planes" in message
