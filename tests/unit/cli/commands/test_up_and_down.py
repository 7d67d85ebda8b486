"""`cutout up` and `cutout down`."""

from __future__ import annotations

import json

import pytest

from cutout.cli.local_cloud import OTHER_SERVERS_KEY
from infra.local.lifecycle import CloudStatus
from infra.local.local_cloud_error import LocalCloudError
from tests.support.cli.world import World


def test_up_starts_a_cloud_and_prints_how_to_use_it(world: World) -> None:
    """Endpoint, CA bundle, credentials and bucket names."""
    result = world.run("up")

    assert (result.exit_code, world.local.calls) == (0, ["up for good"])
    for log in (
        "https://127.0.0.1:4711",
        "/made/up/ca.pem",
        "AKIAMADEUP",
        "aws s3 cp photo.jpg s3://the-uploads/",
        ". .cutout/local.env",
    ):
        assert log in result.stdout


def test_up_prints_the_variables_as_json(world: World) -> None:
    """The same as in `local.env`."""
    assert json.loads(world.run("up", "--json").stdout) == world.local.variables()


def test_up_twice_is_no_failure(world: World) -> None:
    """The second time prints that it is running, and how to use it."""
    world.run("up")
    result = world.run("up")
    assert (result.exit_code, world.local.calls) == (0, ["up for good"])
    assert "already up" in result.stderr
    assert "https://127.0.0.1:4711" in result.stdout


def test_up_with_settings_is_refused_while_a_cloud_is_running(world: World) -> None:
    """They would have no effect."""
    world.run("up")
    result = world.run("up", "-c", "max_in_flight=9")
    assert result.exit_code == 1
    assert "already up, with other settings" in result.stderr


def test_up_does_not_wait_for_another_command(world: World) -> None:
    """While that starts or uses its own cloud in this folder."""
    world.local.now = CloudStatus.BUSY
    assert world.run("up").exit_code == 1


def test_up_works_after_a_killed_command(world: World) -> None:
    """Its leftovers are removed."""
    world.local.now = CloudStatus.BROKEN
    assert world.run("up").exit_code == 0


def test_up_that_fails_prints_the_reason(world: World) -> None:
    """On standard error; standard output stays empty."""
    world.local.fails_with = LocalCloudError("MiniStack did not start.", advice="See its log.")
    result = world.run("up")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("Error: MiniStack did not start.\nSee its log.\n")


@pytest.mark.parametrize("setting", ["max_in_flight", "=3", "max in flight=3"])
def test_a_setting_needs_a_name_and_a_value(world: World, setting: str) -> None:
    """Anything else is a usage error."""
    result = world.run("up", "-c", setting)
    assert result.exit_code == 2
    assert "is not NAME=VALUE" in result.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            "max_in_fligth=3",
            "Refused: there is no setting max_in_fligth: did you mean max_in_flight?",
        ),
        ("zzz=1", "Refused: there is no setting zzz: infra/README.md lists the settings"),
        ("max_in_flight=many", "max_in_flight must be a whole number"),
        ("recipes=nowhere.toml", "nowhere.toml"),
    ],
)
def test_a_wrong_setting_fails_before_anything_is_started(
    world: World, command: str, setting: str, told: str
) -> None:
    """In one sentence, with the nearest name."""
    result = world.run(command, "-c", setting)
    assert (result.exit_code, world.local.calls) == (1, [])
    assert told in result.stderr
    assert len(result.stderr) < 300


def test_the_value_of_a_setting_may_hold_anything(world: World) -> None:
    """Only the first equals sign separates; the stack checks the value."""
    world.run("up", "-c", "upload_prefix=a=b c")
    assert world.local.wishes[0].settings == {"upload_prefix": "a=b c"}


@pytest.mark.parametrize("url", ["http://example.com", "ftp://localhost", "localhost:80", ""])
def test_another_server_uses_https_or_runs_on_this_machine(world: World, url: str) -> None:
    """The API key is not sent unencrypted to other hosts."""
    result = world.run("up", "--evolink-url", url or "http://")
    assert (result.exit_code, world.local.calls) == (1, [])


def test_another_server_gets_a_key_by_default(world: World) -> None:
    """Many stand-ins accept any."""
    world.run("up", "--evolink-url", "https://api.example.com")
    api = world.local.wishes[0].api
    assert api is not None
    assert (api.key, api.url) == (OTHER_SERVERS_KEY, "https://api.example.com")


def test_down_stops_the_cloud(world: World) -> None:
    """And prints that."""
    world.run("up")
    result = world.run("down")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "The local cloud is down." in result.stderr
    assert world.local.calls == ["up for good", "down"]


def test_down_without_a_cloud_is_no_failure(world: World) -> None:
    """Nothing is running, as requested."""
    result = world.run("down")
    assert result.exit_code == 0
    assert "No local cloud was up." in result.stderr
