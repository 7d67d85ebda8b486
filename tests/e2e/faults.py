"""Photos that faults of the provider are done to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.e2e.photos import Photos, Upload
from tests.e2e.stand_in import StandIn

Fault = tuple[str, Mapping[str, Any]]
"""What the stand-in does, and its options."""
Faults = tuple[Fault, ...]
AT_ONCE = 30
"""How many of these photos there is to be room for."""


def key_of(name: str) -> str:
    """The key of the photo that a case is about."""
    return f"faults/{name}.jpg"


def uploaded(names: Mapping[str, Faults], photos: Photos, stand_in: StandIn) -> dict[str, Upload]:
    """Have each photo meet its faults, and upload all of them."""
    for name, faults in names.items():
        for fault, options in faults:
            stand_in.commit(fault, key_of(name), **options)
    uploads = photos.put_all([key_of(name) for name in names])
    return dict(zip(names, uploads, strict=True))
