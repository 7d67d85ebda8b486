"""`<key>.error.json` is written where the cut-out would be, and removed when there is one."""

from __future__ import annotations

from dataclasses import replace

from cutout.domain.states import State
from cutout.ports.buckets import Labels, NoteRevision
from cutout.usecases.shared.notes_and_tags import LatestNotes
from tests.support.fakes.buckets import MemoryNotes
from tests.support.fakes.clock import START
from tests.support.fakes.world import World, png
from tests.support.hooks import Hook
from tests.support.noting import MINUTE, NOTE, TEXT, completed, failed, retried, said

OPAQUE = b"png 600 400 255 255"


def test_a_rejected_upload_gets_an_error_note_at_the_place_of_its_cut_out() -> None:
    """It names the job, the reason, what to do next, and the time."""
    world = World()
    job = world.arrives("shoes/red shoe.jpg", TEXT)
    assert said(world, "shoes/red shoe.jpg.error.json") == {
        "job": job.id,
        "source": {"bucket": "uploads", "key": "shoes/red shoe.jpg", "version": "v1"},
        "state": "rejected",
        "reason": "not-a-photo",
        "meaning": "The content is not an image, whatever its name says.",
        "code": None,
        "message": "the content is not a picture, whatever its name",
        "result": None,
        "explained": None,
        "credits": 0.0,
        "paid": "Nothing was paid.",
        "next": "Upload a supported photo to the same key. If a setting caused the rejection, "
        "change it and run: cutout retry 'shoes/red shoe.jpg'",
        "at": START.isoformat(),
    }


def test_the_note_of_a_failed_job_has_the_providers_code_and_message() -> None:
    """And the command to retry it."""
    world = World()
    failed(world)
    told = said(world)
    assert (told["state"], told["reason"]) == ("failed", "task-failed")
    assert (told["code"], told["message"]) == ("content_policy_violation", "Not this one.")
    assert str(told["next"]).endswith(": cutout retry --include-refused a.jpg")


def test_the_note_of_a_job_in_review_says_where_the_result_is() -> None:
    """And the commands to decide about it."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job), OPAQUE)
    world.check_task(job)
    told = said(world)
    assert (told["state"], told["reason"], told["result"]) == (
        "review",
        "result-opaque",
        "s3://results/review/a.png",
    )
    assert told["explained"] == "s3://results/review/a.png.json"
    assert "cutout review accept a.jpg" in str(told["next"])


def test_the_note_is_written_before_the_event_is_sent() -> None:
    """A receiver of the event finds the note."""
    hook = Hook()
    World(step=hook).arrives(data=TEXT)
    assert hook.seen.index("notes.write done") < hook.seen.index("announcements.announce")


def test_a_retry_that_completes_removes_the_note() -> None:
    """The cut-out exists now."""
    world = World()
    job = retried(world, failed(world))
    assert NOTE in world.notes.stored
    assert completed(world, job).state is State.COMPLETED
    assert (world.notes.stored, world.notes.removed) == ({}, [NOTE])


def test_a_newer_upload_that_completes_removes_the_note() -> None:
    """A key has one note, whichever upload it is about."""
    world = World()
    failed(world)
    completed(world, world.arrives())
    assert world.notes.stored == {}


def test_a_newer_upload_that_fails_replaces_the_note() -> None:
    """The newest upload counts."""
    world = World()
    failed(world)
    newer = world.arrives(data=TEXT)
    assert (said(world)["job"], said(world)["state"]) == (newer.id, "rejected")


def test_an_older_upload_that_fails_late_writes_no_note() -> None:
    """Neither over the note of a newer upload nor beside its cut-out."""
    world = World()
    older = world.arrives()
    newer = world.arrives(data=png(salt=1))
    completed(world, newer)
    world.job_writer.settlement_effects.apply(replace(world.job(older), state=State.FAILED))
    assert world.notes.written == []


def test_an_older_upload_that_completes_late_keeps_the_note_of_a_newer_one() -> None:
    """The newer upload was already rejected."""
    world = World()
    older = world.arrives()
    newer = world.arrives(data=TEXT)
    world.job_writer.settlement_effects.apply(replace(world.job(older), state=State.COMPLETED))
    assert said(world)["job"] == newer.id


def test_a_deletion_of_the_photo_removes_the_note() -> None:
    """Without a photo, no cut-out is expected."""
    world = World()
    failed(world)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    assert world.notes.stored == {}


def test_a_late_deletion_event_keeps_the_note_of_a_newer_upload() -> None:
    """Events are delivered in any order."""
    world = World()
    failed(world)
    deletion = world.uploads.remove("a.jpg")
    newer = world.arrives(data=TEXT)
    world.register_upload.deleted(deletion)
    assert said(world)["job"] == newer.id


def test_deleting_a_version_removes_only_its_own_note() -> None:
    """The note of another version stays."""
    world = World()
    older, newer = failed(world), world.arrives(data=TEXT)
    world.register_upload.version_deleted(older.source)
    assert said(world)["job"] == newer.id
    world.register_upload.version_deleted(newer.source)
    assert world.notes.stored == {}


def test_nothing_is_deleted_where_no_note_exists() -> None:
    """In a versioned bucket each deletion adds a delete marker."""
    hook = Hook()
    world = World(step=hook)
    completed(world, world.arrives())
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    assert "notes.current" in hook.seen
    assert "notes.remove" not in hook.seen


def test_a_later_failure_of_the_same_upload_replaces_the_first_note() -> None:
    """The second attempt failed for another reason."""
    world = World()
    job = failed(world)
    world.clock.advance(MINUTE)
    retried(world, job)
    world.evolink.fail(world.task_of(job), "image_too_dark")
    world.check_task(job)
    assert (said(world)["code"], len(world.notes.written)) == ("image_too_dark", 2)


def test_a_foreign_object_at_the_notes_key_is_left_alone() -> None:
    """It was not written by this product: it is neither replaced nor deleted, but logged."""
    world = World()
    world.notes.write(
        NOTE,
        "theirs",
        job_id="",
        occasion=NoteRevision(order="", version=0, at=START),
        replacing=None,
    )
    theirs = world.notes.stored[NOTE]
    world.notes.stored[NOTE] = replace(theirs, note=replace(theirs.note, occasion=None))
    completed(world, retried(world, failed(world)))
    assert world.notes.stored[NOTE].text == "theirs"
    assert "the key of a note has another object" in dict(world.telemetry.facts)


def test_a_cut_out_uploaded_as_a_photo_leaves_no_note() -> None:
    """Otherwise two deployments that feed each other would write notes about notes without end."""
    world = World()
    labels = Labels(metadata={"cutout-job": "0f" * 16}, tags={})
    job = world.registered(world.uploads.add("a.png", png(), labels))
    assert job is not None
    assert world.advance(job).state is State.REJECTED
    assert world.notes.stored == {}


def test_a_superseded_photo_leaves_no_note() -> None:
    """The newer upload of the key gets the note, if any."""
    world = World()
    older = world.uploads.add("a.jpg", png())
    job = world.registered(older)
    world.arrives(data=png(salt=1))
    assert job is not None
    assert world.advance(job).state is State.SUPERSEDED
    assert world.notes.written == []


def test_with_error_notes_off_no_request_is_made() -> None:
    """With the setting `error_notes` off, notes are not even looked for."""
    hook = Hook()
    world = World(step=hook)
    settlement_effects = replace(world.settlement_effects, notes=None)
    job = failed(World())
    settlement_effects.apply(job)
    settlement_effects.deleted(job.source)
    settlement_effects.version_deleted(job.source)
    assert hook.seen == []


def test_prefixes_place_notes_beside_the_cut_outs() -> None:
    """The upload prefix is replaced by the result prefix, as for the cut-out."""
    world = World()
    notes = MemoryNotes()
    job = failed(world, "in/shoes/a.jpg")
    effects = world.settlement_effects
    board = LatestNotes(
        notes=notes, shown_versions=effects.shown_versions, telemetry=world.telemetry
    )
    replace(effects, notes=board, upload_prefix="in/", result_prefix="out/").apply(job)
    assert list(notes.stored) == ["out/shoes/a.jpg.error.json"]
