"""A parallel map that reads ahead by a bounded number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.operator.bounded_parallel import bounded_map


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_items_are_read_only_as_far_ahead_as_they_are_processed(at_once: int) -> None:
    """In order, and all of them."""
    read: list[int] = []

    def things() -> Iterator[int]:
        for number in range(9):
            read.append(number)
            yield number

    made = bounded_map(lambda number: 10 * number, things(), at_once=at_once)
    assert next(made) == 0
    assert len(read) == at_once
    assert list(made) == [10 * number for number in range(1, 9)]
