"""The largest accepted pictures fit into the memory of the functions that process them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.deployed_functions import FunctionName, shape_of
from tests.contract.pillow.peak import RESULT_PIXELS, write_photo, write_result

_REST_MB = 150
"""For what a function holds besides: its SDK, its connections, the message."""


def peak_mb(folder: Path, work: str) -> float:
    """Return the memory that a process takes for a piece of work."""
    command = [sys.executable, "-m", "tests.contract.pillow.peak", str(folder), work]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return int(done.stdout) / 1024


def room_mb(name: FunctionName, *, uses_source_pixels: bool) -> int:
    """Return the memory that a function may take for its pictures."""
    return shape_of(name, uses_source_pixels=uses_source_pixels).memory_mb - _REST_MB


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of the largest photo of each kind."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("jpeg", "jp2")}
    for kind, folder in folders.items():
        write_photo(folder / "photo", kind)
    return folders


@pytest.fixture(scope="module")
def upright_mb(photos: dict[str, Path]) -> float:
    """The memory that the upright copy of the largest photo took, which is then beside it."""
    return peak_mb(photos["jpeg"], "upright")


@pytest.mark.parametrize("kind", ["jpeg", "jp2"])
def test_prepare_has_memory_for_the_largest_photo(kind: str, photos: dict[str, Path]) -> None:
    """Two hundred megapixels, decoded whole or at half their size, as the format allows."""
    taken = peak_mb(photos[kind], "prepare")
    assert taken < room_mb(FunctionName.PREPARE, uses_source_pixels=False)


def test_prepare_has_memory_for_the_largest_photo_in_full_size(upright_mb: float) -> None:
    """Decoded whole, turned and written without loss, where that is set."""
    assert upright_mb < room_mb(FunctionName.PREPARE, uses_source_pixels=True)


@pytest.mark.usefixtures("upright_mb")
def test_store_result_has_memory_for_the_largest_photos_own_pixels(photos: dict[str, Path]) -> None:
    """The upright copy, decoded and cut, where that is set."""
    write_result(photos["jpeg"] / "result", 2_000_000)
    taken = peak_mb(photos["jpeg"], "own pixels")
    assert taken < room_mb(FunctionName.STORE_RESULT, uses_source_pixels=True)


def test_store_result_has_memory_for_the_largest_result(tmp_path: Path) -> None:
    """As the largest variant in the format that takes most."""
    write_result(tmp_path / "result", RESULT_PIXELS)
    taken = peak_mb(tmp_path, "avif")
    assert taken < room_mb(FunctionName.STORE_RESULT, uses_source_pixels=False)
