"""Running the CDK, with a script instead of the real one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.cdk_cli import (
    CdkRun,
    bootstrap_run,
    cdk_script,
    deploy_run,
    finish_all,
    synth_run,
)
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place, place_in
from infra.local.processes.background import is_alive, record
from infra.local.processes.waiting import wait_until
from tests.support.local_cloud import MachineClock

CLOCK = MachineClock()
Cdk = Callable[[str], CdkRun]


class Listener:
    """Records which phases ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def begin(self, phase: str) -> None:
        """Fail: no test here begins a phase."""
        raise AssertionError(phase)

    def end(self, phase: str, note: str = "") -> None:
        """Record it."""
        assert note == ""
        self.ended.append(phase)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place whose CDK runs the JavaScript in its arguments."""
    place = place_in(tmp_path)
    script = tmp_path / "infra/cdk/node_modules/aws-cdk/bin/cdk"
    script.parent.mkdir(parents=True)
    script.write_text('new Function("require", process.argv.slice(2).join(" "))(require)')
    place.scratch.mkdir(parents=True)
    return place


@pytest.fixture
def cdk(place: Place) -> Iterator[Cdk]:
    """Runs a test's JavaScript as the CDK."""
    started: list[CdkRun] = []

    def run(act: str) -> CdkRun:
        log = place.state / f"{len(started)}.log"
        usual = bootstrap_run(place, {"GIVEN": "yes"})
        command = (*usual.command[:2], act)
        running = replace(usual, title="Trying", command=command, log=log).__enter__()
        started.append(running)
        return running

    yield run
    for one in started:
        one.__exit__(None, None, None)


def _log(place: Place, number: int = 0) -> str:
    return (place.state / f"{number}.log").read_text()


def test_run_is_waited_for_and_its_output_captured(place: Place, cdk: Cdk) -> None:
    """Both streams go to its log, none to the terminal."""
    cdk("console.log('out'); console.error('error')").finish()
    assert _log(place) == "out\nerror\n"


def test_a_failed_run_shows_the_end_of_its_output(place: Place, cdk: Cdk) -> None:
    """The message ends with the last lines; the advice names the log."""
    run = cdk("for (let i = 0; i < 99; i++) console.log('line', i); process.exitCode = 3")
    with pytest.raises(LocalCloudError) as caught:
        run.finish()
    lines = str(caught.value).splitlines()
    assert (lines[0], lines[2], lines[-1]) == ("Trying failed:", "line 74", "line 98")
    assert str(place.state / "0.log") in caught.value.advice


def test_run_has_none_of_the_persons_aws_settings(
    place: Place, cdk: Cdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not deploy to a real account."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    cdk("console.log(Object.keys(process.env).filter(n => /^(AWS|GIVEN)/.test(n)))").finish()
    assert _log(place) == "[ 'GIVEN' ]\n"


def _synth(place: Place, environment: Mapping[str, str], settings: Mapping[str, str]) -> CdkRun:
    """Return the synthesis of a project with a feature flag."""
    file = place.source / "infra/cdk.json"
    file.write_text('{"app": "python", "context": {"@aws-cdk/core:flag": true}}')
    return synth_run(place, environment, output=Path("/o"), settings=settings)


def test_synthesis_gets_settings_of_registries_and_none_of_aws(place: Place) -> None:
    """Settings of proxies and package indexes are kept, those of AWS are not."""
    person = {
        "PIP_INDEX_URL": "x",
        "HOME": "/home/ann",
        "AWS_PROFILE": "production",
        "AWS_CONFIG_FILE": "/home/ann/broken",
        "EVOLINK_API_KEY": "sk",
        "PATH": "/bin",
    }
    made = _synth(place, person, {}).environment
    assert {name: made.get(name) for name in person} == {
        **dict.fromkeys(person),
        "PIP_INDEX_URL": "x",
        # For the caches of package managers.
        "HOME": "/home/ann",
        "PATH": "/bin",
    }
    assert made["CDK_VALIDATION"] == "false"


def test_runs_are_concurrent_and_each_is_reported_when_it_ends(place: Place, cdk: Cdk) -> None:
    """In the order in which they end."""
    listener = Listener()
    quick = cdk("console.log(process.pid)")
    assert wait_until(lambda: _log(place).endswith("\n"), CLOCK, timeout_seconds=10)
    # An ended process keeps its pid until its parent has read its status.
    look = f"process.kill({_log(place).strip()}, 0); setTimeout(wait, 20)"
    slow = cdk(f"const wait = () => {{ try {{ {look} }} catch {{}} }}; wait()")
    finish_all({"slow": slow, "quick": quick}, listener, CLOCK)
    assert listener.ended == ["quick", "slow"]


def test_first_run_that_fails_ends_the_waiting(cdk: Cdk) -> None:
    """The others are not waited for."""
    runs = {"slow": cdk("setTimeout(() => 0, 60000)"), "bad": cdk("process.exitCode = 1")}
    with pytest.raises(LocalCloudError):
        finish_all(runs, Listener(), CLOCK)
    assert not runs["slow"].has_ended


def test_leaving_ends_a_run_and_its_child_processes(place: Place, cdk: Cdk) -> None:
    """So that Ctrl-C leaves no process running."""
    sleep = "const c = require('child_process').spawn('sleep', ['60']); console.log(c.pid)"
    run = cdk(sleep)
    assert wait_until(lambda: _log(place).endswith("\n"), CLOCK, timeout_seconds=10)
    child = record("sleep", int(_log(place)))
    assert child is not None
    run.__exit__(None, None, None)
    assert run.has_ended
    assert wait_until(lambda: not is_alive(child), CLOCK, timeout_seconds=10)


def test_cdk_that_is_not_installed_is_an_error(place: Place) -> None:
    """The advice is how to install it."""
    shutil.rmtree(place.source / "infra/cdk/node_modules")
    with pytest.raises(LocalCloudError) as caught:
        cdk_script(place)
    assert caught.value.advice == "Run `make install` first."


def test_settings_are_passed_to_the_synthesis_unchanged(place: Place) -> None:
    """Beside the project's feature flags; no shell interprets them."""
    run = _synth(place, {}, {"b": "x y", "a": "$(rm)"})
    assert json.loads(run.environment["CDK_CONTEXT_JSON"]) == {
        "@aws-cdk/core:flag": True,
        "a": "$(rm)",
        "b": "x y",
    }
    assert run.environment["CDK_OUTDIR"] == "/o"
    assert run.folder == place.source / "infra"


def test_bootstrap_and_deploy_do_not_read_the_projects_configuration(place: Place) -> None:
    """The configuration would make them run the app again."""
    deploy = deploy_run(place, {}, output=Path("/o"), stack="Mine", outputs=Path("/out.json"))
    assert {deploy.folder, bootstrap_run(place, {}).folder} == {place.scratch}
    assert deploy.command[2:4] == ("deploy", "Mine")
