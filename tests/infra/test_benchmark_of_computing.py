"""The benchmark of what functions compute runs, and StoreResult completes the jobs of its bench."""

from __future__ import annotations

from tests.benchmarks.computing import measured, recorded

_SMALL = 0.1


def test_every_function_is_measured() -> None:
    """Two small photos give each function figures of the recorded form."""
    figures = measured(photos=2, megapixels=_SMALL)
    assert set(figures) == set(recorded())
    for one in figures.values():
        assert min(one.ready, one.first, one.warm, one.peak_mb) > 0
