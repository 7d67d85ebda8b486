"""Deploying a stack again as it was synthesized before."""

from __future__ import annotations

from pathlib import Path

from infra.local.cdk_cli import deploy_run
from tests.e2e.deployed import Deployed


def deploy_again(deployed: Deployed, synthesized: Path, stack: str) -> None:
    """Deploy what was synthesized into a folder."""
    place = deployed.place
    outputs = place.scratch / "again.json"
    with deploy_run(
        place, deployed.cloud.variables, output=synthesized, stack=stack, outputs=outputs
    ) as running:
        running.finish()
