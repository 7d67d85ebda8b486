"""Deployed by the CDK's own command, and by CloudFormation alone, as the documents say."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.states import State
from infra.deploy.__main__ import main
from infra.node import node_path
from tests.e2e.deployed import Deployed
from tests.e2e.deploying import exists, on_the_local_cloud, stack_of
from tests.e2e.page_commands import commands_with, run_commands
from tests.e2e.photos import Photos
from tests.e2e.pictures import small_photo
from tests.support.whole_table import WholeTable

pytestmark = pytest.mark.second_cloud

_KEY = "ways/a.jpg"


def test_cdks_own_command_synthesizes_compares_and_deploys(deployed: Deployed) -> None:
    """In the folder of the app; afterwards it finds no difference, and destroys the stack again."""
    place = deployed.place
    cdk = place.source / "infra" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
    settings = shlex.join(on_the_local_cloud(deployed))
    call = f'{shlex.join([str(node_path()), str(cdk)])} "$@" {settings}'
    # The template is the same in three syntheses, and is checked in one.
    function = f"cdk() {{ {call}; export CDK_VALIDATION=false; }}\n"
    lines = commands_with("infra/README.md", "cdk synth")
    variables = {
        **deployed.cloud.variables,
        "HOME": str(Path.home()),
        # Nobody can answer a question here.
        "CDK_REQUIRE_APPROVAL": "never",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }
    run_commands(f"{function}{lines}", place.source, variables)
    cloudformation = deployed.client("cloudformation")
    assert exists(cloudformation.describe_stacks, StackName="Cutout-cdk")
    # What was synthesized for the deployment is used for both.
    again = "cd infra\ncdk diff --fail --app ../cdk.out\ncdk destroy --force --app ../cdk.out\n"
    run_commands(f"{function}{again}", place.source, variables)
    assert not exists(cloudformation.describe_stacks, StackName="Cutout-cdk")


def test_template_and_the_aws_cli_deploy_a_working_stack(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the guide's own commands, and assets in a bucket of the user's own."""
    settings = on_the_local_cloud(deployed, stage="template", min_side="1")
    monkeypatch.setenv("CDK_VALIDATION", "false")
    assert main(["template", "--folder", str(tmp_path), *settings]) == 0
    (tmp_path / "key.txt").write_text(deployed.cloud.api.key)
    deployed.client("s3").create_bucket(Bucket="somebodys-assets")
    guide = (tmp_path / "README.md").read_text()
    lines = guide.partition("```sh\n")[2].partition("```")[0]
    variables = {**deployed.cloud.variables, "BUCKET": "somebodys-assets"}
    told = run_commands(lines, tmp_path, variables)
    stack = stack_of(deployed, "Cutout-template")
    assert stack.cloud.outputs["UploadsBucketName"] in told
    table = Table(stack.client("dynamodb"), stack.cloud.outputs["JobsTableName"])
    photos = Photos(stack, WholeTable(table))
    job = photos.settled(photos.put(_KEY, small_photo(402)))
    assert job.state is State.COMPLETED
    run_commands(
        "aws cloudformation delete-stack --stack-name Cutout-template", tmp_path, variables
    )
    cloudformation = stack.client("cloudformation")
    assert not exists(cloudformation.describe_stacks, StackName="Cutout-template")
    assert len(guide.partition("\n")[2].strip().splitlines()) <= 20
