"""Photos from before the deployment are queued or copied slowly, in order, each once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.job.source import after
from cutout.domain.object_keys import LANE_MARK
from cutout.domain.states import Lane
from cutout.operator.audit import AuditedObject, Finding, Rules
from cutout.operator.backfill import BucketImport, Candidate, MissingUploads, QueuePacer
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.fakes.listing import MemoryObjects, MemoryTransfers, MemoryUploadQueue

ORDER = "0A".ljust(32, "0")


def found(
    uploads: MemoryObjects, key: str, finding: Finding = Finding.MISSING, order: str | None = None
) -> AuditedObject:
    """A finding of an audit."""
    return AuditedObject(listed=uploads.add(key), finding=finding, order=order)


class Bench:
    """A queue, and the waits for it."""

    def __init__(self) -> None:
        self.uploads = MemoryObjects("uploads")
        self.upload_queue = MemoryUploadQueue()
        self.slept: list[float] = []
        self.pace = QueuePacer(upload_queue=self.upload_queue, sleep=self.slept.append)
        self.queueing = MissingUploads(
            uploads=self.uploads, upload_queue=self.upload_queue, pace=self.pace
        )

    def importing(self, source: MemoryObjects, **watch: Any) -> BucketImport:
        """An import from another bucket."""
        known: dict[str, Any] = {
            "uploads_bucket": "uploads",
            "upload_prefix": "in/",
            "results_bucket": "results",
            "result_prefix": "",
        }
        return BucketImport(
            source=source,
            uploads=self.uploads,
            transfers=MemoryTransfers(source, self.uploads),
            rules=Rules(
                upload_filter=UploadFilter(**(known | watch)),
                max_bytes=5000,
                retention=timedelta(days=90),
            ),
            pace=self.pace,
        )


@pytest.fixture
def bench() -> Bench:
    """Everything empty."""
    return Bench()


def test_missing_uploads_are_queued_in_the_backfill_lane(bench: Bench) -> None:
    """Objects with other findings are not."""
    missing = found(bench.uploads, "a.jpg")
    others = [found(bench.uploads, one.value, one) for one in Finding if one is not Finding.MISSING]
    assert list(bench.queueing.queue([*others, missing])) == [1]
    assert bench.upload_queue.queued == [(missing.listed.source("uploads"), Lane.BACKFILL)]
    assert bench.uploads.requests == 0


def test_a_missing_upload_is_ordered_after_the_older_one(bench: Bench) -> None:
    """It is listed once more before."""
    missing = found(bench.uploads, "a.jpg", order=ORDER)
    assert list(bench.queueing.queue([missing])) == [1]
    ((source, _lane),) = bench.upload_queue.queued
    assert source.sequencer == after(ORDER)


@pytest.mark.parametrize("is_gone", [True, False])
def test_an_upload_that_is_no_longer_the_newest_is_not_queued(
    bench: Bench, *, is_gone: bool
) -> None:
    """The known order may be that of the newer one, which has its own job."""
    missing = found(bench.uploads, "a.jpg", order=ORDER)
    if is_gone:
        del bench.uploads.objects["a.jpg"]
    else:
        bench.uploads.add("a.jpg", version_id="v2")
    assert list(bench.queueing.queue([missing])) == [0]
    assert bench.upload_queue.queued == []


def test_many_uploads_are_queued_in_small_steps_while_the_queue_has_room(bench: Bench) -> None:
    """A live upload never waits behind more than about a hundred."""
    bench.upload_queue.full = [0, 300, 100, 99]
    missing = (found(bench.uploads, f"{number}.jpg") for number in range(120))
    steps = [
        (count, len(bench.upload_queue.queued), len(bench.slept))
        for count in bench.queueing.queue(missing)
    ]
    assert steps == [(50, 50, 0), (50, 100, 2), (20, 120, 2)]
    assert bench.slept == [2.0, 2.0]


def test_objects_of_another_bucket_are_copied_under_the_watched_prefix(bench: Bench) -> None:
    """With the backfill mark in their metadata."""
    other = MemoryObjects("old", page_size=2)
    for key in ("x/b.jpg", "x/a.jpg", "y/c.jpg", "x/c.jpg"):
        other.add(key)
    importing = bench.importing(other)
    assert [one.key for one in importing.copy(importing.look("x/"))] == [
        "in/x/a.jpg",
        "in/x/b.jpg",
        "in/x/c.jpg",
    ]
    assert sorted(bench.uploads.objects) == ["in/x/a.jpg", "in/x/b.jpg", "in/x/c.jpg"]
    assert bench.uploads.metadata["in/x/a.jpg"] == {LANE_MARK: "backfill"}


def test_a_second_run_copies_only_what_the_first_did_not(bench: Bench) -> None:
    """Both buckets are listed side by side."""
    other = MemoryObjects("old", page_size=3)
    for number in range(20):
        other.add(f"{number:02}.jpg")
    importing = bench.importing(other)
    copying = importing.copy(importing.look(""))
    for _ in range(5):
        next(copying)
    assert isinstance(copying, Generator)
    copying.close()
    there = len(bench.uploads.objects)
    assert 5 <= there < 20
    skipped = [one.skipped for one in importing.look("")]
    assert (skipped.count("there-already"), skipped.count("")) == (there, 20 - there)
    list(importing.copy(importing.look("")))
    assert len(bench.uploads.objects) == 20
    assert {one.skipped for one in importing.look("")} == {"there-already"}


@pytest.mark.parametrize(
    ("key", "size", "there", "skipped"),
    [
        ("x/", 0, None, "folder-marker"),
        ("a.jpg", 0, None, "empty-object"),
        ("a.jpg", 5001, None, "too-many-bytes"),
        ("a.jpg", 1000, 1000, "there-already"),
        ("a.jpg", 1000, 999, "another-stands-there"),
        ("a.jpg", 1000, None, ""),
    ],
)
def test_an_object_that_is_not_copied_has_a_reason(
    bench: Bench, key: str, size: int, there: int | None, skipped: str
) -> None:
    """An object in the uploads bucket is never overwritten."""
    other = MemoryObjects("old")
    other.add(key, size=size)
    if there is not None:
        bench.uploads.add(f"in/{key}", size=there)
    assert [one.skipped for one in bench.importing(other).look("")] == [skipped]


def test_an_object_that_would_not_be_watched_is_not_copied(bench: Bench) -> None:
    """It would not be processed."""
    other = MemoryObjects("old")
    other.add("a.webp")
    (one,) = bench.importing(other, upload_suffixes=(".jpg",)).look("")
    assert one.skipped == "other-suffix"


def test_own_cut_outs_and_changed_objects_are_not_copied(bench: Bench) -> None:
    """They are recognised when the object is read."""
    other = MemoryObjects("old")
    ours, changed = other.add("ours.png"), other.add("changed.jpg")
    other.metadata["ours.png"] = {"cutout-job": "a"}
    importing = bench.importing(other)
    candidates = [Candidate(listed=one, key=f"in/{one.key}") for one in (ours, changed)]
    other.add("changed.jpg", etag="e2")
    assert [one.skipped for one in importing.copy(candidates)] == [
        "own-output",
        "changed-meanwhile",
    ]


def test_an_object_that_cannot_be_copied_does_not_stop_the_others(bench: Bench) -> None:
    """It is listed with S3's error in every run; the others are copied by the first."""
    other = MemoryObjects("old")
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        other.add(key)
    transfers = MemoryTransfers(other, bench.uploads, {"a.jpg": "InvalidObjectState"})
    importing = replace(bench.importing(other), transfers=transfers)
    told = list(importing.copy(importing.look("")))
    assert [(one.skipped, one.refused) for one in told] == [
        ("refused", "InvalidObjectState"),
        ("", ""),
        ("", ""),
    ]
    assert sorted(bench.uploads.objects) == ["in/b.jpg", "in/c.jpg"]
    (again,) = importing.copy(importing.look(""))
    assert again.listed.key == "a.jpg"


def test_copying_waits_for_room_in_the_queue(bench: Bench) -> None:
    """The events of the copies fill it."""
    other = MemoryObjects("old")
    for number in range(60):
        other.add(f"{number}.jpg")
    bench.upload_queue.full = [100, 0, 250, 0]
    importing = bench.importing(other)
    assert len(list(importing.copy(importing.look("")))) == 60
    assert bench.slept == [2.0, 2.0]


@pytest.mark.parametrize(("waiting", "slept"), [(99, []), (100, [2.0, 2.0])])
def test_a_queue_with_a_hundred_messages_is_full(waiting: int, slept: list[float]) -> None:
    """It is checked again every two seconds, and its length is reported."""
    told: list[int] = []
    lengths = [waiting, waiting, 0]

    class Queue:
        """A queue that gets shorter."""

        def length(self) -> int:
            return lengths.pop(0)

    times: list[float] = []
    pace = QueuePacer(upload_queue=Queue(), sleep=times.append, on_wait=told.append)  # type: ignore[arg-type]
    pace.wait()
    assert (times, told) == (slept, [waiting] * len(slept))


def test_missing_uploads_are_queued_fifty_at_a_time(bench: Bench) -> None:
    """The rest comes last; nothing is sent if nothing is missing."""
    missing = [found(bench.uploads, f"{number}.jpg") for number in range(120)]
    assert list(bench.queueing.queue(missing)) == [50, 50, 20]
    assert list(bench.queueing.queue(missing[:50])) == [50]
    assert list(bench.queueing.queue([found(bench.uploads, "d.jpg", Finding.DONE)])) == []


@pytest.mark.parametrize(("count", "looks"), [(50, 1), (51, 2), (100, 2)])
def test_an_import_checks_the_queue_once_for_fifty_copies(
    bench: Bench, count: int, looks: int
) -> None:
    """Before the first of them."""
    source = MemoryObjects("others")
    for number in range(count):
        source.add(f"{number}.jpg")
    lengths: list[int] = []

    class Queue:
        """An empty queue that counts its readers."""

        def length(self) -> int:
            lengths.append(0)
            return 0

    bench.pace = QueuePacer(upload_queue=Queue(), sleep=bench.slept.append)  # type: ignore[arg-type]
    importing = bench.importing(source)
    assert len(list(importing.copy(importing.look("")))) == count
    assert len(lengths) == looks
