"""Updates of a deployed stack: with other settings, or as it was synthesized before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from infra.local.deployment.cdk_cli import (
    CdkRun,
    RunningCdk,
    deploy_run,
    synth_run,
)
from infra.local.deployment.synth_cache import (
    fingerprint,
    is_synthesized,
    mark_synthesized,
    synthesized_folder,
)
from infra.local.start import CloudRequest, local_settings
from tests.e2e.deployed import STACK, Deployed


def update(deployed: Deployed, settings: Mapping[str, str]) -> None:
    """Update the stack in place; the synthesized template is used by the next session too."""
    place, cloud = deployed.place, deployed.cloud
    wished = local_settings(cloud.endpoint, cloud.api, CloudRequest(stack=STACK, settings=settings))
    output = synthesized_folder(place, fingerprint(place.source, wished))
    if not is_synthesized(output):
        _finish(synth_run(place, os.environ, output=output, settings=wished))
        mark_synthesized(output)
    deploy(deployed, output, STACK)


def deploy(deployed: Deployed, synthesized: Path, stack: str) -> None:
    """Deploy what was synthesized into a folder."""
    place = deployed.place
    outputs = place.scratch / "updated.json"
    _finish(
        deploy_run(
            place, deployed.cloud.variables, output=synthesized, stack=stack, outputs=outputs
        )
    )


def _finish(run: CdkRun) -> None:
    with RunningCdk(run) as running:
        running.finish()
