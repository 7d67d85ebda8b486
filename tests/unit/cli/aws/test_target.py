"""The choice of the stack for a command."""

from __future__ import annotations

import pytest

from cutout.cli.aws.description import Description, StackOutputs
from cutout.cli.aws.target import Target, find_target
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem

LOCAL = {"AWS_ENDPOINT_URL": "https://127.0.0.1:1", "CUTOUT_STACK": "Mine"}
NOTHING = CliSettings()


def test_a_running_local_cloud_is_used() -> None:
    """With the stack that was deployed to it."""
    assert find_target(Choice(), NOTHING, LOCAL) == Target(stack="Mine", variables=LOCAL)


@pytest.mark.parametrize(
    "choice",
    [Choice(aws=True), Choice(profile="work"), Choice(region="eu-central-1")],
)
def test_aws_is_used_if_an_option_requires_it(choice: Choice) -> None:
    """`--aws`, a profile or a region selects AWS even while a local cloud is running."""
    target = find_target(choice, NOTHING, LOCAL)
    assert target == Target(stack="Cutout", profile=choice.profile, region=choice.region)


def test_aws_is_used_without_a_local_cloud() -> None:
    """With the credentials that AWS tools find."""
    assert find_target(Choice(), NOTHING, None) == Target(stack="Cutout")


@pytest.mark.parametrize("local", [None, LOCAL])
def test_the_option_names_the_stack(local: dict[str, str] | None) -> None:
    """`--stack` takes precedence over the environment and over the local cloud."""
    target = find_target(Choice(stack="Other"), CliSettings(stack="FromEnvironment"), local)
    assert target.stack == "Other"


def test_the_environment_names_the_stack_on_aws() -> None:
    """`CUTOUT_STACK` applies to all commands."""
    assert find_target(Choice(), CliSettings(stack="FromEnvironment"), None).stack == (
        "FromEnvironment"
    )


def test_the_environment_names_the_region_as_for_the_aws_cli() -> None:
    """boto3 does not read `AWS_REGION`; an option takes precedence over it."""
    settings = CliSettings.from_environment({"AWS_REGION": "eu-west-1"})
    assert find_target(Choice(), settings, None).region == "eu-west-1"
    assert find_target(Choice(region="us-east-2"), settings, None).region == "us-east-2"
    assert find_target(Choice(), settings, LOCAL).region is None


def test_settings_come_from_the_environment() -> None:
    """Empty variables are ignored."""
    read = CliSettings.from_environment({"CUTOUT_STACK": "S", "EVOLINK_API_KEY": ""})
    assert (read.stack, read.evolink_api_key) == ("S", None)


def test_a_stack_without_our_outputs_is_refused() -> None:
    """The message names the missing output."""
    with pytest.raises(Problem, match="has no output UploadsBucketName"):
        StackOutputs.read(
            Description(status="CREATE_COMPLETE", outputs={"Website": "https://example.com"}),
            stack="Blog",
        )


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_stack_that_is_not_deployed_yet_is_named_as_such(status: str) -> None:
    """It has no outputs while it is created or after that failed; another name does not help."""
    with pytest.raises(Problem, match=f"Cutout is {status} and has no outputs") as caught:
        StackOutputs.read(Description(status=status, outputs={}), stack="Cutout")
    assert "Wait until it is deployed" in caught.value.advice


def test_a_complete_stack_without_outputs_is_no_cutout_stack() -> None:
    """Waiting would not help."""
    with pytest.raises(Problem, match="not a Cutout stack"):
        StackOutputs.read(Description(status="CREATE_COMPLETE", outputs={}), stack="Blog")
