"""The workflows of GitHub Actions: pinned, with minimal permissions."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
MAKEFILE = (FOLDER.parents[1] / "Makefile").read_text()


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


def _steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in _read(path)["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    """A tag can be moved to other code; a commit cannot. The comment names the release."""
    used = re.findall(r"uses: (?!\./)(.+)", path.read_text())
    assert used
    pinned = r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [one for one in used if not re.fullmatch(pinned, one)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_given_only_where_they_are_used(path: Path) -> None:
    """The workflow has none; each job lists its own, and only the deployment gets a token."""
    workflow = _read(path)
    given = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    with_token = {name for name, rights in given.items() if "id-token" in rights}
    assert workflow["permissions"] == {}
    assert {rights.get("contents") for rights in given.values()} == {"read"}
    assert with_token <= {"deploy"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_input_is_part_of_a_script(path: Path) -> None:
    """Inputs are passed to a shell as variables."""
    assert [one for one in _steps(path) if "${{" in one.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_make_target_of_a_workflow_exists(path: Path) -> None:
    """So that it can be run locally as well."""
    targets = [
        one for step in _steps(path) for one in re.findall(r"make (\w+)", step.get("run", ""))
    ]
    assert targets
    assert [one for one in targets if not re.search(rf"^{one}:", MAKEFILE, re.MULTILINE)] == []


def test_updates_wait_until_a_release_is_some_days_old() -> None:
    """Of packages, of the CDK's command line and of actions, wherever they are locked."""
    project = FOLDER.parents[1]
    updates = _read(FOLDER.parent / "dependabot.yml")["updates"]
    manifests = {"pip": "*.txt", "npm": "package-lock.json", "github-actions": ".github/workflows"}
    assert {one["package-ecosystem"] for one in updates} == manifests.keys()
    for one in updates:
        assert one["cooldown"]["default-days"] >= 7
        folders = one.get("directories") or [one["directory"]]
        found = [
            it
            for folder in folders
            for it in (project / folder.strip("/")).glob(manifests[one["package-ecosystem"]])
        ]
        assert found


def test_jobs_that_run_the_tests_have_the_history() -> None:
    """The upgrade test needs the version before."""
    jobs = {name: job for path in WORKFLOWS for name, job in _read(path)["jobs"].items()}
    testing = {
        name
        for name, job in jobs.items()
        if any("make test" in step.get("run", "") for step in job.get("steps", []))
    }
    with_history = {
        name
        for name, job in jobs.items()
        if any(step.get("with", {}).get("fetch-depth") == 0 for step in job.get("steps", []))
    }
    assert testing
    assert testing <= with_history
