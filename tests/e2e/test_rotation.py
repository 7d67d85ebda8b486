"""Both keys are rotated as the runbook says, while the provider's tasks run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.door import Door
from tests.e2e.page_commands import commands_with, run_commands
from tests.e2e.photos import Photos, Upload
from tests.e2e.processes import kill_workers
from tests.e2e.stand_in import StandIn

_FOLDER = "rotation/"
_IN_FLIGHT = [f"{_FOLDER}{number}.jpg" for number in range(2)]
_TASK_SECONDS = 3600


@pytest.fixture
def in_flight(photos: Photos, stand_in: StandIn) -> Sequence[Upload]:
    """Photos whose tasks run for an hour, created with the old key and the old callback URL."""
    stand_in.commit("task:slow", _FOLDER, seconds=_TASK_SECONDS, times=len(_IN_FLIGHT))
    uploads = photos.put_all(_IN_FLIGHT)
    for upload in uploads:
        photos.in_state(upload, State.PROCESSING)
    return uploads


@pytest.fixture
def keys_put_back(deployed: Deployed, door: Door, stand_in: StandIn) -> Iterator[None]:
    """Restore the keys for other tests."""
    yield
    old, new = deployed.evolink_keys
    secrets = deployed.client("secretsmanager")
    stand_in.change_account(api_keys=[old, new])
    secrets.put_secret_value(SecretId=deployed.cloud.outputs["ApiKeySecretName"], SecretString=old)
    secrets.put_secret_value(SecretId=deployed.signing_key_name, SecretString=door.signing_key)
    # Its workers may sign with the other key for minutes, which a later rotation would refuse.
    kill_workers(deployed, "Submit")


@pytest.mark.usefixtures("keys_put_back")
def test_nothing_in_flight_is_lost_or_paid_twice_when_both_keys_are_rotated(
    *,
    in_flight: Sequence[Upload],
    deployed: Deployed,
    photos: Photos,
    stand_in: StandIn,
    door: Door,
    tmp_path: Path,
) -> None:
    """Callbacks of old tasks are accepted; later calls use the new keys; each is paid for once."""
    new = deployed.evolink_keys[1]
    (tmp_path / "new-key.txt").write_text(f"{new}\n")
    run_commands(
        commands_with("infra/RUNBOOK.md", "get-random-password"), tmp_path, deployed.cloud.variables
    )
    token = door.token(in_flight[0].job_id, 1, key=_signing_key(deployed))
    deployed.wait(lambda: door.knock(f"/callbacks/{token}") == 202, "the new key to be taken")
    assert list(tmp_path.glob("*.txt")) == []
    stand_in.change_account(api_keys=[new])
    stand_in.let_pass(seconds=_TASK_SECONDS)
    jobs = photos.all_settled([*in_flight, photos.put(f"{_FOLDER}next.jpg")])
    assert [_outcome(job) for job in jobs] == [(State.COMPLETED, 1, 1)] * 3
    assert [stand_in.charges(job.source.key) for job in jobs] == [1, 1, 1]
    assert [_answers(stand_in, job.source.key) for job in jobs] == [[202]] * 3
    assert len(photos.result_keys(_FOLDER)) == len(jobs)


def _signing_key(deployed: Deployed) -> str:
    secrets = deployed.client("secretsmanager")
    told = secrets.get_secret_value(SecretId=deployed.signing_key_name)["SecretString"]
    return str(told).removesuffix("\n")  # that of the file


def _outcome(job: Job) -> tuple[State, int, int]:
    completed = [step for step in job.history if step.state is State.COMPLETED]
    return job.state, len(job.attempts), len(completed)


def _answers(stand_in: StandIn, key: str) -> list[int]:
    return [entry["status"] for entry in stand_in.awaited("callback", key)]
