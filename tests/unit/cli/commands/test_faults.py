"""`cutout faults`, with the stand-in running on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.local.evolink.faults.fault_rules import ALL_FAULTS
from infra.local.evolink.options import Options
from tests.support.cli.world import World
from tests.support.running_standin import running_standin


@pytest.fixture
def here(world: World) -> Iterator[World]:
    """A world with a running local cloud and stand-in."""
    with running_standin(Options(api_keys=("key",))) as standin:
        world.local.evolink_url = standin.url
        world.local.control_token = standin.control_token
        yield world


def test_faults_are_set_shown_and_cleared(here: World) -> None:
    """Each with its options and how often it was used."""
    told = here.run("faults", "create:402,times=2", "task:moderated,match=shoes/")
    assert told.exit_code == 0
    assert [line.split() for line in told.stdout.splitlines()[1:]] == [
        ["create:402,times=2", "0"],
        ["task:moderated,match=shoes/", "0"],
    ]
    assert json.loads(here.run("faults", "--json").stdout)[0]["fault"] == "402"
    only = here.run("faults", "--clear", "create:429")
    assert [line.split() for line in only.stdout.splitlines()[1:]] == [["create:429", "0"]]
    gone = here.run("faults", "--clear")
    assert (gone.exit_code, gone.stdout) == (0, "")
    assert "No fault is set" in gone.stderr


def test_all_faults_are_listed(here: World) -> None:
    """With the request that each affects, and its effect."""
    told = here.run("faults", "--list")
    assert len(told.stdout.splitlines()) == len(ALL_FAULTS) + 1
    assert "create:402" in told.stdout
    assert "Refused as if the account were empty." in told.stdout


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("task:moderatd", "(similar: task:moderated)."),
        ("402", "'402' is not where:fault"),
        ("create:402,often=2", "no setting 'often' in a rule"),
        ("create:402,times=often", "invalid literal"),
    ],
)
def test_a_rule_that_cannot_be_read_changes_nothing(here: World, rule: str, why: str) -> None:
    """The message gives the reason, and where all faults are listed."""
    told = here.run("faults", "create:429", rule)
    assert (told.exit_code, told.stdout) == (1, "")
    assert why in told.stderr
    assert "`cutout faults --list`" in told.stderr
    assert json.loads(here.run("faults", "--json").stdout) == []


@pytest.mark.parametrize(("url", "token"), [("", "t"), ("https://api.example.com", "")])
def test_without_a_stand_in_no_faults_can_be_set(world: World, url: str, token: str) -> None:
    """No local cloud is running, or another server replaces the provider."""
    world.local.evolink_url, world.local.control_token = url, token
    told = world.run("faults", "create:402")
    assert told.exit_code == 1
    assert "No stand-in is running for this project." in told.stderr
    assert "`cutout up`" in told.stderr


def test_a_stand_in_that_does_not_answer_is_a_one_line_error(world: World) -> None:
    """It has stopped meanwhile."""
    world.local.evolink_url = "http://127.0.0.1:9"
    told = world.run("faults")
    assert told.exit_code == 1
    assert "The stand-in does not answer" in told.stderr
