"""Keys that people really have: each photo gets its cut-out inside its folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.domain.states import State
from tests.e2e.gate import GateKeeper
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import opened
from tests.e2e.stand_in import StandIn

_LONG = "odd/" + "ä" * 508 + "/x.j"
_LONGEST_STEM = "odd/long/" + "y" * (1024 - 4 - 9)

_KEYS = {
    "odd/two words.jpg": "odd/two words.png",
    "odd/1+1=2.jpg": "odd/1+1=2.png",
    "odd/100%.jpg": "odd/100%.png",
    "odd/a%20b%2Fc.jpg": "odd/a%20b%2Fc.png",
    "odd/what?&who=#me;you,@us$.jpg": "odd/what?&who=#me;you,@us$.png",
    "odd/quote'\"<tag>\\back|pipe^`{}~[].jpg": "odd/quote'\"<tag>\\back|pipe^`{}~[].png",
    "odd/Größe 42/日本 📷.jpeg": "odd/Größe 42/日本 📷.png",
    "odd/e\u0301 is not é.jpg": "odd/e\u0301 is not é.png",
    "odd/../../escape.jpg": "odd/__/__/escape.png",
    "../escape.jpg": "__/escape.png",
    "odd/./here.jpg": "odd/_/here.png",
    "odd//empty//.jpg": "odd//empty//.jpg.png",
    "/odd at the root.jpg": "/odd at the root.png",
    "odd/without extension": "odd/without extension.png",
    "odd/version 1.25 final": "odd/version 1.25 final.png",
    "odd/.hidden": "odd/.hidden.png",
    "odd/SHOUTING.JPG": "odd/SHOUTING.png",
    "odd/shouting.jpg": "odd/shouting.png",
    "odd/two.dots.tar.jpg": "odd/two.dots.tar.png",
    "odd/already.png": "odd/already.png",
    "odd/ends with a blank .jpg ": "odd/ends with a blank .jpg .png",
    _LONGEST_STEM + ".jpg": _LONGEST_STEM + ".png",
}


@pytest.fixture(scope="module")
def uploads(photos: Photos, gate: GateKeeper) -> Iterator[dict[str, Upload]]:
    """A photo at each key, all uploaded at once."""
    with gate.limited_to(len(_KEYS)):
        yield {upload.key: upload for upload in photos.put_all([*_KEYS, _LONG])}


@pytest.mark.parametrize("key", _KEYS, ids=lambda key: ascii(key[:40]))
def test_cut_out_has_its_photos_name_whatever_that_is(
    key: str, uploads: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """In the same folders, with the extension `.png`; dot segments lead nowhere."""
    job = photos.settled(uploads[key])
    stored = photos.result(_KEYS[key])
    assert (job.state, job.result_key) == (State.COMPLETED, _KEYS[key])
    assert stored is not None
    assert stored.metadata["cutout-job"] == uploads[key].job_id
    assert opened(stored.content).size == opened(uploads[key].content).size
    assert stand_in.charges(key) == 1


def test_key_of_the_greatest_length_gets_a_shortened_result_key(
    uploads: dict[str, Upload], photos: Photos
) -> None:
    """1,024 bytes: there is no room for `.png`, so the name is cut at a character."""
    job = photos.settled(uploads[_LONG])
    assert len(_LONG.encode()) == 1024
    assert job.result_key is not None
    assert job.result_key.startswith("odd/ää")
    assert job.result_key.endswith(".png")
    assert 1000 < len(job.result_key.encode()) <= 1024
    assert photos.result(job.result_key) is not None


def test_cut_out_is_never_outside_the_folders_of_its_photo(
    uploads: dict[str, Upload], photos: Photos
) -> None:
    """Also if keys are read as paths of files."""
    jobs = photos.all_settled(uploads.values())
    keys = [job.result_key or "" for job in jobs]
    assert len(set(keys)) == len(jobs)
    assert [key for key in keys if {".", ".."} & set(key.split("/"))] == []
