"""The contract of the S3 adapters on SeaweedFS: a third implementation, unlike the emulators.

Usage: python -m tests.contract.seaweedfs WEED [PYTEST OPTIONS]; `make test-seaweedfs` gets WEED.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from tests.contract.conftest import BESIDES_MOTO
from tests.support.emulators import Start, seaweedfs

_TESTS = (
    "s3/test_objects.py",
    "s3/test_listing.py",
    "s3/test_results_bucket.py",
    "s3/test_buckets.py",
    "s3/test_notes.py",
    "s3/test_work_bucket.py::test_copy_is_read_as_it_was_put",
    "s3/test_work_bucket.py::test_missing_copy_is_gone",
    "s3/test_work_bucket.py::test_copy_has_its_content_type",
    "s3/test_work_bucket.py::test_upload_is_fetched_into_a_file_with_hash_and_metadata",
    "s3/test_hostile_labels.py",
    "dynamodb/test_dedup_records.py::test_cached_result_is_fetched_as_it_was_put",
    "dynamodb/test_dedup_records.py::test_cached_result_is_replaced_only_if_it_is_the_one_that_was_seen",
    "dynamodb/test_dedup_records.py::test_cached_result_is_removed_only_if_it_is_the_one_that_was_seen",
)


class _OnSeaweedFS:
    """Runs on SeaweedFS what would run on the emulators."""

    def __init__(self, program: Path) -> None:
        self._starts: dict[str, Start] = {"seaweedfs": partial(seaweedfs, program)}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Name it before tests are collected."""
        config.stash[BESIDES_MOTO] = self._starts


def main(program: str, *options: str) -> int:
    """Return pytest's status."""
    tests = [str(Path(__file__).parent / name) for name in _TESTS]
    return pytest.main(["-k", "seaweedfs", *options, *tests], plugins=[_OnSeaweedFS(Path(program))])


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
