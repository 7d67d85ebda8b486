"""Which stack a command is about."""

from __future__ import annotations

import pytest

from cutout.cli.aws.description import Description, StackOutputs
from cutout.cli.aws.target import Target, find_target
from cutout.cli.options.environment import CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.cli.output.problems import Problem

LOCAL = {"AWS_ENDPOINT_URL": "https://127.0.0.1:1", "CUTOUT_STACK": "Mine"}
NOTHING = CliSettings()


def test_a_local_cloud_that_is_up_is_used() -> None:
    """Its stack is the one that was deployed to it."""
    assert find_target(Choice(), NOTHING, LOCAL) == Target(stack="Mine", variables=LOCAL)


@pytest.mark.parametrize(
    "choice",
    [Choice(aws=True), Choice(profile="work"), Choice(region="eu-central-1")],
)
def test_aws_is_used_if_anything_says_so(choice: Choice) -> None:
    """`--aws`, a profile or a region means AWS even while a local cloud is up."""
    target = find_target(choice, NOTHING, LOCAL)
    assert target == Target(stack="Cutout", profile=choice.profile, region=choice.region)


def test_aws_is_used_without_a_local_cloud() -> None:
    """With whatever credentials AWS tools find."""
    assert find_target(Choice(), NOTHING, None) == Target(stack="Cutout")


@pytest.mark.parametrize("local", [None, LOCAL])
def test_the_option_names_the_stack(local: dict[str, str] | None) -> None:
    """`--stack` wins over the environment and over what is deployed locally."""
    target = find_target(Choice(stack="Other"), CliSettings(stack="FromEnvironment"), local)
    assert target.stack == "Other"


def test_the_environment_names_the_stack_on_aws() -> None:
    """`CUTOUT_STACK` says it once for all commands."""
    assert find_target(Choice(), CliSettings(stack="FromEnvironment"), None).stack == (
        "FromEnvironment"
    )


def test_the_environment_names_the_region_as_it_does_for_the_aws_cli() -> None:
    """boto3 does not read `AWS_REGION`; an option says more than the environment."""
    settings = CliSettings.from_environment({"AWS_REGION": "eu-west-1"})
    assert find_target(Choice(), settings, None).region == "eu-west-1"
    assert find_target(Choice(region="us-east-2"), settings, None).region == "us-east-2"
    assert find_target(Choice(), settings, LOCAL).region is None


def test_settings_come_from_the_environment() -> None:
    """Empty variables are as good as none."""
    read = CliSettings.from_environment({"CUTOUT_STACK": "S", "EVOLINK_API_KEY": ""})
    assert (read.stack, read.evolink_api_key) == ("S", None)


def test_a_stack_without_our_outputs_is_somebody_elses() -> None:
    """The person is told to name another, and which output is missing."""
    with pytest.raises(Problem, match="has no output UploadsBucketName"):
        StackOutputs.read(
            Description(status="CREATE_COMPLETE", outputs={"Website": "https://example.com"}),
            stack="Blog",
        )


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_stack_that_is_not_there_yet_is_not_taken_for_somebody_elses(status: str) -> None:
    """While it is created, or after that failed, it has no outputs; another name does not help."""
    with pytest.raises(Problem, match=f"Cutout is {status} and has no outputs") as caught:
        StackOutputs.read(Description(status=status, outputs={}), stack="Cutout")
    assert "Wait until it is deployed" in caught.value.advice


def test_a_whole_stack_without_outputs_is_somebody_elses() -> None:
    """There is nothing to wait for."""
    with pytest.raises(Problem, match="not a Cutout stack"):
        StackOutputs.read(Description(status="CREATE_COMPLETE", outputs={}), stack="Blog")
