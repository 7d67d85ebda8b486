"""`cutout doctor` on a whole deployment, and how its checks run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError

from cutout.cli.commands.doctor import CHECKS
from cutout.cli.doctor.check import CheckResult, Checkup, ok, run_checks
from cutout.ports.provider_api import Balance
from tests.support.cli.clock import NOON
from tests.support.cli.stack import healthy_stack
from tests.support.cli.world import World
from tests.support.fakes.resources import (
    KEY,
    a_function,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with a stack without faults."""
    return World(folder=tmp_path, stack=healthy_stack())


def test_a_healthy_deployment_has_no_problems(world: World) -> None:
    """One line a check; the exit status is 0."""
    told = world.run("doctor")
    assert told.exit_code == 0
    assert "no problems, no notes." in told.stderr
    lines = told.stdout.splitlines()
    assert {line[0] for line in lines} == {"✓"}
    assert [name for name in CHECKS if not any(line[2:].startswith(name) for line in lines)] == []


@pytest.mark.parametrize(("here", "severity"), [("11111111", "ok"), ("22222222", "note")])
def test_the_checkout_is_compared_with_the_deployed_version(
    tmp_path: Path, here: str, severity: str
) -> None:
    """The checkout has a function for its version."""
    source = f"def version_of(root):\n    assert root.name\n    return '0.1.0+{here}'\n"
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "version.py").write_text(source)
    checkup = Checkup(stack=healthy_stack(), now=NOON, checkout=tmp_path)
    [found] = CHECKS["version"](checkup)
    assert (found.severity, here in found.message) == (severity, True)


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any")
AWAY = EndpointConnectionError(endpoint_url="https://sqs.example")


@pytest.mark.parametrize("error", [DENIED, AWAY, ZeroDivisionError("ours")])
def test_a_failing_check_is_a_problem_and_the_others_continue(
    world: World, error: Exception
) -> None:
    """Without a traceback, whatever the error."""
    world.stack.resources.fails = {"queues": error, "functions": error}
    told = world.run("doctor", "--json")
    assert told.exit_code == 1
    found = json.loads(told.stdout)["findings"]
    failed = {one["check"] for one in found if one["says"].startswith("cannot be checked")}
    assert failed == {"queues", "triggers", "functions", "Sweep", *_asking_functions()}
    assert all(one["do"] for one in found if one["severity"] == "problem")
    assert {"stack", "gate", "alarms", "clock"} <= {
        one["check"] for one in found if one["severity"] == "ok"
    }


def test_a_common_cause_of_failing_checks_is_shown_once(world: World) -> None:
    """For example missing credentials."""
    world.stack.resources.fails = {"queues": AWAY, "functions": AWAY}
    told = world.run("doctor")
    assert told.stdout.count("AWS cannot be reached") == told.stdout.count("Check the network") == 1
    assert told.stdout.count("cannot be checked, for the same reason") == 7
    assert "1 problem, no notes." in told.stderr


def _asking_functions() -> set[str]:
    return {"API key", "signing key", "callbacks", "uploads"}


@pytest.mark.parametrize(
    ("error", "told"),
    [(NoRegionError(), "No AWS region is set."), (DENIED, "AWS refused"), (AWAY, "AWS cannot be")],
)
def test_a_stack_that_cannot_be_described_is_one_problem(
    world: World, error: Exception, told: str
) -> None:
    """Not one for every check that needs it."""
    world.stack.resources.fails = {"description": error}
    result = world.run("doctor")
    assert result.exit_code == 1
    assert result.stdout.count("✗") == 1
    assert told in result.stdout
    assert result.stderr == "13 other checks of the stack were not run.\n\n1 problem, no notes.\n"
    assert json.loads(world.run("doctor", "--json").stdout)["problems"] == 1


def test_a_missing_stack_is_one_problem(world: World) -> None:
    """As before the first deployment."""
    world.stack.resources.described = None
    world.stack.resources.found = []
    told = world.run("doctor")
    assert told.exit_code == 1
    assert "there is no stack Cutout on a made-up stack" in told.stdout
    assert "1 problem, no notes." in told.stderr
    assert "Traceback" not in told.stdout + told.stderr


def test_a_check_that_never_ends_is_given_up_and_the_others_are_shown() -> None:
    """After a time limit."""
    checkup = Checkup(stack=healthy_stack(), now=NOON, checkout=None)
    for_ever, is_fine = threading.Event(), threading.Event()

    def hang(_checkup: Checkup) -> Iterator[CheckResult]:
        for_ever.wait()
        yield ok("never")

    def fine(_checkup: Checkup) -> Iterator[CheckResult]:
        yield ok("fine")
        is_fine.set()

    try:
        reports = run_checks(checkup, {"hangs": hang, "fine": fine}, timeout_seconds=0.1)
        found = [next(reports)]
        is_fine.wait()
        found += reports
    finally:
        for_ever.set()
    assert [one.check for one in found] == ["hangs", "fine"]
    assert found[0].results[0].message == "no answer within 0.1 s"
    assert found[1].results == [ok("fine")]


def test_checks_run_concurrently() -> None:
    """Each waits for the others; sequential checks would never end."""
    checkup = Checkup(stack=healthy_stack(), now=NOON, checkout=None)
    together = threading.Barrier(3, timeout=10)

    def check(_checkup: Checkup) -> Iterator[CheckResult]:
        together.wait()
        yield ok("met")

    found = list(run_checks(checkup, dict.fromkeys("abc", check), timeout_seconds=20))
    assert [one.results for one in found] == [[ok("met")]] * 3


def test_json_has_the_findings_and_their_count(world: World) -> None:
    """With their severities as words."""
    world.stack.resources.network.door = 502
    world.stack.resources.told = {}
    told = world.run("doctor", "--json")
    answer = json.loads(told.stdout)
    assert (told.exit_code, answer["problems"], answer["notes"]) == (1, 1, 1)
    [wrong] = [one for one in answer["findings"] if one["severity"] == "problem"]
    assert wrong["check"] == "callbacks"
    assert set(wrong) == {"check", "severity", "says", "do"}


def test_notes_alone_are_no_failure(world: World) -> None:
    """The exit status is about problems."""
    world.stack.resources.told = {}
    told = world.run("doctor")
    assert (told.exit_code, "no problems, 1 note." in told.stderr) == (0, True)


def test_no_key_is_ever_printed(world: World) -> None:
    """Neither by a passing check nor by a failing one."""
    world.stack.resources.network.account = Balance(
        server="https://api.example", status=401, message="unknown key"
    )
    told = world.run("doctor", "--json")
    assert KEY not in told.output
    assert "ssssssss" not in told.output


def test_the_environment_of_a_function_is_not_printed() -> None:
    """Not even in a traceback."""
    assert "the-value" not in repr(a_function("submit", NAME="the-value"))
