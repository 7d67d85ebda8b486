"""Photos with faults of the provider."""

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
    """Return the key of a case's photo."""
    return f"faults/{name}.jpg"


def uploaded(names: Mapping[str, Faults], photos: Photos, stand_in: StandIn) -> dict[str, Upload]:
    """Set the faults of each photo, and upload all of them."""
    for name, faults in names.items():
        for fault, options in faults:
            stand_in.commit(fault, key_of(name), **options)
    uploads = photos.put_all([key_of(name) for name in names])
    return dict(zip(names, uploads, strict=True))
