"""The benchmark of latency runs on the deployed stack."""

from __future__ import annotations

import pytest

from tests.benchmarks.latency import RunningCloud, table
from tests.e2e.deployed import Deployed

_PHOTOS = 3


@pytest.mark.usefixtures("open_gate")
def test_the_way_of_each_photo_is_measured(deployed: Deployed) -> None:
    """Both spans of each photo, CPU time and checks of permissions become a row."""
    cloud = RunningCloud(deployed.place, deployed.cloud.variables)
    figures = cloud.measure(_PHOTOS, at_once=_PHOTOS)
    assert len(figures.to_request) == len(figures.to_result) == _PHOTOS
    assert min(figures.to_request) > 0
    assert figures.cpu_seconds > 0
    assert figures.permission_checks > _PHOTOS
    assert table([figures])[-1].startswith(f"| {_PHOTOS} | ")
