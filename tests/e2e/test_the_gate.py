"""The gate's limits hold: the most tasks at once, the most credits a day, and its pauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

import pytest

from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.gate import GateKeeper
from tests.e2e.photos import Photos, Upload
from tests.e2e.stand_in import StandIn

_PLENTY = 100_000.0
_ONE_TEST = timedelta(minutes=2)
"""Longer than any of these tests takes."""


@pytest.fixture
def empty_account(stand_in: StandIn, gate: GateKeeper) -> Iterator[None]:
    """Let no credits be left until the account is topped up."""
    stand_in.change_account(balance=0.0)
    yield
    stand_in.change_account(balance=_PLENTY)
    gate.resume()


@pytest.fixture
def refused_key(stand_in: StandIn, gate: GateKeeper, deployed: Deployed) -> Iterator[None]:
    """Let the provider refuse our key for a while."""
    stand_in.change_account(api_keys=["somebody-elses"])
    yield
    stand_in.change_account(api_keys=deployed.evolink_keys)
    gate.resume()


def _pause(gate: GateKeeper, deployed: Deployed) -> Pause:
    """Wait for the gate to be paused."""
    deployed.wait(lambda: gate.read().pause is not None, "the gate to pause")
    pause = gate.read().pause
    assert pause is not None
    return pause


def _posts(stand_in: StandIn, folder: str) -> int:
    return len(stand_in.entries("post", folder))


def _wait_behind_gate(uploads: Sequence[Upload], photos: Photos) -> None:
    for upload in uploads:
        job = photos.reached(upload, lambda job: job.is_waiting, "to wait behind the gate")
        assert (job.state, job.credits) == (State.QUEUED, Decimal(0))


@pytest.mark.usefixtures("empty_account")
def test_without_credits_the_gate_pauses_probes_with_one_photo_and_continues_after_a_top_up(
    *, photos: Photos, gate: GateKeeper, stand_in: StandIn, deployed: Deployed
) -> None:
    """402: nothing is lost and few calls are made; with credits again, all photos are processed."""
    uploads = photos.put_all(f"broke/{number}.jpg" for number in range(4))
    pause = _pause(gate, deployed)
    _wait_behind_gate(uploads, photos)
    assert pause.reason is PauseReason.OUT_OF_CREDITS
    assert pause.until is not None
    assert timedelta(minutes=15) <= pause.until - pause.since <= timedelta(minutes=18)

    before = _posts(stand_in, "broke/")
    deployed.sweep()
    gate.let_pause_run_out()
    deployed.sweep()
    stand_in.awaited("post", "broke/", before + 1)
    _wait_behind_gate(uploads, photos)
    assert _pause(gate, deployed).since > pause.since
    deployed.sweep()
    assert _posts(stand_in, "broke/") == before + 1

    stand_in.change_account(balance=_PLENTY)
    gate.let_pause_run_out()
    jobs = photos.all_settled(uploads, is_swept=True)
    assert {job.state for job in jobs} == {State.COMPLETED}
    assert [stand_in.charges(upload.key) for upload in uploads] == [1] * 4
    deployed.wait(lambda: gate.read().pause is None, "the gate to be open", found=gate.read)


@pytest.mark.usefixtures("refused_key")
def test_refused_key_pauses_the_gate_until_a_person_resumes(
    *, photos: Photos, gate: GateKeeper, stand_in: StandIn, deployed: Deployed
) -> None:
    """401: no probing, since only a person can replace the key; then the photo is processed."""
    upload = photos.put("locked out/one.jpg")
    pause = _pause(gate, deployed)
    _wait_behind_gate([upload], photos)
    assert (pause.reason, pause.until) == (PauseReason.KEY_REFUSED, None)

    stand_in.change_account(api_keys=deployed.evolink_keys)
    before = _posts(stand_in, "locked out/")
    deployed.sweep()
    assert gate.read().pause == pause
    assert _posts(stand_in, "locked out/") == before

    gate.resume()
    assert photos.settled(upload, is_swept=True).state is State.COMPLETED
    assert stand_in.charges(upload.key) == 1


def test_new_key_is_used_when_the_old_one_is_refused(
    *, photos: Photos, gate: GateKeeper, stand_in: StandIn, deployed: Deployed
) -> None:
    """After a rotation nothing must be restarted or resumed, and no cache expire."""
    secrets = deployed.client("secretsmanager")
    name = deployed.cloud.outputs["ApiKeySecretName"]
    old, new = deployed.evolink_keys
    try:
        secrets.put_secret_value(SecretId=name, SecretString=new)
        stand_in.change_account(api_keys=[new])
        upload = photos.put("rotated/one.jpg")
        assert photos.settled(upload).state is State.COMPLETED
        assert gate.read().pause is None
        assert stand_in.charges(upload.key) == 1
    finally:
        stand_in.change_account(api_keys=[old, new])
        secrets.put_secret_value(SecretId=name, SecretString=old)


def test_gate_pauses_as_long_as_the_providers_429_says(
    *, photos: Photos, gate: GateKeeper, stand_in: StandIn, deployed: Deployed
) -> None:
    """429: all photos wait for Retry-After and a little more, then the same one is sent again."""
    key = "hasty/one.jpg"
    stand_in.commit("create:429", key, times=1, retry_after=6.0)
    upload = photos.put(key)
    pause = _pause(gate, deployed)
    assert pause.reason is PauseReason.RATE_LIMITED
    assert pause.until is not None
    assert timedelta(seconds=6) <= pause.until - pause.since <= timedelta(seconds=7.2)
    assert photos.settled(upload, is_swept=True).state is State.COMPLETED
    refused, taken = (datetime.fromisoformat(it["at"]) for it in stand_in.entries("post", key))
    assert taken - refused >= timedelta(seconds=6)
    assert stand_in.charges(key) == 1


def _day_ends_soon() -> bool:
    """The next midnight UTC, when the gate begins to count another day's credits."""
    now = datetime.now(UTC)
    return (now + _ONE_TEST).date() != now.date()


def test_day_costs_no_more_than_its_cap(
    *, photos: Photos, gate: GateKeeper, stand_in: StandIn, deployed: Deployed
) -> None:
    """A photo that would exceed the cap waits until the next day, or until the cap is raised."""
    deployed.wait(lambda: not _day_ends_soon(), "the next day", 2 * _ONE_TEST.total_seconds())
    spent = gate.read().spent_on(datetime.now(UTC).date())
    with gate.limited_to(3, daily_credit_cap=int(spent) + 8):
        uploads = photos.put_all(["capped/one.jpg", "capped/two.jpg"])
        deployed.wait(
            lambda: any(
                job.reason is Reason.DAILY_CAP
                for job in photos.jobs.find_all([upload.job_id for upload in uploads])
            ),
            "one to wait for the next day",
        )
        stand_in.awaited("charge", "capped/")
        deployed.sweep()
        assert _posts(stand_in, "capped/") == 1
    jobs = photos.all_settled(uploads, is_swept=True)
    assert {job.state for job in jobs} == {State.COMPLETED}
    assert [stand_in.charges(upload.key) for upload in uploads] == [1, 1]


@pytest.mark.parametrize(
    ("count", "slots"),
    [
        (16, 3),
        (30, 20),
        pytest.param(200, 20, marks=pytest.mark.soak),
        pytest.param(200, 3, marks=pytest.mark.soak),
        pytest.param(1000, 20, marks=pytest.mark.soak),
    ],
)
def test_many_photos_are_admitted_one_slot_at_a_time(
    *, count: int, slots: int, photos: Photos, gate: GateKeeper, stand_in: StandIn
) -> None:
    """They arrive at once; never more tasks run than there are slots; each is paid for once."""
    folder = f"crowd of {count} at {slots}/"
    with gate.limited_to(slots):
        uploads = photos.put_all(f"{folder}{number}.jpg" for number in range(count))
        jobs = photos.all_settled(uploads, timeout_seconds=60 + 3 * count)
    assert {job.state for job in jobs} == {State.COMPLETED}
    assert len(photos.result_keys(folder)) == count
    for kind in ("post", "charge"):
        entries = [str(it["photo"]) for it in stand_in.entries(kind, folder)]
        assert sorted(entries) == sorted(f"/{photos.bucket}/{it.key}" for it in uploads)
    assert 1 < _most_at_once(stand_in, folder) <= slots
    assert gate.read().in_flight == 0


def _most_at_once(stand_in: StandIn, folder: str) -> int:
    """Count how many tasks ran at the same time, by the order in which they began and ended."""
    begun = [(it["seq"], 1) for it in stand_in.entries("reserve", folder)]
    ended = [(it["seq"], -1) for it in stand_in.entries("end", folder)]
    return max(accumulate(change for _, change in sorted(begun + ended)))
