"""`<key>.error.json`: said where the cut-out would be, and taken back when there is one."""

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


def test_a_rejected_upload_is_said_where_its_cut_out_would_be() -> None:
    """Whose job, why in a word and in words, what to do, and when."""
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


def test_a_failed_photo_is_said_with_the_providers_words() -> None:
    """Its code and message, and what another try costs."""
    world = World()
    failed(world)
    told = said(world)
    assert (told["state"], told["reason"]) == ("failed", "task-failed")
    assert (told["code"], told["message"]) == ("content_policy_violation", "Not this one.")
    assert str(told["next"]).endswith(": cutout retry --include-refused a.jpg")


def test_a_reviewed_photo_is_said_with_where_its_result_is_kept() -> None:
    """For a person who looks for the cut-out."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job), OPAQUE)
    world.wake(job)
    told = said(world)
    assert (told["state"], told["reason"], told["result"]) == (
        "review",
        "result-opaque",
        "s3://results/review/a.png",
    )
    assert told["explained"] == "s3://results/review/a.png.json"
    assert "cutout review accept a.jpg" in str(told["next"])


def test_it_is_said_before_it_is_announced() -> None:
    """The note is there before the event is sent."""
    hook = Hook()
    World(step=hook).arrives(data=TEXT)
    assert hook.seen.index("notes.write done") < hook.seen.index("announcements.announce")


def test_a_retry_that_completes_takes_it_back() -> None:
    """The cut-out is there: nothing is left to say."""
    world = World()
    job = retried(world, failed(world))
    assert NOTE in world.notes.stored
    assert completed(world, job).state is State.COMPLETED
    assert (world.notes.stored, world.notes.removed) == ({}, [NOTE])


def test_a_newer_upload_that_completes_takes_it_back() -> None:
    """A note belongs to the key."""
    world = World()
    failed(world)
    completed(world, world.arrives())
    assert world.notes.stored == {}


def test_a_newer_upload_that_fails_says_so_in_its_place() -> None:
    """The newest upload counts."""
    world = World()
    failed(world)
    newer = world.arrives(data=TEXT)
    assert (said(world)["job"], said(world)["state"]) == (newer.id, "rejected")


def test_an_older_upload_that_fails_late_says_nothing() -> None:
    """Neither over a newer one's note nor where a newer one's cut-out stands."""
    world = World()
    older = world.arrives()
    newer = world.arrives(data=png(salt=1))
    completed(world, newer)
    world.job_writer.settlement_effects.apply(replace(world.job(older), state=State.FAILED))
    assert world.notes.written == []


def test_what_an_older_upload_leaves_undone_does_not_take_back_a_newer_ones() -> None:
    """It completed late, while the newer one was rejected already."""
    world = World()
    older = world.arrives()
    newer = world.arrives(data=TEXT)
    world.job_writer.settlement_effects.apply(replace(world.job(older), state=State.COMPLETED))
    assert said(world)["job"] == newer.id


def test_a_deletion_takes_it_back() -> None:
    """Who deletes a photo does not wait for its cut-out."""
    world = World()
    failed(world)
    world.arrive.deleted(world.uploads.remove("a.jpg"))
    assert world.notes.stored == {}


def test_a_deletion_that_is_delivered_late_leaves_a_newer_uploads_note() -> None:
    """Events come in any order."""
    world = World()
    failed(world)
    deletion = world.uploads.remove("a.jpg")
    newer = world.arrives(data=TEXT)
    world.arrive.deleted(deletion)
    assert said(world)["job"] == newer.id


def test_a_version_that_is_removed_for_good_takes_its_own_note_along() -> None:
    """Not another version's."""
    world = World()
    older, newer = failed(world), world.arrives(data=TEXT)
    world.arrive.version_deleted(older.source)
    assert said(world)["job"] == newer.id
    world.arrive.version_deleted(newer.source)
    assert world.notes.stored == {}


def test_nothing_is_removed_where_nothing_stands() -> None:
    """In a bucket with versions each removal leaves a marker: none for every good photo."""
    hook = Hook()
    world = World(step=hook)
    completed(world, world.arrives())
    world.arrive.deleted(world.uploads.remove("a.jpg"))
    assert "notes.current" in hook.seen
    assert "notes.remove" not in hook.seen


def test_a_later_failure_of_the_same_upload_is_said_in_place_of_the_first() -> None:
    """The second try failed for another reason."""
    world = World()
    job = failed(world)
    world.clock.advance(MINUTE)
    retried(world, job)
    world.evolink.fail(world.task_of(job), "image_too_dark")
    world.wake(job)
    assert (said(world)["code"], len(world.notes.written)) == ("image_too_dark", 2)


def test_somebody_elses_object_is_left_alone() -> None:
    """It has the note's name, and is none of ours: neither replaced nor removed, but logged."""
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


def test_a_cut_out_of_ours_that_comes_in_leaves_no_note() -> None:
    """Two deployments that feed each other would write notes about each other's notes for ever."""
    world = World()
    labels = Labels(metadata={"cutout-job": "0f" * 16}, tags={})
    job = world.registered(world.uploads.add("a.png", png(), labels))
    assert job is not None
    assert world.advance(job).state is State.REJECTED
    assert world.notes.stored == {}


def test_a_superseded_photo_leaves_no_note() -> None:
    """Whatever came of it, the newer upload speaks for the key."""
    world = World()
    older = world.uploads.add("a.jpg", png())
    job = world.registered(older)
    world.arrives(data=png(salt=1))
    assert job is not None
    assert world.advance(job).state is State.SUPERSEDED
    assert world.notes.written == []


def test_where_no_notes_are_wanted_none_is_looked_for() -> None:
    """The setting error_notes is off: no request at all."""
    hook = Hook()
    world = World(step=hook)
    settlement_effects = replace(world.settlement_effects, notes=None)
    job = failed(World())
    settlement_effects.apply(job)
    settlement_effects.deleted(job.source)
    settlement_effects.version_deleted(job.source)
    assert hook.seen == []


def test_prefixes_place_notes_beside_the_cut_outs() -> None:
    """The upload prefix goes, the result prefix comes, as for the cut-out."""
    world = World()
    notes = MemoryNotes()
    job = failed(world, "in/shoes/a.jpg")
    board = LatestNotes(notes=notes, telemetry=world.telemetry)
    replace(world.settlement_effects, notes=board, upload_prefix="in/", result_prefix="out/").apply(
        job
    )
    assert list(notes.stored) == ["out/shoes/a.jpg.error.json"]
