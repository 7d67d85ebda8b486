from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import infra.local
from infra.local.evolink.background_removal import remove_background

PHOTOS = Path(infra.local.__file__).parent / "photos"

# Points of each photo, as shares of its sides: on the subject, and off it.
SUBJECTS: dict[str, tuple[list[tuple[float, float]], list[tuple[float, float]]]] = {
    "coffee.jpg": (
        [(0.47, 0.38), (0.47, 0.6), (0.62, 0.72), (0.25, 0.6)],
        [(0.03, 0.1), (0.95, 0.1), (0.95, 0.6), (0.03, 0.95), (0.05, 0.5)],
    ),
    "chelsea.webp": (
        [(0.38, 0.4), (0.7, 0.45), (0.58, 0.8), (0.5, 0.2), (0.8, 0.1)],
        [(0.97, 0.3), (0.97, 0.9), (0.9, 0.6), (0.02, 0.1)],
    ),
    "astronaut.png": (
        [(0.44, 0.2), (0.44, 0.3), (0.3, 0.75), (0.2, 0.6), (0.75, 0.85)],
        [(0.02, 0.3), (0.65, 0.15), (0.85, 0.3), (0.12, 0.15), (0.95, 0.4)],
    ),
}


def _alpha(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.getchannel("A"))


def _at(alpha: NDArray[np.uint8], points: list[tuple[float, float]]) -> set[int]:
    height, width = alpha.shape
    return {int(alpha[int(y * height), int(x * width)]) for x, y in points}


@pytest.mark.parametrize("name", SUBJECTS)
def test_subject_of_a_real_photo_is_kept_and_its_background_removed(name: str) -> None:
    """The size and the subject's pixels are the photo's, and the edge is soft."""
    on_subject, off_subject = SUBJECTS[name]
    with Image.open(PHOTOS / name) as photo:
        cut = remove_background(photo)
        pixels = np.asarray(photo.convert("RGB"))

    alpha = _alpha(cut)
    solid = alpha == 255
    assert (cut.mode, cut.size) == ("RGBA", photo.size)
    assert (_at(alpha, on_subject), _at(alpha, off_subject)) == ({255}, {0})
    assert 0.2 < solid.mean() < 0.75
    assert (alpha == 0).mean() > 0.2
    assert 0.005 < ((alpha > 0) & ~solid).mean() < 0.1, "the edge is soft, and thin"
    assert np.array_equal(np.asarray(cut)[solid][:, :3], pixels[solid])


def test_same_photo_gives_the_same_cut_out() -> None:
    """So that every demo has the same cut-outs."""
    picture = _noise((64, 64))
    ImageDraw.Draw(picture).ellipse((16, 16, 48, 48), fill="white")

    first, second = (remove_background(picture) for _ in range(2))

    assert first.tobytes() == second.tobytes()


def test_photos_on_several_threads_do_not_mix() -> None:
    """The stand-in cuts out on two threads with one network."""
    with ExitStack() as stack:
        photos = [stack.enter_context(Image.open(PHOTOS / name)) for name in list(SUBJECTS)[:2]]
        one_by_one = [remove_background(photo).tobytes() for photo in photos]
        with ThreadPoolExecutor(2) as pool:
            at_once = [cut.tobytes() for cut in pool.map(remove_background, photos)]
    assert at_once == one_by_one


def _flat(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, "gray")


def _noise(size: tuple[int, int]) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize(
    ("size", "make"),
    [((1, 1), _flat), ((17, 400), _flat), ((96, 64), _noise)],
)
def test_picture_without_a_subject_gets_a_cut_out_of_its_size(
    size: tuple[int, int], make: Any
) -> None:
    """It is neither fully opaque nor fully transparent."""
    alpha = _alpha(remove_background(make(size)))

    assert alpha.shape[::-1] == size
    if min(size) >= 16:
        assert alpha.min() < 255
        assert alpha.max() > 0


@pytest.mark.parametrize("mode", ["P", "CMYK"])
def test_a_picture_of_any_mode_is_cut_out(mode: str) -> None:
    """The cut-out is RGBA."""
    picture = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(picture).ellipse((15, 8, 45, 32), fill="black")

    cut = remove_background(picture.convert(mode))

    assert (cut.mode, cut.size) == ("RGBA", (60, 40))
    assert (_alpha(cut)[20, 30], _alpha(cut)[1, 1]) == (255, 0)


def test_a_large_photo_keeps_its_size() -> None:
    """Although the work is done on smaller copies."""
    picture = Image.new("RGB", (2400, 1600), "navy")
    ImageDraw.Draw(picture).ellipse((700, 400, 1700, 1200), fill="yellow")

    cut = remove_background(picture)

    assert cut.size == (2400, 1600)
    assert (_alpha(cut)[800, 1200], _alpha(cut)[50, 50]) == (255, 0)
    assert cut.getpixel((1200, 800)) == (255, 255, 0, 255)
