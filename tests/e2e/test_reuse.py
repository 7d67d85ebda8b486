"""The same picture is paid for once, on the deployed stack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from cutout.domain.states import State
from tests.e2e.photos import Photos
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn

_OF_NO_OTHER_TEST = 977


def test_two_identical_photos_at_once_are_charged_once_and_cut_out_twice(
    photos: Photos, stand_in: StandIn
) -> None:
    """One is paid for; the other gets the cached result, and so does a third that comes later."""
    content = small_photo(_OF_NO_OTHER_TEST)
    keys = ["reuse/a.jpg", "reuse/b.jpg"]
    with ThreadPoolExecutor(2) as threads:
        uploads = list(threads.map(lambda key: photos.put(key, content, bypass_cache=False), keys))
    jobs = photos.all_settled(uploads, is_swept=True)
    jobs.append(photos.settled(photos.put("reuse/c.jpg", content, bypass_cache=False)))
    assert [job.state for job in jobs] == [State.COMPLETED] * 3
    assert len(stand_in.entries("charge", "reuse/")) == 1
    (owner,) = (job for job in jobs if job.reused is None)
    assert {job.reused.job_id for job in jobs if job.reused} == {owner.id}
    results = [photos.result(f"reuse/{name}.png") for name in "abc"]
    assert len({result.content for result in results if result}) == 1
    assert [result.metadata["cutout-job"] for result in results if result] == [j.id for j in jobs]
