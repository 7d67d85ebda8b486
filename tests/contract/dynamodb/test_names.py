"""The latest version of each key, and the source that owns a result key."""

from __future__ import annotations

from itertools import permutations

import pytest

from cutout.domain.job.source import LatestVersion
from cutout.ports.jobs_table import Advance, ResultKeyTakenError
from tests.contract.dynamodb.table import Store
from tests.support.builders import a_job, a_source

REF = "uploads/Söhne/a b+ü%20 写真.jpg"


def head(sequencer: str, job_id: str | None = "a") -> LatestVersion:
    """An upload or a deletion of the key."""
    return LatestVersion(source_ref=REF, order=a_source(sequencer=sequencer).order, job_id=job_id)


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_latest_version_of_a_key_is_found_in_whatever_order_events_arrive(
    store: Store,
    order: tuple[int, ...],
) -> None:
    """Each writer gets the latest one; sequencers of different lengths compare as S3 defines it."""
    heads = [head("0A8FF", "a"), head("0A9", None), head("0A90001", "b")]
    assert store.newest(REF) is None
    known = -1
    for place in order:
        is_first = known < 0
        known = max(known, place)
        assert store.advance(heads[place]) == Advance(newest=heads[known], is_first=is_first)
    assert store.newest(REF) == heads[2]


def test_deletion_is_the_latest_version_until_a_newer_event(store: Store) -> None:
    """It names no job."""
    gone = head("0B", None)
    assert store.advance(head("0A")).is_first
    assert store.advance(gone) == Advance(newest=gone, is_first=False)
    assert store.newest(REF) == gone
    assert store.advance(head("0A0")).newest == gone


def test_repeated_event_does_not_change_the_latest_version(store: Store) -> None:
    """The first job with this order stays; only its own event was the first of the key."""
    first = store.advance(head("0A", "a"))
    again = Advance(newest=head("0A", "a"), is_first=False)
    assert first == Advance(newest=head("0A", "a"), is_first=True)
    assert store.advance(head("0A", "a")) == again
    assert store.advance(head("0A", "b")) == again


def test_each_key_has_its_own_latest_version(store: Store) -> None:
    """Another key, or the same one in another bucket, has its own."""
    store.advance(head("0A"))
    assert store.newest(REF + "2") is None
    assert store.newest("other" + REF) is None


def test_result_key_belongs_to_the_first_source_that_claims_it(store: Store) -> None:
    """For ever, however often that source claims it; any character may be in the key."""
    key = "Söhne/a b+ü%20 写真.png"
    assert store.claim_result_key(key, "uploads/a.jpg")
    assert store.claim_result_key(key, "uploads/a.jpg")
    assert not store.claim_result_key(key, "uploads/a.png")
    assert not store.claim_result_key(key, "others/a.jpg")
    assert store.claim_result_key(key + ".png", "uploads/a.png")


def test_result_key_is_claimed_with_the_write_of_its_job(store: Store) -> None:
    """In one write, and again by each upload of the same source."""
    job = store.save(store.claim(a_job()), result_key="a.png")
    assert store.save(job, result_key="a.png").version == 2
    assert store.claim_result_key("a.png", job.source.ref)
    assert not store.claim_result_key("a.png", "uploads/a.png")


def test_job_is_not_written_if_another_photo_owns_the_result_key(store: Store) -> None:
    """Nor is its task claimed: the job is written again with the next key."""
    assert store.claim_result_key("a.png", "uploads/a.png")
    job = store.claim(a_job())
    with pytest.raises(ResultKeyTakenError):
        store.save(job, result_key="a.png")
    assert store.find(job.id) == job
    assert store.save(job, result_key="a.jpg.png").version == 1
    assert not store.claim_result_key("a.jpg.png", "uploads/a.png")


def test_longest_keys_that_s3_allows_can_be_stored(store: Store) -> None:
    """1,024 bytes each."""
    longest = "k" * 1024
    ref = f"{'b' * 63}/{longest}"
    newest = LatestVersion(source_ref=ref, order="0" * 32, job_id=None)
    assert store.advance(newest).newest == newest
    assert store.newest(ref) == newest
    assert store.claim_result_key(longest, ref)
