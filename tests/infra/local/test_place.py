"""The project's folder, and the photos in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import find_place, find_root, shipped_photos


def test_project_is_found_from_any_of_its_folders(checkout: Path) -> None:
    """The state is in the project's root, wherever the command runs."""
    assert find_root(checkout / "functions" / "submit") == checkout
    assert find_place(checkout / "infra").state == checkout / ".cutout"


def test_no_project_is_found_outside_of_one(tmp_path: Path) -> None:
    """The error says where to go."""
    with pytest.raises(LocalCloudError) as caught:
        find_place(tmp_path)
    assert "Change into the project's folder" in caught.value.advice


def test_three_photos_ship_with_the_project() -> None:
    """The demo finds them."""
    assert [path.name for path in shipped_photos()] == [
        "astronaut.png",
        "chelsea.webp",
        "coffee.jpg",
    ]
