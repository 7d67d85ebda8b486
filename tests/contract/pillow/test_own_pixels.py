"""A prepared photo's own pixels, whatever its format: upright, and in its colours."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.photo.photo_and_result_checks import Picture
from tests.contract.pillow.test_copier import (
    FILES,
    PHOTO,
    SIZE,
    differs,
    exif,
    heic,
    lying,
    photograph,
    saved,
)
from tests.contract.pillow.test_finish_cutout import an_ellipse, wide_profile

PICTURES = PillowPictures(max_pixels=1_000_000)
_SHARE = 2
"""The model works at half the copy's size."""
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'


def cut_by_the_model(copy: Path, result: Path) -> None:
    """Return the model's result for the copy that it was sent."""
    with Image.open(copy) as image:
        small = image.convert("RGB").reduce(_SHARE)
    small.putalpha(an_ellipse(small.size))
    small.save(result, "PNG")


def cut_out(place: Path, data: bytes) -> tuple[Picture, Image.Image]:
    """Take a photo the whole way: the copy, the model's result, the cut-out with its own pixels."""
    names = ("source", "copy", "upright", "result", "made")
    source, copy, upright, result, made = (place / name for name in names)
    source.write_bytes(data)
    seen = PillowCopier().look(source)
    PillowCopier().copy(source, copy, (seen.width, seen.height), 10_000_000)
    whole = PillowCopier().upright(source, upright)
    assert (whole.width, whole.height) == (seen.width, seen.height)
    cut_by_the_model(copy, result)
    picture = PICTURES.faithful_cut_out(result, upright, made)
    with Image.open(made) as image:
        image.load()
        return picture, image


def solid_part(image: Image.Image) -> Image.Image:
    """Return where the cut-out is opaque."""
    return image.getchannel("A").point(lambda level: 255 * (level == 255))


def heic_with(profile: bytes) -> bytes:
    """A HEIC in another colour space."""
    picture = PHOTO.copy()
    picture.info["icc_profile"] = profile
    return heic(picture)


def apart_inside(image: Image.Image, shown: Image.Image) -> float:
    """Mean levels between a cut-out and its source, where it is opaque."""
    difference = ImageChops.difference(image.convert("RGB"), shown.convert("RGB"))
    inside = solid_part(image)
    assert sum(inside.histogram()[255:]) > 2_000
    return sum(ImageStat.Stat(difference, inside).mean) / 3


@pytest.mark.parametrize("kind", FILES)
def test_prepared_photos_own_pixels_are_those_that_are_seen(kind: str, tmp_path: Path) -> None:
    """As many as it has, in the colours that its copy shows, whatever the format."""
    make, _format, looks, tolerance = FILES[kind]
    picture, image = cut_out(tmp_path, make())
    assert (picture.width, picture.height) == SIZE
    assert apart_inside(image, looks) < tolerance


@pytest.mark.parametrize("kind", ["tiff", "tiff, lzw", "bmp", "png, animated", "tiff, 16 bits"])
def test_own_pixels_of_a_lossless_format_are_exactly_the_photos(kind: str, tmp_path: Path) -> None:
    """Where the cut-out is opaque; of sixteen bits, the upper eight."""
    make, _format, looks, _tolerance = FILES[kind]
    _, image = cut_out(tmp_path, make())
    assert apart_inside(image, looks) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "TIFF", "AVIF", "HEIC", "PNG", "WEBP"])
def test_photos_own_pixels_are_upright(format_: str, orientation: int, tmp_path: Path) -> None:
    """However the camera was held; some decoders turn what they decode, others do not."""
    stored = lying(orientation)
    if format_ == "HEIC":
        data = heic(stored, orientation)
    elif format_ == "TIFF":
        data = saved(stored, format_, tiffinfo={0x0112: orientation})
    else:
        data = saved(stored, format_, exif=exif(orientation), quality=95)
    picture, image = cut_out(tmp_path, data)
    assert (picture.width, picture.height) == SIZE
    assert apart_inside(image, PHOTO) < 8
    assert "exif" not in image.info


@pytest.mark.parametrize(
    "make",
    [
        lambda: saved(PHOTO, "JPEG", xmp=XMP, quality=95),
        lambda: saved(PHOTO, "TIFF", tiffinfo={700: XMP}),
        lambda: saved(PHOTO, "WEBP", xmp=XMP, quality=95),
    ],
    ids=["JPEG", "TIFF", "WEBP"],
)
def test_orientation_in_xmp_is_ignored(make: Callable[[], bytes], tmp_path: Path) -> None:
    """Tools that turn the pixels leave it behind, and no viewer obeys it."""
    picture, image = cut_out(tmp_path, make())
    assert (picture.width, picture.height) == SIZE
    assert apart_inside(image, PHOTO) < 8


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0no directory", b"Exif\0\0II*\0\xff"])
def test_unreadable_exif_turns_nothing(block: bytes, tmp_path: Path) -> None:
    """The photo itself is whole."""
    picture, _ = cut_out(tmp_path, saved(PHOTO, "JPEG", exif=block))
    assert (picture.width, picture.height) == SIZE


@pytest.mark.parametrize(
    "make",
    [
        lambda profile: saved(PHOTO, "TIFF", icc_profile=profile),
        heic_with,
        lambda profile: saved(PHOTO, "AVIF", icc_profile=profile, quality=95),
    ],
    ids=["TIFF", "HEIC", "AVIF"],
)
def test_photos_own_pixels_are_in_srgb(make: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Converted by the photo's colour space, and without its profile, which is untrusted."""
    profile = wide_profile()
    _, image = cut_out(tmp_path, make(profile))
    assert "icc_profile" not in image.info
    shown = ImageCms.profileToProfile(
        PHOTO,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert shown is not None
    assert apart_inside(image, shown) < 6


def of_space(space: bytes) -> bytes:
    """A profile of this class that cannot be used."""
    return bytes(16) + space + bytes(200)


@pytest.mark.parametrize(
    "data",
    [
        saved(PHOTO.convert("CMYK"), "TIFF", icc_profile=of_space(b"CMYK")),
        saved(PHOTO, "TIFF", icc_profile=of_space(b"RGB ")),
        saved(PHOTO.convert("CMYK"), "TIFF", icc_profile=wide_profile()),
        saved(PHOTO.convert("L"), "TIFF", icc_profile=wide_profile()),
    ],
    ids=["broken, CMYK", "broken, RGB", "of another space, CMYK", "of another space, grey"],
)
def test_unsuitable_profile_is_ignored(data: bytes, tmp_path: Path) -> None:
    """As in Prepare: the photo is not refused, and the misleading profile is not kept."""
    _, image = cut_out(tmp_path, data)
    assert "icc_profile" not in image.info
    grey = PHOTO.convert("L")
    expected = grey if differs(image, grey) < differs(image, PHOTO) else PHOTO
    assert apart_inside(image, expected) < 8


def test_greys_of_a_grey_profile_become_srgb(tmp_path: Path) -> None:
    """No viewer would show a PNG of RGB with a grey profile correctly."""
    linear = _grey_profile(gamma=1.0)
    _, image = cut_out(tmp_path, saved(PHOTO.convert("L"), "TIFF", icc_profile=linear))
    assert "icc_profile" not in image.info
    inside, grey = solid_part(image), PHOTO.convert("L")
    made, stored = (ImageStat.Stat(one, inside).mean[0] for one in (image.convert("L"), grey))
    assert made > stored + 10, "linear light looks brighter in sRGB's values"


def _grey_profile(gamma: float) -> bytes:
    """The smallest profile of greys: white point, and a curve of one power (ICC.1:2022, 8.3)."""
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, int(gamma * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(12 + 67)
    bodies = {b"wtpt": white, b"kTRC": curve, b"desc": text}
    table, data = struct.pack(">I", len(bodies)), b""
    at = 128 + 4 + 12 * len(bodies)
    for name, body in bodies.items():
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s", at + len(data), 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp"
    )
    head += bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + data


@pytest.mark.parametrize("format_", ["TIFF", "PNG", "HEIC"])
def test_transparent_photo_stays_transparent(format_: str, tmp_path: Path) -> None:
    """The cut-out never shows more than the photo does."""
    clear = PHOTO.copy()
    clear.putalpha(Image.linear_gradient("L").resize(SIZE))
    data = heic(clear) if format_ == "HEIC" else saved(clear, format_)
    _, image = cut_out(tmp_path, data)
    own = clear.getchannel("A")
    more = ImageChops.subtract(image.getchannel("A"), own, 1, -4)
    assert more.getbbox() is None


def test_main_picture_of_a_file_of_several_is_used(tmp_path: Path) -> None:
    """Not the first one: a HEIC declares which it is."""
    other = Image.new("RGB", SIZE, "teal")
    file = pillow_heif.from_pillow(other)
    file.add_from_pillow(PHOTO)
    file.save(tmp_path / "file", quality=95, primary_index=1)
    _, image = cut_out(tmp_path, (tmp_path / "file").read_bytes())
    assert apart_inside(image, PHOTO) < 6


def test_first_picture_of_a_jpeg_of_several_is_used(tmp_path: Path) -> None:
    """Telephones put a map of brightness, or a second view, behind the photo."""
    data = saved(
        PHOTO, "MPO", save_all=True, append_images=[Image.new("RGB", SIZE, "teal")], quality=95
    )
    _, image = cut_out(tmp_path, data)
    assert apart_inside(image, PHOTO) < 6


def test_interlaced_photo_is_read_like_any_other(tmp_path: Path) -> None:
    """Seven passes over the picture, coarse to fine (PNG, Adam7)."""
    _, image = cut_out(tmp_path, interlaced(PHOTO))
    assert apart_inside(image, PHOTO) == 0


def interlaced(image: Image.Image) -> bytes:
    """A PNG in Adam7's passes, which Pillow reads and does not write."""
    passes = (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
    lines = []
    for left, top, across, down in passes:
        for y in range(top, image.height, down):
            row = image.crop((0, y, image.width, y + 1)).tobytes()
            pixels = [row[3 * x : 3 * x + 3] for x in range(left, image.width, across)]
            lines.append(b"\0" + b"".join(pixels))
    header = struct.pack(">IIBBBBB", *image.size, 8, 2, 0, 0, 1)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(b"".join(lines)), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def test_reduced_copy_still_gives_every_pixel_of_the_photo(tmp_path: Path) -> None:
    """The model was sent a quarter of the photo: the cut-out has all of it."""
    shown = photograph((480, 320))
    (tmp_path / "source").write_bytes(saved(shown, "TIFF", tiffinfo={0x0112: 1}))
    PillowCopier().copy(tmp_path / "source", tmp_path / "copy", (240, 160), 10_000_000)
    cut_by_the_model(tmp_path / "copy", tmp_path / "result")
    PillowCopier().upright(tmp_path / "source", tmp_path / "upright")
    made = PICTURES.faithful_cut_out(tmp_path / "result", tmp_path / "upright", tmp_path / "made")
    assert (made.width, made.height) == shown.size
    with Image.open(tmp_path / "made") as image:
        assert apart_inside(image, shown) == 0
