"""Fuzzed files: each is read as a photo or refused with a reason."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.s3.encoded_words import decoded, encoded
from cutout.adapters.s3.object_metadata import labels_of
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, inspect
from tests.contract.fuzz.profiles import fuzzed

_FILES = Path(__file__).parents[1] / "pillow" / "pictures" / "files"
_SMALL = 40_000
PICTURES = sorted(
    path for path in _FILES.iterdir() if path.is_file() and path.stat().st_size <= _SMALL
)
LIMITS = PhotoLimits(
    max_bytes=10_000_000,
    max_pixels=50_000_000,
    min_side=1,
    max_side=7680,
    prepare_max_bytes=100_000_000,
)
MOST_PIXELS = 4_000_000
HEADERS = st.text(st.characters(max_codepoint=255), max_size=60) | st.builds(
    "=?{}?{}?{}?=".format,
    st.sampled_from(["utf-8", "latin-1", "utf-7", "unicode_escape", "idna", "punycode", "x"]),
    st.sampled_from("bBqQ"),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """One of the pictures, with bytes changed, cut out, doubled or taken from another."""
    data = bytearray(draw(st.sampled_from(PICTURES)).read_bytes())
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 64))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + length] = draw(st.binary(min_size=length, max_size=length))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case _:
                other = draw(st.sampled_from(PICTURES)).read_bytes()
                data[at : at + length] = other[at : at + length]
    return bytes(data)


@fuzzed
@given(data=files() | st.binary(max_size=400))
def test_structure_of_any_file_is_read_or_refused(data: bytes) -> None:
    """Nothing else is raised, and an accepted photo has pixels."""
    why = ""
    try:
        photo = inspect(data, LIMITS)
        is_photo = photo.width * photo.height > 0
    except NotAPhotoError as refused:
        is_photo, why = False, str(refused)
    assert is_photo or why


@fuzzed
@given(data=files())
def test_any_file_is_decoded_or_refused(data: bytes) -> None:
    """A copy has the size of the header; a refusal has a reason."""
    with tempfile.TemporaryDirectory() as folder:
        file, into = Path(folder) / "photo", Path(folder) / "copy"
        file.write_bytes(data)
        copier = PillowCopier()
        why, is_whole = "", False
        try:
            seen = copier.look(file)
            if seen.width * seen.height > MOST_PIXELS:
                return
            made = copier.upright(file, into)
            is_whole = (made.width, made.height) == (seen.width, seen.height)
        except NotAPhotoError as refused:
            why = str(refused)
        assert is_whole or why


@fuzzed
@given(metadata=st.dictionaries(st.text(max_size=20), HEADERS, max_size=4), expires=HEADERS)
def test_any_headers_become_labels_that_can_be_stored(
    metadata: dict[str, str], expires: str
) -> None:
    """Every value is text that UTF-8 can hold, and reads the same once it is written."""
    labels = labels_of({"Metadata": metadata, "ExpiresString": expires}, [])
    for text in labels.metadata.values():
        text.encode()
        assert decoded(encoded(text)) == text
