"""`cutout put` of photos that are already in the bucket."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.source import LatestVersion
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.jobs import PNG, RESULTS, UPLOADS
from tests.support.cli.uploads import BYTES, MD5, OTHER, in_bucket, processed, sha256
from tests.support.cli.world import World


def uploaded(world: World) -> list[str]:
    """The keys of all uploads."""
    return [photo.key for photo in world.stack.store.uploaded]


def test_a_completed_photo_is_downloaded_not_uploaded(world: World) -> None:
    """That is free, and the command succeeds."""
    processed(world, "a.jpg")
    result = world.run("put", world.photo("a.jpg"), "--out", "cut")
    assert result.exit_code == 0
    assert uploaded(world) == []
    assert result.stderr.splitlines() == [
        "Nothing to upload to a made-up stack; this is free.",
        "  a.jpg: is there already and completed",
    ]
    assert (world.folder / "cut/a.png").read_bytes() == PNG
    assert result.stdout.splitlines()[1].split() == [
        "a.jpg",
        "completed",
        "0.0",
        "0",
        "cut/a.png",
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.FAILED, Reason.TASK_FAILED),
        (State.REVIEW, Reason.RESULT_OPAQUE),
        (State.REJECTED, Reason.NOT_A_PHOTO),
    ],
)
def test_a_photo_without_a_cut_out_is_not_paid_for_again(
    world: World, state: State, reason: Reason
) -> None:
    """It is left alone with its reason, and the command fails."""
    before = processed(world, "a.jpg", state, reason=reason)
    result = world.run("put", world.photo("a.jpg"))
    assert result.exit_code == 1
    assert uploaded(world) == []
    assert world.stack.submissions.job_ids == []
    assert world.stack.table.jobs[before.id].state is state
    assert result.stderr.splitlines()[1] == (
        f"  a.jpg: is there already: it ended as {state} because of {reason} (code: message); "
        "5.4 credits were paid. Only --retry-failed tries it again"
    )
    assert result.stdout.splitlines()[1].split()[:2] == ["a.jpg", state]
    assert world.run("put", world.photo("a.jpg"), "--no-wait").exit_code == 1


def test_retry_failed_retries_the_existing_job(world: World) -> None:
    """Nothing is uploaded: a second version would not check for the earlier result."""
    job = processed(world, "a.jpg", State.FAILED, reason=Reason.TASK_FAILED)
    result = world.run("put", world.photo("a.jpg"), "--retry-failed", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "a.jpg\n")
    assert uploaded(world) == []
    assert world.stack.table.jobs[job.id].reason is Reason.RETRIED_BY_PERSON
    assert world.stack.submissions.job_ids == [job.id]
    assert "To retry 1 photo on a made-up stack: at most 5.4 credits" in result.stderr


def test_a_photo_in_progress_is_waited_for(world: World) -> None:
    """It is not uploaded again."""
    processed(world, "a.jpg", State.PROCESSING)
    result = world.run("put", world.photo("a.jpg"), "--timeout", "1")
    assert result.exit_code == 1
    assert uploaded(world) == []
    assert "a.jpg: is there already and in progress (processing)" in result.stderr
    assert result.stdout.splitlines()[1].split()[:2] == ["a.jpg", "processing"]
    assert result.stdout.splitlines()[1].split()[3] == "5.4"


def test_an_upload_without_a_job_yet_is_waited_for(world: World) -> None:
    """Its event has not been processed yet."""
    in_bucket(world, "a.jpg", etag=MD5, age=timedelta(seconds=5))
    result = world.run("put", world.photo("a.jpg"), "--no-wait")
    assert (result.exit_code, uploaded(world)) == (0, [])


def test_the_price_is_that_of_the_uploads(world: World) -> None:
    """At most; existing photos are free."""
    processed(world, "photos/a.jpg")
    processed(world, "photos/b.jpg", State.FAILED, reason=Reason.TASK_FAILED)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.photo(f"photos/{name}", BYTES)
    result = world.run("put", world.folder / "photos", "--no-wait")
    assert uploaded(world) == ["photos/c.jpg"]
    assert result.stderr.splitlines()[0].startswith(
        "To upload 1 photo on a made-up stack: at most 5.4 credits, about $0.08"
    )
    assert result.stdout.splitlines() == ["photos/a.jpg", "photos/c.jpg"]


def test_other_bytes_of_the_same_size_are_uploaded(world: World) -> None:
    """They are a newer photo of the key."""
    processed(world, "a.jpg", content=OTHER)
    result = world.run("put", world.photo("a.jpg", BYTES), "--no-wait")
    assert uploaded(world) == ["a.jpg"]
    assert "a.jpg: will be uploaded: the bucket has another photo of this key" in result.stderr


@pytest.mark.parametrize(
    ("etag", "stored", "is_same"),
    [
        pytest.param(MD5, None, True, id="one request, no KMS key"),
        pytest.param("another-2", sha256(BYTES), True, id="S3 stores the hash that put sent"),
        pytest.param("random", None, False, id="KMS key, no hash"),
        pytest.param(MD5, sha256(OTHER), False, id="the hash decides"),
    ],
)
def test_without_a_hash_in_the_job_the_one_of_s3_is_used(
    world: World, etag: str, stored: str | None, *, is_same: bool
) -> None:
    """Nothing is downloaded; without any hash, the photo is uploaded."""
    job = processed(world, "a.jpg", State.REJECTED, reason=Reason.TOO_MANY_BYTES)
    world.stack.know(replace(job, photo=None))
    in_bucket(world, "a.jpg", etag=etag)
    if stored:
        world.stack.store.hashes["a.jpg"] = stored
    world.run("put", world.photo("a.jpg"), "--no-wait")
    assert (uploaded(world) == []) is is_same


def test_in_an_unversioned_bucket_the_etag_identifies_the_upload(world: World) -> None:
    """The job is that of the key's newest upload."""
    processed(world, "a.jpg", version_id=None)
    assert world.run("put", world.photo("a.jpg")).exit_code == 0
    assert uploaded(world) == []


def test_a_photo_whose_cut_out_is_missing_is_uploaded(world: World) -> None:
    """That is free if the result is still cached."""
    job = processed(world, "a.jpg")
    world.stack.bucket(RESULTS).objects.clear()
    assert job.result is not None
    result = world.run("put", world.photo("a.jpg"), "--no-wait")
    assert uploaded(world) == ["a.jpg"]
    assert "a.jpg: will be uploaded: its cut-out no longer exists" in result.stderr


def test_a_cut_out_is_found_after_its_job_has_expired(world: World) -> None:
    """The photo is not paid for again."""
    listed = in_bucket(world, "a.jpg", etag=MD5, age=timedelta(days=200))
    results = world.stack.bucket(RESULTS)
    results.add("a.png")
    results.metadata["a.png"] = {
        "cutout-job": listed.source(UPLOADS).job_id,
        "cutout-source-version": "v1",
    }
    result = world.run("put", world.photo("a.jpg"), "--json")
    assert (result.exit_code, uploaded(world)) == (0, [])
    (one,) = json.loads(result.stdout)
    assert (one["state"], one["file"]) == ("completed", "out/a.png")


def test_a_failure_is_found_after_its_job_has_expired(world: World) -> None:
    """The photo is not paid for again either."""
    listed = in_bucket(world, "a.jpg", etag=MD5, age=timedelta(days=200))
    source = listed.source(UPLOADS, "0A")
    world.stack.table.advance(
        LatestVersion(source_ref=source.ref, order=source.order, job_id=source.job_id)
    )
    result = world.run("put", world.photo("a.jpg"))
    assert (result.exit_code, uploaded(world)) == (1, [])
    assert "ended without a cut-out, and its job has expired" in result.stdout
    world.run("put", world.photo("a.jpg"), "--retry-failed", "--no-wait")
    assert uploaded(world) == ["a.jpg"]


def test_fresh_photos_are_uploaded_whatever_exists(world: World) -> None:
    """They are paid for again."""
    processed(world, "a.jpg")
    world.run("put", world.photo("a.jpg"), "--fresh", "--no-wait")
    assert uploaded(world) == ["a.jpg"]


def test_a_dry_run_lists_the_action_for_each_photo(world: World) -> None:
    """As JSON, too."""
    job = processed(world, "photos/a.jpg")
    a, b = world.photo("photos/a.jpg"), world.photo("photos/b.jpg")
    told = world.run("put", world.folder / "photos", "--dry-run")
    assert told.stdout.splitlines() == [
        f"{a} -> photos/a.jpg: is there already and completed",
        f"{b} -> photos/b.jpg",
    ]
    told = world.run("put", world.folder / "photos", "--dry-run", "--json")
    assert json.loads(told.stdout) == [
        {
            "photo": str(a),
            "key": "photos/a.jpg",
            "action": "download",
            "why": "completed",
            "job": job.id,
        },
        {"photo": str(b), "key": "photos/b.jpg", "action": "upload", "why": None, "job": None},
    ]


def test_a_file_that_cannot_be_compared_does_not_stop_the_others(world: World) -> None:
    """Its upload will report the error."""
    gone = world.photo("a.jpg")
    processed(world, "a.jpg", content=BYTES)
    processed(world, "b.jpg")
    world.photo("b.jpg")
    find = world.stack.find

    def removing(*arguments: object) -> object:
        gone.unlink(missing_ok=True)
        return find(*arguments)  # type: ignore[arg-type]

    world.stack.find = removing  # type: ignore[method-assign, assignment]
    result = world.run("put", gone, world.folder / "b.jpg", "--no-wait")
    assert result.stdout.splitlines() == ["a.jpg", "b.jpg"]


def test_a_long_list_of_photos_is_shortened(world: World) -> None:
    """A dry run lists all."""
    for number in range(25):
        processed(world, f"photos/{number:02}.jpg")
        world.photo(f"photos/{number:02}.jpg")
    result = world.run("put", world.folder / "photos", "--no-wait")
    assert len(result.stderr.splitlines()) == 22
    assert result.stderr.splitlines()[-1] == "  and 5 more; --dry-run lists all"
