"""The keys of files and folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cutout.cli.output.problems import Problem
from cutout.cli.photo_files import PhotoFile, content_type, select_photos


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with photos, a text, hidden files and a file without a suffix."""
    folder = tmp_path / "shop"
    for name in ("a.jpg", "shoes/b.PNG", "shoes/notes.txt", ".hidden.jpg", ".git/c.jpg", "raw"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_the_key_of_a_file_is_its_name(tmp_path: Path) -> None:
    """The folders above it are not part of the key."""
    path = tmp_path / "deep" / "cat.jpg"
    path.parent.mkdir()
    path.write_bytes(b"x")

    selection = select_photos([path])

    assert selection.photos == (PhotoFile(path=path, key="cat.jpg", content_type="image/jpeg"),)


def test_files_of_a_folder_keep_its_name_and_structure(shop: Path) -> None:
    """Keys are the folder's name and the path inside it."""
    assert [photo.key for photo in select_photos([shop]).photos] == [
        "shop/a.jpg",
        "shop/raw",
        "shop/shoes/b.PNG",
    ]


def test_the_current_folder_has_no_name(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cutout put .` gives keys relative to it."""
    monkeypatch.chdir(shop)
    keys = [photo.key for photo in select_photos([Path()]).photos]
    assert keys == ["a.jpg", "raw", "shoes/b.PNG"]


def test_a_folder_named_by_dots_has_its_real_name(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key starts with two dots."""
    monkeypatch.chdir(shop / "shoes")
    keys = [photo.key for photo in select_photos([Path("..")]).photos]
    assert keys == ["shop/a.jpg", "shop/raw", "shop/shoes/b.PNG"]


def test_files_that_are_not_images_by_name_are_listed_as_skipped(shop: Path) -> None:
    """Hidden files are not listed."""
    assert select_photos([shop]).skipped == (shop / "shoes/notes.txt",)


def test_a_named_file_is_never_skipped(shop: Path) -> None:
    """The stack rejects a text file with the reason."""
    assert [photo.key for photo in select_photos([shop / "shoes/notes.txt"]).photos] == [
        "notes.txt"
    ]


def test_a_prefix_goes_before_every_key(shop: Path) -> None:
    """For folders and files."""
    selection = select_photos([shop / "a.jpg", shop / "shoes"], prefix="in/")
    assert [photo.key for photo in selection.photos] == ["in/a.jpg", "in/shoes/b.PNG"]


def test_two_files_with_the_same_key_are_refused(shop: Path) -> None:
    """The second would supersede the first."""
    other = shop / "shoes" / "a.jpg"
    other.write_bytes(b"another")
    with pytest.raises(Problem, match=r"would have the same key a\.jpg"):
        select_photos([shop / "a.jpg", other])


def test_the_same_file_named_twice_is_uploaded_once(shop: Path) -> None:
    """Otherwise it would be paid for twice."""
    path = shop / "a.jpg"
    assert [photo.key for photo in select_photos([path, path]).photos] == ["a.jpg"]


def test_a_key_longer_than_s3s_limit_is_refused(tmp_path: Path) -> None:
    """S3's limit is 1,024 bytes, not characters."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    with pytest.raises(Problem, match="longer than 1,024 bytes"):
        select_photos([path], prefix="ü" * 600)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "image/jpeg"),
        ("A.JPEG", "image/jpeg"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.heic", "image/heic"),
        ("a.avif", "image/avif"),
        ("a.txt", "text/plain"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_content_types(name: str, expected: str) -> None:
    """Uploads have the type of their extension."""
    assert content_type(name) == expected


def test_a_file_too_large_for_s3_is_refused_before_anything_is_uploaded(shop: Path) -> None:
    """Not after minutes of uploading."""
    with (shop / "film.jpg").open("wb") as file:
        file.truncate(5 * 1024**3 + 1)
    with pytest.raises(Problem, match=r"film\.jpg is larger than 5 GB"):
        select_photos([shop])


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """Reading a pipe without a writer would block."""
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(Problem, match="neither a file nor a folder"):
        select_photos([tmp_path / "pipe.jpg"])


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Keys are UTF-8; the message shows the bytes."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin\xe9.jpg"))
    path.write_bytes(b"x")
    with pytest.raises(Problem, match=r"latin\\xe9\.jpg is not UTF-8"):
        select_photos([path])


def test_links_to_files_are_followed_and_others_listed(shop: Path) -> None:
    """A link to a folder could form a loop; one to nothing may be a mistake."""
    (shop / "same.jpg").symlink_to("a.jpg")
    (shop / "circle").symlink_to(shop)
    (shop / "gone.jpg").symlink_to("nowhere.jpg")

    selection = select_photos([shop])

    assert "shop/same.jpg" in [photo.key for photo in selection.photos]
    assert not any("circle" in photo.key for photo in selection.photos)
    assert selection.links == (shop / "circle", shop / "gone.jpg")
