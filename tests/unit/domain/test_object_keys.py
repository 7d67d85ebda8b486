"""At which keys results, notes and variants are stored."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.object_keys import (
    beside,
    note_key,
    result_keys,
    review_keys,
)
from cutout.domain.recipes import Recipe

MAX_KEY_BYTES = 1024
"""S3's limit for a key, in UTF-8."""

_TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab./ +%"),
    min_size=1,
)
KEYS = _TEXT.filter(lambda key: len(key.encode()) <= MAX_KEY_BYTES)
LONG_KEYS = (
    st.sampled_from("aé写🥾")
    .map(lambda letter: letter * 1024)
    .map(lambda key: key.encode()[:1020].decode(errors="ignore") + ".jpg")
)
PREFIXES = st.sampled_from(["", "out/", "cut outs/ü/", "a"])


def candidates(key: str, *, upload: str = "", result: str = "") -> list[str]:
    """The first candidate keys, best first; there is always another."""
    return list(islice(result_keys(key, upload_prefix=upload, result_prefix=result), 6))


@pytest.mark.parametrize(
    ("key", "best"),
    [
        ("shoes/red.jpg", "shoes/red.png"),
        ("red.png", "red.png"),
        ("red.JPG", "red.png"),
        ("red.JpEg", "red.png"),
        ("my photos/red shoe.jpg", "my photos/red shoe.png"),
        ("a+b.jpg", "a+b.png"),
        ("100%.jpg", "100%.png"),
        ("100%25.jpg", "100%25.png"),
        ("Söhne/写真.webp", "Söhne/写真.png"),
        ("no-extension", "no-extension.png"),
        ("folder.v2/photo", "folder.v2/photo.png"),
        ("archive.tar.gz", "archive.tar.png"),
        ("Dr. Smith", "Dr. Smith.png"),
        ("photo.extension", "photo.extension.png"),
        ("photo.x", "photo.png"),
        ("photo.abcde", "photo.png"),
        ("photo.abcdef", "photo.abcdef.png"),
        ("photo._jp", "photo._jp.png"),
        (".jpg", ".jpg.png"),
        ("shoes/.jpg", "shoes/.jpg.png"),
        ("ends.", "ends..png"),
        ("../../etc/red.jpg", "__/__/etc/red.png"),
        ("a/./b/../red.jpg", "a/_/b/__/red.png"),
        ("/red.jpg", "/red.png"),
        ("a//red.jpg", "a//red.png"),
        ("..jpg", "..jpg.png"),
    ],
)
def test_a_result_key_is_the_source_key_with_its_extension_replaced(key: str, best: str) -> None:
    """Same folders, same name, `.png`; dot segments are replaced."""
    assert candidates(key)[0] == best


def test_photos_that_differ_in_extension_get_different_result_keys() -> None:
    """`a.jpg` gets `a.png`; then `a.png` gets `a.png.png`; the next candidate has a hash."""
    assert candidates("shoes/a.jpg")[:3] == [
        "shoes/a.png",
        "shoes/a.jpg.png",
        "shoes/a-0325531c0f36.png",
    ]
    assert candidates("shoes/a.png")[:3] == [
        "shoes/a.png",
        "shoes/a.png.png",
        "shoes/a-ac5485baf7cd.png",
    ]


@pytest.mark.parametrize("key", ["shoes/a.jpg", "写" * 340 + ".jpg"])
def test_there_is_always_another_key(key: str) -> None:
    """An uploaded file may have the very name with our hash in it."""
    offered = list(islice(result_keys(key, upload_prefix="", result_prefix=""), 2, 12))
    assert len(set(offered)) == 10
    assert all(len(name.encode()) <= MAX_KEY_BYTES for name in offered)


@pytest.mark.parametrize(
    ("key", "best"),
    [
        ("incoming/shoes/a.jpg", "cut-outs/shoes/a.png"),
        ("incoming/../a.jpg", "cut-outs/__/a.png"),
        ("incoming/incoming/a.jpg", "cut-outs/incoming/a.png"),
    ],
)
def test_the_upload_prefix_is_replaced_by_the_result_prefix(key: str, best: str) -> None:
    """The folders below it stay."""
    assert candidates(key, upload="incoming/", result="cut-outs/")[0] == best


@pytest.mark.parametrize("letter", ["a", "é", "写", "🥾"])
def test_the_longest_keys_are_cut_at_a_character(letter: str) -> None:
    """A key of 1,024 bytes gets a result key that fits and ends in a hash."""
    longest = letter * (MAX_KEY_BYTES // len(letter.encode()))
    best = candidates(longest)[0]
    kept, _, tail = best.rpartition("-")
    assert MAX_KEY_BYTES - len(letter.encode()) < len(best.encode()) <= MAX_KEY_BYTES
    assert set(kept) == {letter}
    assert len(tail) == len("0123456789ab.png")


def test_a_key_that_just_fits_is_not_cut() -> None:
    """1,020 bytes and `.png` are S3's 1,024."""
    assert candidates("a" * 1020 + ".jpg")[0] == "a" * 1020 + ".png"


def test_keys_that_differ_after_the_cut_stay_different() -> None:
    """By a hash of the whole key."""
    one, other = candidates("a" * 1023 + "b"), candidates("a" * 1023 + "c")
    assert set(one).isdisjoint(other)


@given(key=KEYS | LONG_KEYS, result=PREFIXES)
def test_every_candidate_is_a_png_within_its_prefix_and_s3s_limit(key: str, result: str) -> None:
    """Whatever the key: never outside the prefix, never over 1,024 bytes, always `.png`."""
    for candidate in candidates(key, result=result):
        assert candidate.startswith(result)
        assert candidate.endswith(".png")
        assert len(candidate.encode()) <= MAX_KEY_BYTES
        assert not {".", ".."} & set(candidate.split("/"))


@given(key=KEYS | LONG_KEYS)
def test_candidates_are_the_same_each_time_and_end_with_a_hash(key: str) -> None:
    """The last of them has a hash of the source key."""
    assert candidates(key) == candidates(key)
    assert candidates(key)[-1] != candidates(key + "x")[-1]


@given(key=KEYS.filter(lambda key: len(key.encode()) < 900))
def test_a_taken_candidate_is_followed_by_another(key: str) -> None:
    """The last differs from those before it."""
    *others, last = candidates(key)
    assert last not in others


@given(keys=st.lists(KEYS, unique=True, min_size=2, max_size=6))
def test_photos_never_share_a_result_key(keys: list[str]) -> None:
    """Each takes the first free candidate, as in the table."""
    claimed: dict[str, str] = {}
    for key in keys:
        free = next(c for c in candidates(key) if claimed.get(c, key) == key)
        claimed[free] = key
    assert sorted(claimed.values()) == sorted(keys)


@pytest.mark.parametrize(
    ("result", "review"),
    [("shoes/red.png", "review/shoes/red.png"), ("out/red.jpg.png", "review/out/red.jpg.png")],
)
def test_doubtful_results_are_stored_under_review(result: str, review: str) -> None:
    """Same name, in a separate folder."""
    assert next(review_keys(result, "a.jpg")) == review


def test_review_keys_that_differ_after_the_cut_stay_different() -> None:
    """Two results with names of the full length get different keys under `review/`."""
    one, other = "a" * 1019 + "b.png", "a" * 1019 + "c.png"
    assert next(review_keys(one, "a.jpg")) != next(review_keys(other, "a.jpg"))
    assert len(next(review_keys(one, "a.jpg"))) == MAX_KEY_BYTES


@given(key=KEYS | LONG_KEYS, result=PREFIXES)
def test_review_keys_fit_and_stay_different(key: str, result: str) -> None:
    """Never outside `review/`, never over 1,024 bytes, and as different as the results."""
    results = candidates(key, result=result)
    reviews = [next(review_keys(key, "a.jpg")) for key in results]
    for review in reviews:
        assert review.startswith("review/")
        assert review.endswith(".png")
        assert len(review.encode()) <= MAX_KEY_BYTES
    for (one, other), (a, b) in zip(pairwise(results), pairwise(reviews), strict=True):
        assert (one == other) == (a == b)


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("in/shoes/red.jpg", "out/shoes/red.jpg.error.json"),
        ("in/no extension", "out/no extension.error.json"),
        ("in/folder/", "out/folder/.error.json"),
    ],
)
def test_a_note_is_stored_where_the_cut_out_would_be(key: str, note: str) -> None:
    """With the source's whole name, so that two sources have two notes."""
    assert note_key(key, upload_prefix="in/", result_prefix="out/") == note


@given(keys=st.lists(KEYS | LONG_KEYS, unique=True, min_size=2, max_size=4), result=PREFIXES)
def test_notes_fit_stay_in_their_prefix_and_stay_different(keys: list[str], result: str) -> None:
    """However long the keys are, and whatever dots they contain."""
    notes = [note_key(key, upload_prefix="", result_prefix=result) for key in keys]
    assert len(set(notes)) == len(keys)
    for note in notes:
        assert note.startswith(result)
        assert note.endswith(".error.json")
        assert len(note.encode()) <= MAX_KEY_BYTES
        assert not {".", ".."} & set(note.split("/"))


@given(key=KEYS | LONG_KEYS)
def test_a_review_note_is_never_taken_for_an_error_note(key: str) -> None:
    """It fits into S3's limit, and ends differently."""
    for result in candidates(key):
        said = beside(next(review_keys(result, "a.jpg")))
        assert said.startswith("review/")
        assert said.endswith(".json")
        assert not said.endswith(".error.json")
        assert len(said.encode()) <= MAX_KEY_BYTES


def test_review_notes_of_the_longest_names_stay_different() -> None:
    """By a hash of what was cut off."""
    one, other = "review/" + "a" * 1010 + "b.png", "review/" + "a" * 1010 + "c.png"
    assert beside(one) != beside(other)


def test_candidates_are_numbered_from_two_once_a_hash_is_taken() -> None:
    """The first has the hash only."""
    keys = list(islice(result_keys("a.jpg", upload_prefix="", result_prefix=""), 5))
    digest = keys[2].removeprefix("a-").removesuffix(".png")
    assert len(digest) == 12
    assert keys == [
        "a.png",
        "a.jpg.png",
        f"a-{digest}.png",
        f"a-{digest}-2.png",
        f"a-{digest}-3.png",
    ]
    reviewed = list(islice(review_keys("a.png", "a.jpg"), 4))
    assert reviewed == ["review/a.png", *(f"review/{key}" for key in keys[2:])]


def test_a_variant_has_a_second_candidate_with_a_hash() -> None:
    """The variant of another cut-out may have the first."""
    first, second = Recipe(name="web", format="webp").keys("out/a/b.png", "out/")
    mark = second.removeprefix("out/a/b-").removesuffix(".web.webp")
    assert (first, second, len(mark)) == ("out/a/b.web.webp", f"out/a/b-{mark}.web.webp", 12)
    assert int(mark, 16)
