"""Where cut-outs are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutout.cli.round_trip.downloads import target_path


@pytest.mark.parametrize(
    ("key", "inside"),
    [
        ("a.png", "a.png"),
        ("shoes/a.png", "shoes/a.png"),
        ("a b+ü%20.png", "a b+ü%20.png"),
        ("../../etc/passwd", "__/__/etc/passwd"),
        ("a/../../b.png", "a/__/__/b.png"),
        ("./a.png", "_/a.png"),
        ("/etc/passwd", "etc/passwd"),
        ("a//b.png", "a/b.png"),
        ("..\\..\\a.png", ".._.._a.png"),
        ("c:a.png", "c_a.png"),
        ("a\nb\x1b[2J.png", "a_b_[2J.png"),
        ("", "_"),
        ("///", "_"),
    ],
)
def test_a_cut_out_stays_inside_the_chosen_folder(key: str, inside: str) -> None:
    """Keys with a meaning in a file system are renamed."""
    out = Path("/chosen")
    assert target_path(out, key) == out / inside
    assert target_path(out, key).resolve().is_relative_to(out)
