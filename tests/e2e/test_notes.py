"""Error notes on the deployed stack, with the permissions of its roles."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from cutout.domain.states import State
from tests.e2e.bus import Listener
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.stand_in import StandIn
from tests.support.samples import schema


def test_note_of_a_rejected_upload_is_removed_when_a_photo_follows(
    photos: Photos, bus: Listener, deployed: Deployed
) -> None:
    """Submit writes the note, StoreResult removes it; the events fit their schemas."""
    rejected = photos.settled(photos.put("noted/größe 1+2.jpg", b"a text"))
    key = "noted/größe 1+2.jpg.error.json"
    note = photos.result(key)
    assert note is not None
    told = json.loads(note.content)
    assert (told["job"], told["state"], told["reason"]) == (rejected.id, "rejected", "not-a-photo")
    completed = photos.settled(photos.put("noted/größe 1+2.jpg"))
    assert completed.state is State.COMPLETED
    assert photos.result(key) is None
    for job, name in ((rejected, "cutout-failed"), (completed, "cutout-completed")):
        event = _event_of(job.id, bus, deployed)
        assert list(Draft202012Validator(schema(name)).iter_errors(event)) == []


def _event_of(job_id: str, bus: Listener, deployed: Deployed) -> object:
    """Return the whole event of a job's end."""
    deployed.wait(lambda: bool(bus.of(job_id)), "its event")
    return json.loads(bus.of(job_id)[0].body)


def test_deletion_removes_a_note(photos: Photos, deployed: Deployed) -> None:
    """Submit gets its event."""
    photos.settled(photos.put("noted/gone.jpg", b"a text"))
    assert photos.result("noted/gone.jpg.error.json") is not None
    photos.delete("noted/gone.jpg")
    deployed.wait(
        lambda: photos.result("noted/gone.jpg.error.json") is None, "the note to be taken back"
    )


def test_result_kept_for_review_has_a_file_with_the_reason(
    photos: Photos, stand_in: StandIn
) -> None:
    """With the measured and the expected values; and there is a note at the cut-out's key."""
    stand_in.commit("result:opaque", "noted/opaque", times=1)
    job = photos.settled(photos.put("noted/opaque.jpg"), is_swept=True)
    assert (job.state, job.result and job.result.key) == (State.REVIEW, "review/noted/opaque.png")
    beside = photos.result("review/noted/opaque.png.json")
    assert beside is not None
    assert json.loads(beside.content)["measured"]["alpha"] in (
        None,
        {"least": 255, "greatest": 255},
    )
    assert photos.result("noted/opaque.jpg.error.json") is not None
