"""What emulators of AWS do other than its documentation says, where our tests notice it.

Such a test is expected to fail there, and fails the run once it passes. The page `infra/README.md`
has a row about each, with AWS's documented answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

_HOSTILE = "test_labels_of_any_upload_fit_into_the_request_that_writes_its_cut_out"

# emulator: test and its parameters, as a regular expression: what happens there
DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "ministack": {
        r"test_listing_has_all_pages_and_only_keys_with_its_prefix ministack-plain": (
            "a page of versions begins with the last version of the page before"
        ),
        r"test_upload_is_read_by_its_version ministack": (
            "the tags of a version are not found once its key is deleted"
        ),
    },
    "seaweedfs": {
        rf"{_HOSTILE} .*-\.\./up\.jpg": "a key may not go up a folder",
        rf"{_HOSTILE} .*-key4": "a part of a key has at most 255 bytes",
        rf"{_HOSTILE} seaweedfs-[45]-.*": "Expires must be a date",
        r"test_impossible_time_is_left_out_and_named .*": "Expires must be a date",
        rf"{_HOSTILE} seaweedfs-8-.*": "a tag's value has at most 256 bytes",
    },
}


def difference(emulator: str, item: pytest.Function) -> str | None:
    """Return why this test fails on this emulator, if it does."""
    name = f"{item.originalname} {item.callspec.id}"
    told = DIFFERENCES.get(emulator, {}).items()
    return next(
        (reason for pattern, reason in told if re.fullmatch(pattern, name, re.DOTALL)), None
    )
