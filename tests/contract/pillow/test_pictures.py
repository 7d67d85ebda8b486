"""Examining results: each is decoded whole, or is not a picture."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.photo.photo_and_result_checks import Picture

PICTURES = PillowPictures(max_pixels=50_000_000)


def cut_out(mode: str = "RGBA", size: tuple[int, int] = (30, 20)) -> Image.Image:
    """A disc on nothing: transparent in the corners, opaque in the middle."""
    alpha = Image.radial_gradient("L").point(lambda level: 255 if level < 128 else 0)
    image = Image.linear_gradient("L").convert("RGB")
    image.putalpha(alpha)
    return image.resize(size, Image.Resampling.NEAREST).convert(mode)


def with_alpha(*levels: int) -> Image.Image:
    """One pixel of each alpha."""
    image = Image.new("RGBA", (len(levels), 1))
    image.putdata([(200, 100, 50, level) for level in levels])
    return image


def saved(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    data = BytesIO()
    image.save(data, format_, **options)
    return data.getvalue()


def palette(**options: Any) -> bytes:
    """A PNG with a palette."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.putdata([0, 1])
    return saved(image, **options)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the downloaded result."""
    return tmp_path / "result"


def examined(file: Path, data: bytes, pictures: PillowPictures = PICTURES) -> Picture | None:
    """Examine these bytes."""
    file.write_bytes(data)
    return pictures.examine(file)


@pytest.mark.parametrize(
    ("data", "alpha_range"),
    [
        (saved(with_alpha(0, 255)), (0, 255)),
        (saved(with_alpha(0, 0)), (0, 0)),
        (saved(with_alpha(255, 255)), (255, 255)),
        (saved(with_alpha(3, 77, 9)), (3, 77)),
        (saved(with_alpha(0, 255).convert("LA")), (0, 255)),
        (saved(with_alpha(5, 6).convert("LA")), (5, 6)),
        (palette(transparency=0), (0, 255)),
        (palette(transparency=bytes([10, 20])), (10, 20)),
        (palette(), None),
        (saved(Image.new("RGB", (2, 1), "red"), transparency=(255, 0, 0)), (0, 0)),
        (saved(Image.new("RGB", (2, 1), "red"), transparency=(0, 0, 255)), (255, 255)),
        (saved(Image.new("RGB", (2, 1))), None),
        (saved(Image.new("L", (2, 1))), None),
        (saved(Image.new("1", (2, 1))), None),
        (saved(Image.new("I;16", (2, 1))), None),
        (saved(Image.new("RGB", (2, 1)), "JPEG"), None),
        (saved(Image.new("CMYK", (2, 1)), "JPEG"), None),
        (saved(with_alpha(0, 255), "WEBP", lossless=True), (0, 255)),
        (saved(Image.new("RGB", (2, 1)), "WEBP"), None),
    ],
)
def test_range_of_alpha_is_that_of_all_pixels(
    file: Path, data: bytes, alpha_range: tuple[int, int] | None
) -> None:
    """In whichever way a file may store transparency; None where it cannot."""
    picture = examined(file, data)
    assert picture is not None
    assert picture.alpha_range == alpha_range


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_cut_out_is_examined(file: Path, format_: str) -> None:
    """Format, pixels and alpha."""
    assert examined(file, saved(cut_out(), format_)) == Picture(
        format=format_.lower(), width=30, height=20, alpha_range=(0, 255)
    )


def test_jpeg_is_a_picture_without_alpha(file: Path) -> None:
    """Nothing was cut out of it."""
    assert examined(file, saved(cut_out("RGB"), "JPEG")) == Picture(
        format="jpeg", width=30, height=20, alpha_range=None
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>expired</body></html>",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x24\0\0\0WEBPVP8 ",
        saved(cut_out(), "GIF"),
        b"\xff\xd8\xff\xe0",
        saved(cut_out("RGB"), "BMP"),
        saved(cut_out("RGB"), "TIFF"),
        saved(cut_out(), "ICO"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
)
def test_file_of_another_format_is_not_a_picture(file: Path, data: bytes) -> None:
    """Only formats that a result may have are decoded; nothing else is tried."""
    assert examined(file, data) is None


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("format_", ["PNG", "WEBP", "JPEG"])
def test_incomplete_result_is_not_a_picture(file: Path, format_: str, share: float) -> None:
    """The whole file is decoded, not only its header."""
    image = Image.effect_noise((200, 200), 100).convert("RGB")
    data = saved(image, format_)
    assert examined(file, data[: int(len(data) * share)]) is None


def test_png_with_broken_chunks_is_not_a_picture(file: Path) -> None:
    """A chunk that ends too early is followed by what begins no chunk."""
    data = saved(Image.effect_noise((100, 100), 100).convert("RGB"))
    at = data.index(b"IDAT") - 4
    assert examined(file, data[:at] + struct.pack(">I", 100) + data[at + 4 :]) is None


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares such a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (50_000, 1_001), (2**31 - 1, 1)])
def test_decompression_bomb_is_not_decoded(file: Path, size: tuple[int, int]) -> None:
    """Its header is enough."""
    assert examined(file, bomb(*size)) is None


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_size_that_pillow_only_warns_of_is_not_decoded(file: Path) -> None:
    """Between our limit and Pillow's, ours holds; its warning goes to the log."""
    assert examined(file, bomb(10_000, 10_000)) is None


@pytest.mark.parametrize(("max_pixels", "is_seen"), [(600, True), (599, False)])
def test_limit_of_pixels_is_the_setting(
    file: Path,
    max_pixels: int,
    is_seen: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """30 times 20 pixels are 600."""
    picture = examined(file, saved(cut_out()), PillowPictures(max_pixels))
    assert (picture is not None) == is_seen


def test_first_frame_of_an_animation_is_examined(file: Path) -> None:
    """A cut-out is one picture."""
    data = saved(cut_out(), "WEBP", save_all=True, append_images=[cut_out().rotate(90)])
    picture = examined(file, data)
    assert picture is not None
    assert (picture.width, picture.height, picture.format) == (30, 20, "webp")


@pytest.mark.parametrize("format_", ["WEBP", "PNG"])
def test_cut_out_of_an_animation_is_its_first_frame(file: Path, format_: str) -> None:
    """It is decoded once, and not looked for again in a closed file."""
    other = Image.new("RGBA", (30, 20), "red")
    file.write_bytes(saved(cut_out(), format_, save_all=True, append_images=[other]))
    made = PICTURES.cut_out(file, file.with_name("cut-out.png"), size=(15, 10))
    assert (made.width, made.height, made.alpha_range) == (15, 10, (0, 255))


@pytest.mark.parametrize("format_", ["WEBP", "PNG"])
def test_result_of_another_format_becomes_a_png(file: Path, format_: str) -> None:
    """The result key ends in `.png`."""
    options = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    image = cut_out()
    file.write_bytes(saved(image, format_, **options))
    with Image.open(file) as before:
        pixels = before.convert("RGBA").tobytes()
    into = file.with_name("cut-out.png")
    made = PICTURES.cut_out(file, into)
    assert (made.format, made.width, made.height) == ("png", 30, 20)
    with Image.open(into) as after:
        assert (after.format, after.mode, after.size) == ("PNG", "RGBA", (30, 20))
        assert after.tobytes() == pixels


@settings(
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    format_=st.sampled_from(["PNG", "WEBP", "JPEG"]),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    end=st.none() | st.integers(0, 5000),
)
def test_no_file_causes_another_error(
    tmp_path: Path, format_: str, changes: list[tuple[int, int]], end: int | None
) -> None:
    """Whatever bytes the link served, there is a picture or none."""
    data = bytearray(saved(cut_out().convert("RGB"), format_))
    for at, value in changes:
        data[at % len(data)] = value
    picture = examined(tmp_path / "result", bytes(data[:end]))
    assert picture is None or picture.width > 0
