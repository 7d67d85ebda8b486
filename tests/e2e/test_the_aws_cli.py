"""The AWS CLI on the local cloud, as `cutout up` and the document describe it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cutout.cli.commands.up import usage
from infra.local.place import shipped_photos
from tests.e2e.deployed import Deployed
from tests.e2e.page_commands import commands_with, run_commands
from tests.e2e.photos import Photos


@pytest.fixture
def project(deployed: Deployed, tmp_path: Path) -> Path:
    """A folder with the project's photos and the `local.env` of the local cloud."""
    (tmp_path / "infra").symlink_to(deployed.place.source / "infra")
    (tmp_path / ".cutout").mkdir()
    shutil.copy(deployed.place.env_file, tmp_path / ".cutout" / "local.env")
    shutil.copy(shipped_photos()[-1], tmp_path / "photo.jpg")
    return tmp_path


def test_commands_of_the_document_reach_the_local_cloud(
    deployed: Deployed, photos: Photos, project: Path
) -> None:
    """For every service, also SQS, with only `local.env` in the environment."""
    told = run_commands(commands_with("infra/README.md", "aws sqs list-queues"), project, {})
    queue = deployed.cloud.outputs["SubmissionsQueueUrl"].rpartition("/")[2]
    assert f"{deployed.cloud.endpoint.url}/000000000000/{queue}" in told
    assert '"Count": ' in told
    assert f"s3://{photos.bucket}/cli/coffee.jpg" in told


def test_commands_that_up_prints_work(deployed: Deployed, photos: Photos, project: Path) -> None:
    """Copied into a shell."""
    printed = usage(deployed.cloud.variables, Path(".cutout/local.env"))
    lines = [line.strip() for line in printed.splitlines() if line.startswith("    ")]
    told = run_commands("\n".join(lines), project, {})
    assert len(lines) == 3
    assert f"s3://{photos.bucket}/photo.jpg" in told


def test_only_sqs_is_not_reached_without_the_documents_function(
    deployed: Deployed, project: Path
) -> None:
    """Version 1 of the AWS CLI overrides the endpoint of `aws sqs`, and of no other service."""
    lines = "set -a; . .cutout/local.env; set +a; unset -f aws\n"
    told = run_commands(f"{lines} aws secretsmanager list-secrets", project, {})
    assert [one["Name"] for one in json.loads(told)["SecretList"]]
    # A proxy that refuses keeps the request on this machine.
    nowhere = {"AWS_MAX_ATTEMPTS": "1", "https_proxy": "http://127.0.0.1:9"}
    told = run_commands(f"{lines} aws sqs list-queues 2>&1 || true", project, nowhere)
    assert deployed.cloud.endpoint.url not in told
    assert "127.0.0.1:9" in told or "queue.amazonaws.com" in told
