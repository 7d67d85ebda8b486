"""How long the fuzzers run: for a moment in every test run, for longer in `make soak`.

Hypothesis keeps what it found in `.hypothesis`, so each run begins where the one before ended.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("CUTOUT_FUZZ_EXAMPLES", "100"))
"""For each property."""

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Decorates a fuzzer, below `@given`."""
