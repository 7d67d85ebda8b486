"""The use case of Prepare."""

from __future__ import annotations

from cutout.domain.photo.inspection import PhotoLimits
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.wiring.ports import PreparePorts


def prepare_copy(ports: PreparePorts, limits: PhotoLimits) -> PrepareCopy:
    """Compose PrepareCopy."""
    return PrepareCopy(
        uploads=ports.uploads,
        copier=ports.copier,
        copies=ports.copies,
        reports=ports.reports,
        telemetry=ports.telemetry,
        limits=limits,
    )
