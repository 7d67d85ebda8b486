"""Suppressions of findings: each applies to a resource."""

import pytest
from aws_cdk import App, CfnResource

from infra.constructs.nag_suppressions import SUPPRESSIONS, Suppression
from infra.deployed_functions import Asset, FunctionName
from infra.settings.settings import Settings
from infra.stack import CutoutStack


@pytest.fixture(scope="module")
def resources(stand_in_assets: dict[FunctionName, Asset]) -> list[CfnResource]:
    """Return every resource of a deployment with an alarm address."""
    settings = Settings(alarm_email="ops@example.com")
    stack = CutoutStack(App(analytics_reporting=False), settings=settings, assets=stand_in_assets)
    return [one for one in stack.node.find_all() if isinstance(one, CfnResource)]


@pytest.mark.parametrize("known", SUPPRESSIONS, ids=lambda known: known.rules[0])
def test_every_suppression_has_a_resource(known: Suppression, resources: list[CfnResource]) -> None:
    """A suppression without one would hide findings in later resources."""
    assert [one for one in resources if known.applies_to(one)]


def test_dead_letters_are_the_only_queues_without_dead_letters(
    resources: list[CfnResource],
) -> None:
    """The reason for them is not applied to queues of work."""
    [known] = [one for one in SUPPRESSIONS if "SQS" in one.rules[0]]
    excused = {one.node.path for one in resources if known.applies_to(one)}
    assert excused
    assert [
        path for path in excused if "DeadLetters" not in path and "Undeliverable" not in path
    ] == []
