"""Time limits of calls, within the lease of their worker."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.wiring.job_parts import call_seconds, download_seconds


def test_with_the_default_lease_a_call_has_half_a_minute_and_a_download_a_minute() -> None:
    """Two minutes are enough for both and the other steps."""
    lease = timedelta(seconds=120)
    assert (call_seconds(lease), download_seconds(lease)) == (30, 60)


@pytest.mark.parametrize("seconds", [5, 15, 60, 90, 900])
def test_with_any_lease_the_outcome_of_a_call_can_still_be_recorded(seconds: int) -> None:
    """Connecting and waiting take the limit at most, and both fit in."""
    lease = timedelta(seconds=seconds)
    assert 0 < 2 * call_seconds(lease) < 0.7 * seconds
    assert 0 < download_seconds(lease) <= seconds / 2
