"""Photos tagged with their end, and cut-outs deleted with their photos; both are off by default."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cutout.domain.object_keys import KEPT_FOLDER
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn

pytestmark = pytest.mark.second_cloud

_LONG_SECONDS = 3600
_OF_NO_OTHER_TEST = 1200


@dataclass(frozen=True, kw_only=True)
class _Buckets:
    """The buckets' objects of photos that are uploaded and deleted."""

    deployed: Deployed
    photos: Photos

    def tags(self, upload: Upload) -> dict[str, str]:
        """Return the tags of an upload."""
        answer = self.deployed.client("s3").get_object_tagging(
            Bucket=self.photos.bucket, Key=upload.key, VersionId=upload.version_id
        )
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def keeps(self, upload: Upload) -> bool:
        """Return whether the work bucket has the cached result of this upload."""
        answer = self.deployed.client("s3").list_objects_v2(
            Bucket=self.photos.copies_bucket, Prefix=KEPT_FOLDER + upload.job_id
        )
        return bool(answer["KeyCount"])

    def forgets(self, upload: Upload) -> None:
        """Wait until the last object of a photo is gone."""
        self.deployed.wait(lambda: not self.keeps(upload), f"{upload.key} to be forgotten")

    def delete_version(self, upload: Upload) -> None:
        """Delete one version permanently."""
        self.deployed.client("s3").delete_object(
            Bucket=self.photos.bucket, Key=upload.key, VersionId=upload.version_id
        )

    def shown(self, key: str) -> str | None:
        """Return the version of the upload that the cut-out at a key was made of."""
        stored = self.photos.result(key)
        return None if stored is None else stored.metadata["cutout-source-version"]


@pytest.fixture
def buckets(deployed: Deployed, photos: Photos) -> _Buckets:
    """Return all three."""
    return _Buckets(deployed=deployed, photos=photos)


def _photo(number: int) -> bytes:
    """Return a picture that is in no other test, so that its cached result is only for this one."""
    return small_photo(_OF_NO_OTHER_TEST + number)


def test_each_photo_has_a_tag_of_how_its_job_ended(
    buckets: _Buckets, photos: Photos, stand_in: StandIn
) -> None:
    """Its other tags stay, and its cut-out does not get this one; ten tags leave no room."""
    stand_in.commit("result:opaque", "tagged/review", times=1)
    stand_in.commit("task:moderated", "tagged/failed", times=1)
    ten = {f"tag-{number}": "x" for number in range(10)}
    uploads = {
        "completed": photos.put("tagged/ö+ %.jpg", tags={"season": "summer"}),
        "review": photos.put("tagged/review.jpg"),
        "failed": photos.put("tagged/failed.jpg"),
        "rejected": photos.put("tagged/rejected.jpg", b"a text"),
        "full": photos.put("tagged/full.jpg", tags=ten),
    }
    jobs = photos.all_settled(uploads.values(), is_swept=True)
    assert [job.state.value for job in jobs[:-1]] == list(uploads)[:-1]
    assert {name: buckets.tags(upload) for name, upload in uploads.items()} == {
        "completed": {"season": "summer", "cutout": "completed"},
        "review": {"cutout": "review"},
        "failed": {"cutout": "failed"},
        "rejected": {"cutout": "rejected"},
        "full": ten,
    }
    assert jobs[-1].state is State.COMPLETED
    cut_out = photos.result("tagged/ö+ %.png")
    assert cut_out is not None
    assert cut_out.tags == {"season": "summer"}


def test_everything_made_of_a_deleted_photo_is_removed_and_nothing_of_another(
    buckets: _Buckets, photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """The cut-out, its variants, the cached result, the result for review, and the error note."""
    folder = "recipes/gone/"
    stand_in.commit("result:opaque", f"{folder}odd", times=1)
    first = photos.put(f"{folder}a.jpg", _photo(0))
    photos.settled(first)
    others = [photos.put(f"{folder}a.jpeg", _photo(1)), photos.put(f"{folder}odd.jpg", _photo(2))]
    neighbour, odd = photos.all_settled(others, is_swept=True)
    assert odd.state is State.REVIEW
    assert buckets.keeps(first)
    of_neighbour = {neighbour.result_key, *(variant.key for variant in neighbour.variants)}
    assert set(_everything(photos, folder)) == of_neighbour | {
        *(f"{folder}a.png", f"{folder}a.market.jpg", f"full/{folder}a.png"),
        *(f"review/{folder}odd.png", f"review/{folder}odd.png.json", f"{folder}odd.jpg.error.json"),
    }
    photos.delete(f"{folder}a.jpg")
    photos.delete(f"{folder}odd.jpg")
    deployed.wait(
        lambda: set(_everything(photos, folder)) == of_neighbour,
        "what belongs to the two to be gone",
        found=lambda: _everything(photos, folder),
    )
    buckets.forgets(first)
    assert buckets.keeps(others[0])


def _everything(photos: Photos, folder: str) -> list[str]:
    return [
        *(key for key in photos.result_keys("") if folder in key),
        *(key for key in photos.note_keys() if folder in key),
    ]


def test_deleted_version_removes_its_own_objects_and_no_other_versions(
    buckets: _Buckets, photos: Photos, deployed: Deployed
) -> None:
    """When an old version expires, the newer one's cut-out stays until that is deleted."""
    key, cut_out = "gone/versions.jpg", "gone/versions.png"
    old = photos.put(key, _photo(3))
    photos.settled(old)
    new = photos.put(key, _photo(4))
    photos.settled(new)
    buckets.delete_version(old)
    buckets.forgets(old)
    assert (buckets.shown(cut_out), buckets.keeps(new)) == (new.version_id, True)
    buckets.delete_version(new)
    deployed.wait(lambda: photos.result(cut_out) is None, "the cut-out to be gone")
    buckets.forgets(new)


def test_photo_that_is_deleted_while_its_task_runs_leaves_no_objects(
    buckets: _Buckets, photos: Photos, stand_in: StandIn
) -> None:
    """Its result is fetched, since it was paid for, and then removed."""
    key = "gone/in-flight.jpg"
    stand_in.commit("task:slow", key, seconds=_LONG_SECONDS, times=1)
    upload = photos.put(key, _photo(5))
    photos.in_state(upload, State.PROCESSING)
    photos.delete_on_record(key)
    stand_in.let_pass(seconds=_LONG_SECONDS)
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    buckets.forgets(upload)
    assert _everything(photos, "gone/in-flight") == []
    assert stand_in.charges(key) == 1


def test_photo_that_is_uploaded_again_while_its_task_runs_is_not_paid_for_twice(
    buckets: _Buckets, photos: Photos, stand_in: StandIn
) -> None:
    """Deleted and uploaded again at once: the second gets the result of the first."""
    key = "gone/back-in-flight.jpg"
    stand_in.commit("task:slow", key, seconds=_LONG_SECONDS, times=1)
    first = photos.put(key, _photo(6), bypass_cache=False)
    photos.in_state(first, State.PROCESSING)
    photos.delete(key)
    second = photos.put(key, first.content, bypass_cache=False)
    photos.in_state(second, State.QUEUED)
    stand_in.let_pass(seconds=_LONG_SECONDS)
    superseded, job = photos.all_settled([first, second], is_swept=True)
    assert superseded.state is State.SUPERSEDED
    assert (job.state, job.reused and job.reused.job_id) == (State.COMPLETED, superseded.id)
    assert buckets.shown("gone/back-in-flight.png") == second.version_id
    assert stand_in.charges(key) == 1


def test_photo_that_is_uploaded_again_right_after_its_deletion_keeps_its_cut_out(
    buckets: _Buckets, photos: Photos, stand_in: StandIn
) -> None:
    """The deletion is processed after the newer upload."""
    key = "gone/back.jpg"
    first = photos.put(key, _photo(7))
    photos.settled(first)
    photos.delete(key)
    second = photos.put(key, _photo(8))
    photos.settled(second)
    buckets.forgets(first)
    assert (buckets.shown("gone/back.png"), buckets.keeps(second)) == (second.version_id, True)
    assert stand_in.charges(key) == 2
