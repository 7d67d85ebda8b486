"""An operator's commands for photos without a job, of another bucket, or with a failed job."""

from __future__ import annotations

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import Lane, State
from tests.e2e.bus import Listener, events_lost
from tests.e2e.deployed import Deployed
from tests.e2e.operator import Operator
from tests.e2e.photos import Photos, Stored
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn

_PRICE = 5.4


@pytest.fixture
def operator(deployed: Deployed) -> Operator:
    """An operator at the command line."""
    return Operator(deployed=deployed)


def _stored(photos: Photos, job: Job) -> Stored:
    """Return the object at a completed job's result key."""
    assert job.result is not None
    stored = photos.result(job.result.key)
    assert stored is not None
    return stored


def test_uploads_whose_events_were_lost_are_found_enqueued_and_completed(
    *,
    deployed: Deployed,
    photos: Photos,
    operator: Operator,
    stand_in: StandIn,
    s3_events: Listener,
) -> None:
    """The newest upload of a key replaces the older one's cut-out, though no event reported it."""
    folder = "operating/lost/"
    older = photos.put(folder + "twice.jpg", small_photo(1))
    photos.in_state(older, State.COMPLETED)
    with events_lost(deployed, s3_events) as lost:
        lost.append(photos.put(folder + "twice.jpg", small_photo(2)))
        lost.append(photos.put(folder + "once.jpg", small_photo(3)))
    found = operator.run("audit", "--prefix", folder)
    assert (found.status, found.data["objects"]) == (1, 2)
    assert {one["finding"] for one in found.data["troubles"]} == {"missing"}
    assert [photos.job(one) for one in lost] == [None, None]

    fixed = operator.run("audit", "--prefix", folder, "--fix", "--yes")

    assert (fixed.status, fixed.data["queued"]) == (0, 2)
    for upload in lost:
        job = photos.in_state(upload, State.COMPLETED)
        assert job.lane is Lane.BACKFILL
        assert _stored(photos, job).metadata["cutout-job"] == job.id
    assert stand_in.charges(folder + "once.jpg") == 1
    assert operator.run("audit", "--prefix", folder).status == 0


def test_photos_of_another_bucket_are_processed_behind_live_ones(
    *, deployed: Deployed, photos: Photos, operator: Operator
) -> None:
    """Metadata and tags are copied; the same command again does nothing."""
    folder, bucket = "operating/import/", "cutout-before-anybody-watched"
    s3 = deployed.client("s3")
    s3.create_bucket(Bucket=bucket)
    for number in range(2):
        s3.put_object(
            Bucket=bucket,
            Key=f"{folder}{number}.jpg",
            Body=small_photo(number + 4),
            Metadata={"owner": "ann"},
            Tagging="shop=north",
        )
    s3.put_object(Bucket=bucket, Key=folder, Body=b"")

    told = operator.run("backfill", f"s3://{bucket}/{folder}", "--yes")

    assert told.status == 0
    assert (told.data["photos"], told.data["queued"]) == (2, 2)
    assert told.data["skipped"] == {"folder-marker": 1}
    for number in range(2):
        key = f"{folder}{number}.jpg"
        version = s3.head_object(Bucket=photos.bucket, Key=key)["VersionId"]
        job = photos.in_state(photos.landed(key, version, b""), State.COMPLETED)
        assert job.lane is Lane.BACKFILL
        result = _stored(photos, job)
        assert (result.metadata["owner"], result.tags) == ("ann", {"shop": "north"})
        assert "cutout-lane" not in result.metadata
    again = operator.run("backfill", f"s3://{bucket}/{folder}", "--dry-run")
    assert again.data["skipped"] == {"folder-marker": 1, "there-already": 2}


def test_doubtful_results_are_accepted_or_rejected(
    *, photos: Photos, operator: Operator, stand_in: StandIn, bus: Listener, deployed: Deployed
) -> None:
    """Nothing is paid again; the job has the person who decided, and the first decision counts."""
    folder = "operating/doubtful/"
    stand_in.commit("result:opaque", folder, times=2)
    uploads = photos.put_all([f"{folder}{number}.jpg" for number in range(2)])
    kept, dropped = uploads
    for upload in uploads:
        photos.in_state(upload, State.REVIEW, is_swept=True)
    listed = operator.run("review", "list", "--prefix", folder, "--links").data
    assert {one["key"] for one in listed} == {upload.key for upload in uploads}
    assert all("X-Amz-Signature" in one["result_url"] for one in listed)

    accepted = operator.run("review", "accept", kept.key)
    rejected = operator.run("review", "reject", dropped.key)

    assert (accepted.status, rejected.status) == (0, 0)
    done = photos.in_state(kept, State.COMPLETED)
    assert done.decision is not None
    assert (done.reason, done.decision.by[:8]) == (Reason.ACCEPTED_BY_PERSON, "arn:aws:")
    assert _stored(photos, done).metadata["cutout-job"] == done.id
    deployed.wait(lambda: len(bus.of(done.id)) > 1, "the event of its completion")
    assert bus.of(done.id)[-1].detail["decision"]["verdict"] == "accept"
    failed = photos.in_state(dropped, State.FAILED)
    assert failed.reason is Reason.REJECTED_BY_PERSON
    assert operator.run("review", "reject", kept.key).status == 1
    costs = operator.run("costs", "--by", "outcome", "--prefix", folder).data
    assert [one["key"] for one in costs["no_cut_out"]] == [dropped.key]
    assert [stand_in.charges(upload.key) for upload in uploads] == [1, 1]


def test_failed_photos_are_retried_together_and_costs_show_what_was_lost(
    *, photos: Photos, operator: Operator, stand_in: StandIn
) -> None:
    """By their reason; the provider's own ledger agrees."""
    folder = "operating/failed/"
    stand_in.commit("task:moderated", folder)
    uploads = photos.put_all([f"{folder}{number}.jpg" for number in range(2)])
    for upload in uploads:
        photos.in_state(upload, State.FAILED)
    stand_in.forgive()
    chosen: tuple[str, ...] = ("--prefix", folder, "--reason", "task-failed")
    plan = operator.run("retry", *chosen, "--dry-run").data
    assert (plan["photos"], plan["refused_left_out"]) == (0, 2)
    chosen += ("--include-refused",)
    assert operator.run("retry", *chosen, "--dry-run").data["photos"] == 2
    told = operator.run("retry", *chosen, "--yes")
    assert (told.status, told.data["queued"]) == (0, 2)
    for upload in uploads:
        photos.in_state(upload, State.COMPLETED, is_swept=True)
    costs = operator.run("costs", "--by", "outcome", "--prefix", folder).data
    charges = sum(stand_in.charges(upload.key) for upload in uploads)
    assert costs["total"]["credits"] == pytest.approx(charges * _PRICE)
    assert len(costs["no_cut_out"]) == 2
    listed = operator.run("ls", "--prefix", folder, "--state", "completed").data
    assert {job["key"] for job in listed} == {upload.key for upload in uploads}
