"""Copies that the model takes, made of real photographs in every format that it does not take."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from cutout.adapters.pillow.copier import PillowCopier
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason
from cutout.ports.pictures import Copy, PhotoHeader
from infra.local.place import shipped_photos

COPIER = PillowCopier()
SIZE = (120, 80)
MANY = 10_000_000
_ORIENTATION = 0x0112


def photograph(size: tuple[int, int] = SIZE) -> Image.Image:
    """A shipped photo, small."""
    path = next(path for path in shipped_photos() if path.name == "coffee.jpg")
    with Image.open(path) as image:
        return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


PHOTO = photograph()


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The file of a picture."""
    data = BytesIO()
    image.save(data, format_, **options)
    return data.getvalue()


def exif(orientation: int) -> bytes:
    """An Exif block with an orientation."""
    data = Image.Exif()
    data[_ORIENTATION] = orientation
    return data.tobytes()


def heic(image: Image.Image, orientation: int = 1) -> bytes:
    """A HEIC as telephones write it."""
    picture = pillow_heif.from_pillow(image)
    picture.info["exif"] = exif(orientation)
    data = BytesIO()
    picture.save(data, quality=95)
    return data.getvalue()


def lying(orientation: int) -> Image.Image:
    """The photo as a camera stores it that was held in this way."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    image = PHOTO.copy()
    image.getexif()[_ORIENTATION] = back
    turned = ImageOps.exif_transpose(image)
    assert turned is not None
    turned.info.pop("exif", None)
    return Image.frombytes("RGB", turned.size, turned.tobytes())


def deep_grey(is_white_zero: bool = False) -> bytes:  # noqa: FBT001, FBT002 - a TIFF's own flag
    """A TIFF of sixteen bits a pixel."""
    greys = PHOTO.convert("L").tobytes()
    data = b"".join(struct.pack("<H", (255 - g if is_white_zero else g) * 257) for g in greys)
    image = Image.frombytes("I;16", SIZE, data)
    return saved(image, "TIFF", tiffinfo={262: 0 if is_white_zero else 1})


def deep_grey_png() -> bytes:
    """A PNG of sixteen bits a pixel."""
    data = b"".join(struct.pack("<H", g * 257) for g in PHOTO.convert("L").tobytes())
    return saved(Image.frombytes("I;16", SIZE, data), "PNG")


def animation(format_: str) -> bytes:
    """The photo first, then another frame."""
    other = Image.new("RGB", SIZE, "red")
    return saved(PHOTO, format_, save_all=True, append_images=[other], duration=100)


def in_another_space() -> bytes:
    """A TIFF in CIE L*a*b*."""
    lab = ImageCms.profileToProfile(
        PHOTO, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    return saved(lab, "TIFF")


GREY = PHOTO.convert("L").convert("RGB")
FILES: dict[str, tuple[Callable[[], bytes], str, Image.Image, float]] = {
    # kind: file, format, expected picture, greatest difference of the copy (mean of 255)
    "heic": (lambda: heic(PHOTO), "heic", PHOTO, 6),
    "avif": (lambda: saved(PHOTO, "AVIF", quality=95), "avif", PHOTO, 6),
    "tiff": (lambda: saved(PHOTO, "TIFF"), "tiff", PHOTO, 3),
    "tiff, lzw": (lambda: saved(PHOTO, "TIFF", compression="tiff_lzw"), "tiff", PHOTO, 3),
    "tiff, lab": (in_another_space, "tiff", PHOTO, 4),
    "tiff, 16 bits": (deep_grey, "tiff", GREY, 3),
    "tiff, 16 bits, white is zero": (lambda: deep_grey(is_white_zero=True), "tiff", GREY, 3),
    "png, 16 bits": (deep_grey_png, "png", GREY, 3),
    "bmp": (lambda: saved(PHOTO, "BMP"), "bmp", PHOTO, 3),
    "jpeg 2000": (lambda: saved(PHOTO, "JPEG2000"), "jp2", PHOTO, 3),
    "jpeg, cmyk": (lambda: saved(PHOTO.convert("CMYK"), "JPEG", quality=95), "jpeg", PHOTO, 8),
    "tiff, cmyk": (lambda: saved(PHOTO.convert("CMYK"), "TIFF"), "tiff", PHOTO, 8),
    "jpeg, grey": (lambda: saved(GREY.convert("L"), "JPEG", quality=95), "jpeg", GREY, 3),
    "png, palette": (lambda: saved(PHOTO.quantize(256), "PNG"), "png", PHOTO, 10),
    "png, one bit": (
        lambda: saved(PHOTO.convert("1"), "PNG"),
        "png",
        PHOTO.convert("1").convert("RGB"),
        12,
    ),
    "gif, animated": (lambda: animation("GIF"), "gif", PHOTO, 20),
    "webp, animated": (lambda: animation("WEBP"), "webp", PHOTO, 8),
    "png, animated": (lambda: animation("PNG"), "png", PHOTO, 3),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the downloaded photo."""
    return tmp_path / "photo"


def copied(
    file: Path, data: bytes, size: tuple[int, int] = SIZE, max_bytes: int = MANY
) -> tuple[Copy, Image.Image]:
    """The copy of these bytes, and its picture."""
    file.write_bytes(data)
    into = file.with_name("copy")
    copy = COPIER.copy(file, into, size, max_bytes)
    assert into.stat().st_size <= max_bytes
    with Image.open(into) as image:
        image.load()
        assert (image.format or "").lower() == copy.format
        assert image.size == (copy.width, copy.height)
        assert "icc_profile" not in image.info
        assert image.getexif().get(_ORIENTATION) is None
        return copy, image


def differs(one: Image.Image, other: Image.Image) -> float:
    """How far apart two pictures are: the mean over pixels and channels, of 255."""
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / len(means)


def refusal(file: Path, data: bytes, *, copies: bool = True) -> Reason:
    """Return why a file is refused, when it is copied or when its header is read."""
    file.write_bytes(data)
    copy = partial(COPIER.copy, file, file.with_name("copy"), SIZE, MANY)
    with pytest.raises(NotAPhotoError) as caught:
        _ = copy() if copies else COPIER.look(file)
    assert "/" not in str(caught.value), "the message contains no path"
    return caught.value.reason


@pytest.mark.parametrize("kind", FILES)
def test_every_format_is_read_and_copied_as_it_looks(kind: str, file: Path) -> None:
    """The size is read without decoding; the copy is a JPEG of the same size and picture."""
    make, format_, looks, tolerance = FILES[kind]
    file.write_bytes(make())
    assert COPIER.look(file) == PhotoHeader(format=format_, width=120, height=80, orientation=1)
    copy, picture = copied(file, make())
    assert copy == Copy(format="jpeg", width=120, height=80)
    assert picture.mode == "RGB"
    assert differs(picture, looks) < tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "TIFF", "AVIF", "HEIC"])
def test_photo_is_read_and_copied_upright(format_: str, orientation: int, file: Path) -> None:
    """However the camera was held; the copy has no orientation."""
    stored = lying(orientation)
    if format_ == "HEIC":
        data = heic(stored, orientation)
    elif format_ == "TIFF":
        data = saved(stored, format_, tiffinfo={_ORIENTATION: orientation})
    else:
        data = saved(stored, format_, exif=exif(orientation), quality=95)
    file.write_bytes(data)
    seen = COPIER.look(file)
    _, picture = copied(file, data)
    assert (seen.width, seen.height) == SIZE
    assert differs(picture, PHOTO) < 8


def test_colours_are_converted_by_the_photos_own_profile(file: Path) -> None:
    """This profile swaps red and blue: only converted colours show the photo."""
    swapped = Image.merge("RGB", PHOTO.split()[::-1])
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        tags[bytes(profile[at : at + 4])] = at
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    name = profile.find("sRGB".encode("utf-16-be"))
    profile[name : name + 8] = "BGRs".encode("utf-16-be")
    data = saved(swapped, "TIFF", icc_profile=bytes(profile))
    _, picture = copied(file, data)
    assert differs(picture, PHOTO) < 4 < differs(swapped, PHOTO)


@pytest.mark.parametrize("profile", [b"no profile at all", bytes(200)])
def test_unusable_profile_is_ignored(profile: bytes, file: Path) -> None:
    """The values are then taken for sRGB, as viewers take them."""
    _, picture = copied(file, saved(PHOTO, "TIFF", icc_profile=profile))
    assert differs(picture, PHOTO) < 3


@pytest.mark.parametrize("format_", ["TIFF", "HEIC"])
def test_transparency_is_kept(format_: str, file: Path) -> None:
    """In a PNG; an alpha channel that hides nothing is left out."""
    clear = PHOTO.copy()
    clear.putalpha(Image.linear_gradient("L").resize(SIZE))
    make = heic if format_ == "HEIC" else lambda image: saved(image, format_)
    copy, picture = copied(file, make(clear))
    assert (copy.format, picture.mode) == ("png", "RGBA")
    assert differs(picture.getchannel("A"), clear.getchannel("A")) < 4
    opaque, _ = copied(file, make(PHOTO.convert("RGBA")))
    assert opaque.format == "jpeg"


@pytest.mark.parametrize("size", [(360, 240), (60, 40), (240, 160)])
def test_copy_has_the_requested_size(size: tuple[int, int], file: Path) -> None:
    """Larger or smaller than the photo, upright or not."""
    copy, picture = copied(file, saved(lying(6), "JPEG", exif=exif(6)), size)
    assert (copy.width, copy.height) == size
    assert differs(picture, photograph(size)) < 12


@pytest.mark.parametrize(("max_bytes", "is_smaller"), [(MANY, False), (20_000, True), (800, True)])
def test_copy_with_too_many_bytes_is_made_smaller_in_its_shape(
    max_bytes: int,
    is_smaller: bool,  # noqa: FBT001 - a column of the table
    file: Path,
) -> None:
    """First by quality, then by size."""
    noise = Image.effect_noise((600, 400), 200).convert("RGB")
    copy, _ = copied(file, saved(noise, "BMP"), (600, 400), max_bytes)
    assert (copy.width < 600) is is_smaller
    assert copy.width / copy.height == pytest.approx(1.5, rel=0.1)


def test_transparent_copy_with_too_many_bytes_is_made_smaller(file: Path) -> None:
    """As a PNG, noise is too large: a WebP holds its transparency as well."""
    noise = Image.effect_noise((300, 200), 200).convert("RGB")
    noise.putalpha(Image.effect_noise((300, 200), 200))
    copy, picture = copied(file, saved(noise, "TIFF"), (300, 200), 100_000)
    assert (copy.format, picture.mode) == ("webp", "RGBA")


def test_photo_that_fits_into_no_bytes_is_refused(file: Path) -> None:
    """A limit that no picture can keep does not lead to an endless loop."""
    file.write_bytes(saved(PHOTO, "BMP"))
    with pytest.raises(NotAPhotoError) as caught:
        COPIER.copy(file, file.with_name("copy"), SIZE, 10)
    assert caught.value.reason is Reason.CANNOT_BE_PREPARED


def test_photo_of_one_pixel_is_enlarged_to_the_smallest_size(file: Path) -> None:
    """All of one colour."""
    copy, picture = copied(file, saved(Image.new("RGB", (1, 1), "teal"), "BMP"), (240, 240))
    assert (copy.width, copy.height) == (240, 240)
    assert differs(picture, Image.new("RGB", (240, 240), "teal")) < 3


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("kind", FILES)
def test_incomplete_file_is_damaged(kind: str, share: float, file: Path) -> None:
    """Wherever it breaks off: nothing is paid for an incomplete upload."""
    data = FILES[kind][0]()
    assert refusal(file, data[: int(len(data) * share)]) is Reason.DAMAGED_PHOTO


@pytest.mark.parametrize("magic", [b"II*\0", b"BM", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif"])
def test_noise_behind_a_valid_beginning_is_damaged(magic: bytes, file: Path) -> None:
    """Whatever the decoder reports."""
    noise = bytes(number * 37 % 251 for number in range(4000))
    assert refusal(file, magic + noise, copies=False) is Reason.DAMAGED_PHOTO


def test_decompression_bomb_is_refused_by_its_header(file: Path) -> None:
    """A few bytes that declare gigapixels: nothing is decoded, and no memory is allocated."""
    bomb = bytearray(saved(Image.new("1", (8, 8)), "BMP"))
    bomb[18:26] = struct.pack("<ii", 60_000, 60_000)
    assert refusal(file, bytes(bomb), copies=False) is Reason.TOO_MANY_PIXELS


def test_image_of_measurements_is_refused(file: Path) -> None:
    """Numbers of thirty-two bits have no range that could be shown."""
    data = saved(PHOTO.convert("L").convert("F"), "TIFF")
    assert refusal(file, data) is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("tags", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_cameras_raw_file_is_refused(tags: dict[int, Any], file: Path) -> None:
    """It begins with a thumbnail, which must not be paid for."""
    data = saved(PHOTO, "TIFF", tiffinfo=tags)
    assert refusal(file, data, copies=False) is Reason.UNSUPPORTED_FORMAT
