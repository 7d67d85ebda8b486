"""The deployed stack, deployed once more with other settings: an update, as an operator does it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from infra.local.deployment.cdk_cli import (
    CdkRun,
    RunningCdk,
    cdk_environment,
    deploy_run,
    synth_environment,
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
    """Update the stack in place; what was synthesized serves the next session too."""
    place, cloud = deployed.place, deployed.cloud
    wished = local_settings(cloud.endpoint, cloud.api, CloudRequest(stack=STACK, settings=settings))
    output = synthesized_folder(place, fingerprint(place.source, wished))
    if not is_synthesized(output):
        run = synth_run(place, output=output, settings=wished)
        _finish(run, deployed, synth_environment(os.environ))
        mark_synthesized(output)
    outputs = place.scratch / "updated.json"
    run = deploy_run(place, output=output, stack=STACK, outputs=outputs)
    _finish(run, deployed, cdk_environment(place, cloud.variables))


def _finish(run: CdkRun, deployed: Deployed, environment: Mapping[str, str]) -> None:
    with RunningCdk(run, deployed.place, environment) as running:
        running.finish()
