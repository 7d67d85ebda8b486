"""On the deployed stack, as its roles allow it: why a photo has no cut-out is said beside it."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from cutout.domain.states import State
from tests.e2e.bus import Listener
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos
from tests.e2e.stand_in import StandIn
from tests.support.samples import schema


def test_a_rejected_upload_is_said_and_taken_back_when_a_photo_comes(
    photos: Photos, bus: Listener, deployed: Deployed
) -> None:
    """Submit writes the note, StoreResult takes it back; what is announced fits its schema."""
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
    """The event that says what became of a job, whole."""
    deployed.wait(lambda: bool(bus.of(job_id)), "its event")
    return json.loads(bus.of(job_id)[0].body)


def test_a_deletion_takes_a_note_back(photos: Photos, deployed: Deployed) -> None:
    """Submit hears of it."""
    photos.settled(photos.put("noted/gone.jpg", b"a text"))
    assert photos.result("noted/gone.jpg.error.json") is not None
    photos.delete("noted/gone.jpg")
    deployed.wait(
        lambda: photos.result("noted/gone.jpg.error.json") is None, "the note to be taken back"
    )


def test_what_is_kept_for_review_is_explained_beside_it(photos: Photos, stand_in: StandIn) -> None:
    """What was measured and what was expected; and a note where the cut-out would be."""
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
