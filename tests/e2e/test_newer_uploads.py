"""The newest upload of a key counts, in whatever order tasks end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.gate import GateKeeper
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import opened, small_photo
from tests.e2e.stand_in import StandIn

_LONG_SECONDS = 3600


def _started(key: str, photos: Photos, stand_in: StandIn) -> Upload:
    """Upload a photo whose task runs until the clock is moved forward."""
    stand_in.commit("task:slow", key, seconds=_LONG_SECONDS, times=1)
    upload = photos.put(key, small_photo(0))
    photos.in_state(upload, State.PROCESSING)
    return upload


def test_photo_that_is_overwritten_while_its_task_runs_is_superseded(
    photos: Photos, stand_in: StandIn
) -> None:
    """The old task ends last, but its cut-out does not replace the newer photo's."""
    key = "newer/overwritten.jpg"
    old = _started(key, photos, stand_in)
    new = photos.put(key, small_photo(1))
    assert photos.settled(new).state is State.COMPLETED
    stand_in.let_pass(seconds=_LONG_SECONDS)
    superseded = photos.settled(old, is_swept=True)
    assert (superseded.state, superseded.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    _assert_shows("newer/overwritten.png", new, photos)
    assert stand_in.charges(key) == 2


def test_cut_out_of_a_later_upload_replaces_the_earlier_one(photos: Photos) -> None:
    """After the first job was completed."""
    key = "newer/replaced.jpg"
    old = photos.settled(photos.put(key, small_photo(0)))
    new = photos.put(key, small_photo(1))
    assert (old.state, photos.settled(new).state) == (State.COMPLETED, State.COMPLETED)
    _assert_shows("newer/replaced.png", new, photos)


def test_photo_that_is_deleted_while_its_task_runs_is_superseded(
    photos: Photos, stand_in: StandIn
) -> None:
    """It gets no cut-out later."""
    key = "newer/deleted.jpg"
    upload = _started(key, photos, stand_in)
    photos.delete_on_record(key)
    stand_in.let_pass(seconds=_LONG_SECONDS)
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert photos.result_keys("newer/deleted") == []


@pytest.fixture
def closed(gate: GateKeeper) -> Iterator[GateKeeper]:
    """The gate, paused by a person for a while."""
    gate.pause()
    yield gate
    gate.resume()


def test_photo_that_is_overwritten_while_it_waits_is_not_paid_for(
    closed: GateKeeper, photos: Photos, stand_in: StandIn
) -> None:
    """Both wait at the gate; only the newer one is admitted."""
    key = "newer/waiting.jpg"
    old = photos.put(key, small_photo(0))
    photos.reached(old, lambda job: job.is_waiting, "to wait")
    new = photos.put(key, small_photo(1))
    photos.reached(new, lambda job: job.is_waiting, "to wait")
    closed.resume()
    superseded = photos.settled(old, is_swept=True)
    assert (superseded.state, superseded.attempts) == (State.SUPERSEDED, ())
    assert photos.settled(new, is_swept=True).state is State.COMPLETED
    assert (stand_in.posts(key), stand_in.charges(key)) == (1, 1)
    _assert_shows("newer/waiting.png", new, photos)


def test_photo_that_is_deleted_while_it_waits_is_not_paid_for(
    closed: GateKeeper, photos: Photos, stand_in: StandIn
) -> None:
    """No call is made for it."""
    key = "newer/gone.jpg"
    upload = photos.put(key)
    photos.reached(upload, lambda job: job.is_waiting, "to wait")
    photos.delete_on_record(key)
    closed.resume()
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert stand_in.posts(key) == 0


def test_photo_that_is_uploaded_again_after_its_deletion_is_cut_out(photos: Photos) -> None:
    """The deletion is older than the upload that follows it."""
    key = "newer/back.jpg"
    photos.settled(photos.put(key, small_photo(0)))
    photos.delete(key)
    upload = photos.put(key, small_photo(1))
    assert photos.settled(upload).state is State.COMPLETED
    _assert_shows("newer/back.png", upload, photos)


def _assert_shows(result_key: str, upload: Upload, photos: Photos) -> None:
    stored = photos.result(result_key)
    assert stored is not None
    assert stored.metadata["cutout-source-version"] == upload.version_id
    assert opened(stored.content).size == opened(upload.content).size
