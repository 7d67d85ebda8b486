"""Calls end before the worker that makes them is ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.wiring.job_parts import call_seconds, download_seconds


def test_with_the_usual_lease_the_provider_has_half_a_minute_and_a_download_a_minute() -> None:
    """Two minutes are enough for both, and for what is to be done besides."""
    lease = timedelta(seconds=120)
    assert (call_seconds(lease), download_seconds(lease)) == (30, 60)


@pytest.mark.parametrize("seconds", [5, 15, 60, 90, 900])
def test_however_short_the_lease_a_calls_outcome_can_still_be_recorded(seconds: int) -> None:
    """Connecting and waiting each take the limit at most, and both fit in with time to spare."""
    lease = timedelta(seconds=seconds)
    assert 0 < 2 * call_seconds(lease) < 0.7 * seconds
    assert 0 < download_seconds(lease) <= seconds / 2
