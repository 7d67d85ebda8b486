"""The limits that Prepare sets for a decoder, within its own."""

from __future__ import annotations

from datetime import timedelta

from cutout.adapters.pillow.sandbox.decoder_process import LOOK_SECONDS
from cutout.domain.function_settings import PrepareSettings
from cutout.wiring.prepare_function import decoder_limits

SETTINGS = PrepareSettings(
    stack="Cutout",
    work_bucket="work",
    submissions_queue_url="https://sqs.example/submissions",
    max_bytes=10_000_000,
    max_pixels=50_000_000,
    min_side=240,
    max_side=7680,
    memory_mb=3008,
    disk_mb=512,
    timeout_seconds=timedelta(seconds=110),
)


def test_a_photo_that_takes_all_its_time_ends_before_the_function() -> None:
    """One inspection and two copies, with a fifth of the time left for transfers and the report."""
    limits = decoder_limits(SETTINGS)
    assert 0 < LOOK_SECONDS + 2 * limits.seconds <= 110 * 0.8
    assert limits.memory_mb < SETTINGS.memory_mb
