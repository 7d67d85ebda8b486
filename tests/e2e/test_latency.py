"""The benchmark of latency runs on the deployed stack."""

from __future__ import annotations

import pytest

from tests.benchmarks.latency import measured
from tests.e2e.deployed import Deployed

_PHOTOS = 3


@pytest.mark.usefixtures("open_gate")
def test_both_spans_of_each_photo_are_measured(deployed: Deployed) -> None:
    """A request follows its upload; the cut-out is stored about when its callback is answered."""
    latency = measured(deployed.cloud.variables, photos=_PHOTOS, at_once=_PHOTOS)
    assert len(latency.to_request) == len(latency.to_result) == _PHOTOS
    assert min(latency.to_request) > 0
