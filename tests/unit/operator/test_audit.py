"""Every object of the uploads bucket, compared with the jobs table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.audit import Audit, AuditedObject, Finding, Rules
from cutout.ports.listings import ListedObject
from cutout.usecases.submit.register_upload import UploadFilter
from tests.support.builders import RESULT, a_job
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.listing import MemoryObjects

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ORDER = "00691ED95F3C4B2A11".ljust(32, "0")


class Shelf:
    """Two buckets and a table."""

    def __init__(self, **watch: Any) -> None:
        self.clock = FakeClock()
        self.jobs = MemoryJobs(self.clock)
        self.uploads = MemoryObjects("uploads", page_size=2)
        self.results = MemoryObjects("results", page_size=2)
        known: dict[str, Any] = {
            "uploads_bucket": "uploads",
            "upload_prefix": "",
            "results_bucket": "results",
            "result_prefix": "",
        }
        self.survey = Audit(
            uploads=self.uploads,
            results=self.results,
            records=self.jobs,
            clock=self.clock,
            rules=Rules(
                upload_filter=UploadFilter(**(known | watch)), max_bytes=5000, retention=90 * DAY
            ),
        )

    def job(self, listed: ListedObject, state: State, **facts: Any) -> Job:
        """Add a job of an object."""
        source = listed.source("uploads", "0A")
        job = replace(a_job(state), id=source.job_id, source=source, **facts)
        self.jobs.advance(LatestVersion(source_ref=source.ref, order=source.order, job_id=job.id))
        return self.jobs.claim(job)

    def found(self, prefix: str = "") -> list[AuditedObject]:
        """All pages in one list."""
        return [one for page in self.survey.look(prefix) for one in page]

    def only(self) -> tuple[Finding, str, str | None]:
        """The finding about the only object."""
        (one,) = self.found()
        return one.finding, one.reason, one.order


@pytest.fixture
def shelf() -> Shelf:
    """Empty buckets and an empty table."""
    return Shelf()


@pytest.mark.parametrize("version_id", ["v1", None])
@pytest.mark.parametrize(
    ("state", "reason", "finding", "told"),
    [
        (State.FAILED, Reason.TASK_FAILED, Finding.FAILED, "task-failed"),
        (State.REVIEW, Reason.RESULT_OPAQUE, Finding.REVIEW, "result-opaque"),
        (State.REJECTED, Reason.NOT_A_PHOTO, Finding.REJECTED, "not-a-photo"),
        (State.SUPERSEDED, Reason.SOURCE_DELETED, Finding.SUPERSEDED, "source-deleted"),
        (State.QUEUED, Reason.GATE_FULL, Finding.IN_FLIGHT, "queued"),
        (State.SUBMITTING, None, Finding.IN_FLIGHT, "submitting"),
        (State.UNCONFIRMED, None, Finding.IN_FLIGHT, "unconfirmed"),
        (State.PROCESSING, None, Finding.IN_FLIGHT, "processing"),
        (State.STORING, None, Finding.IN_FLIGHT, "storing"),
    ],
)
def test_the_finding_about_an_object_follows_from_its_job(
    shelf: Shelf,
    state: State,
    reason: Reason | None,
    finding: Finding,
    told: str,
    version_id: str | None,
) -> None:
    """With the reason, in versioned and unversioned buckets."""
    shelf.job(shelf.uploads.add("a.jpg", version_id=version_id), state, reason=reason)
    assert shelf.only() == (finding, told, None)


def test_a_completed_photo_is_done_while_its_cut_out_exists(shelf: Shelf) -> None:
    """A missing cut-out is reported although the job is completed."""
    listed = shelf.uploads.add("shoes/red.jpg")
    shelf.job(listed, State.COMPLETED, result=RESULT)
    assert shelf.only() == (Finding.RESULT_GONE, "", None)
    shelf.results.add(RESULT.key)
    assert shelf.only() == (Finding.DONE, "", None)


def cut_out_of(shelf: Shelf, version: str) -> None:
    """Store a cut-out made from this version of the photo."""
    shelf.results.add(RESULT.key)
    shelf.results.metadata[RESULT.key] = {
        "cutout-job": "b" * 32,
        "cutout-source-version": version,
    }


def newest_was_deleted_for_good(shelf: Shelf) -> ListedObject:
    """A photo with two versions and two cut-outs, whose newer version was deleted permanently."""
    older = shelf.uploads.add("shoes/red.jpg", version_id="v1")
    shelf.job(older, State.COMPLETED, result=RESULT)
    newer = older.source("uploads", "0B")
    head = LatestVersion(source_ref=newer.ref, order=newer.order, job_id="b" * 32)
    shelf.jobs.advance(head)
    return older


def test_the_cut_out_of_a_permanently_deleted_version_is_outdated(
    shelf: Shelf,
) -> None:
    """The bucket shows the older version again, without an event."""
    newest_was_deleted_for_good(shelf)
    cut_out_of(shelf, "v2")
    assert shelf.only() == (Finding.OUTDATED, "", None)
    assert Finding.OUTDATED.is_trouble
    cut_out_of(shelf, "v1")
    assert shelf.only() == (Finding.DONE, "", None)


def test_the_cut_out_of_an_upload_during_the_audit_is_not_outdated(shelf: Shelf) -> None:
    """The listing is older than the newer upload and its cut-out."""
    older = newest_was_deleted_for_good(shelf)
    cut_out_of(shelf, "v2")
    shelf.uploads.pages = lambda _prefix: iter([[older]])  # type: ignore[method-assign,assignment]
    shelf.uploads.add("shoes/red.jpg", version_id="v2")
    assert shelf.only() == (Finding.FRESH, "", None)


def test_a_cut_outs_metadata_is_read_only_if_there_was_a_newer_version(
    shelf: Shelf,
) -> None:
    """An audit of a million photos makes no request for each."""
    shelf.job(shelf.uploads.add("shoes/red.jpg"), State.COMPLETED, result=RESULT)
    cut_out_of(shelf, "v1")
    assert shelf.only() == (Finding.DONE, "", None)
    assert shelf.results.requests == 1


def test_a_job_that_completed_after_the_listing_is_checked_once_more() -> None:
    """The listing of cut-outs is older than the job."""
    shelf = Shelf()
    shelf.job(shelf.uploads.add("shoes/red.jpg"), State.COMPLETED, result=RESULT)
    pages = shelf.survey.look("")
    listed_then = shelf.results.pages

    def late(prefix: str) -> Any:
        yield from listed_then(prefix)
        shelf.results.add(RESULT.key)

    shelf.results.pages = late  # type: ignore[method-assign]
    assert [one.finding for page in pages for one in page] == [Finding.DONE]


def test_an_object_without_a_job_is_missing(shelf: Shelf) -> None:
    """With no known older event, it is ordered before all events."""
    shelf.uploads.add("a.jpg")
    assert shelf.only() == (Finding.MISSING, "", None)


def test_a_new_object_may_still_get_its_event(shelf: Shelf) -> None:
    """For a quarter of an hour."""
    shelf.uploads.add("a.jpg", at=START)
    shelf.clock.advance(14 * MINUTE)
    assert shelf.only() == (Finding.FRESH, "", None)
    shelf.clock.advance(MINUTE)
    assert shelf.only() == (Finding.MISSING, "", None)


@pytest.mark.parametrize("version_id", ["v2", None])
def test_an_object_is_missing_though_an_older_one_of_its_key_has_a_job(
    shelf: Shelf, version_id: str | None
) -> None:
    """It is ordered after that one."""
    older = shelf.job(shelf.uploads.add("a.jpg", version_id=version_id and "v1"), State.FAILED)
    shelf.uploads.add("a.jpg", version_id=version_id, etag="e2")
    assert shelf.only() == (Finding.MISSING, "", older.source.order)


def test_an_object_is_missing_though_its_key_was_deleted_before(shelf: Shelf) -> None:
    """It was uploaded after the deletion, and its event is lost."""
    listed = shelf.uploads.add("a.jpg", version_id=None)
    ref = listed.source("uploads").ref
    shelf.jobs.advance(LatestVersion(source_ref=ref, order=ORDER, job_id=None))
    assert shelf.only() == (Finding.MISSING, "", ORDER)


@pytest.mark.parametrize("version_id", ["v1", None])
def test_an_object_whose_job_expired_is_not_paid_for_again(
    shelf: Shelf, version_id: str | None
) -> None:
    """Whatever the job's end was."""
    listed = shelf.uploads.add("a.jpg", version_id=version_id, at=START)
    source = listed.source("uploads", "0A")
    shelf.jobs.advance(
        LatestVersion(source_ref=source.ref, order=source.order, job_id=source.job_id)
    )
    shelf.clock.advance(90 * DAY)
    assert shelf.only()[0] is Finding.MISSING
    shelf.clock.advance(MINUTE)
    assert shelf.only() == (Finding.FORGOTTEN, "row-expired", None)


@pytest.mark.parametrize(("version_id", "made_from"), [("v1", "v1"), (None, "e1")])
def test_a_cut_out_of_these_bytes_shows_that_the_photo_is_done(
    shelf: Shelf, version_id: str | None, made_from: str
) -> None:
    """Even without a job in the table; it is not paid for again."""
    listed = shelf.uploads.add("shoes/red.jpg", version_id=version_id)
    shelf.results.add("shoes/red.png")
    shelf.results.metadata["shoes/red.png"] = {
        "cutout-job": listed.source("uploads", ORDER.rstrip("0")).job_id,
        "cutout-source-version": made_from,
        "cutout-source-order": ORDER,
    }
    assert shelf.only() == (Finding.DONE, "row-expired", None)


def test_the_cut_out_of_an_equal_file_at_another_key_does_not_count(shelf: Shelf) -> None:
    """Without versioning both have one ETag, and the same first result key."""
    listed = shelf.uploads.add("shoes/red.jpg", version_id=None)
    other = replace(listed, key="shoes/red.gif")
    shelf.results.add("shoes/red.png")
    shelf.results.metadata["shoes/red.png"] = {
        "cutout-job": other.source("uploads", ORDER).job_id,
        "cutout-source-version": "e1",
        "cutout-source-order": ORDER,
    }
    assert shelf.only() == (Finding.MISSING, "", ORDER)


def test_a_cut_out_of_older_bytes_is_older(shelf: Shelf) -> None:
    """The photo is ordered after it; otherwise its cut-out would be paid for and discarded."""
    shelf.uploads.add("shoes/red.jpg", version_id="v2")
    shelf.results.add("shoes/red.png")
    shelf.results.metadata["shoes/red.png"] = {
        "cutout-job": "a",
        "cutout-source-version": "v1",
        "cutout-source-order": ORDER,
    }
    assert shelf.only() == (Finding.MISSING, "", ORDER)


def test_a_foreign_object_among_the_results_does_not_count(shelf: Shelf) -> None:
    """It is no cut-out of ours."""
    shelf.uploads.add("shoes/red.jpg")
    shelf.results.add("shoes/red.png")
    assert shelf.only() == (Finding.MISSING, "", None)


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("shoes/", 0, "folder-marker"),
        ("a.jpg", 0, "empty-object"),
        ("a.jpg", 5001, "too-many-bytes"),
    ],
)
def test_an_object_that_is_no_photo_by_key_or_size_needs_no_job(
    shelf: Shelf, key: str, size: int, reason: str
) -> None:
    """It was uploaded before the prefix was watched."""
    shelf.uploads.add(key, size=size)
    assert shelf.only() == (Finding.NO_PHOTO, reason, None)
    shelf.job(shelf.uploads.objects[key], State.REJECTED, reason=Reason(reason))
    assert shelf.only() == (Finding.REJECTED, reason, None)


@pytest.mark.parametrize(
    ("watch", "key", "reason"),
    [
        ({"upload_prefix": "in/"}, "a.jpg", "outside-prefix"),
        ({"upload_suffixes": (".JPG",)}, "a.webp", "other-suffix"),
        ({"results_bucket": "uploads", "result_prefix": "cut/"}, "cut/a.png", "own-output"),
    ],
)
def test_an_object_that_is_not_watched_is_reported_with_the_reason(
    watch: dict[str, Any], key: str, reason: str
) -> None:
    """Its events make no job."""
    shelf = Shelf(**watch)
    shelf.uploads.add(key)
    assert shelf.only() == (Finding.NOT_WATCHED, reason, None)


def test_a_job_superseded_during_the_audit_is_fresh(shelf: Shelf) -> None:
    """The newer upload came after the listing."""
    shelf.job(shelf.uploads.add("a.jpg"), State.SUPERSEDED, reason=Reason.NEWER_UPLOAD)
    listing = list(shelf.uploads.pages(""))
    shelf.uploads.pages = lambda _prefix: iter(listing)  # type: ignore[method-assign,assignment]
    shelf.uploads.add("a.jpg", version_id="v2")
    assert shelf.only()[0] is Finding.FRESH


def test_pages_are_checked_together_and_in_order(shelf: Shelf) -> None:
    """With one request for the jobs and one for the newest events of a page."""
    for number in range(25):
        shelf.uploads.add(f"a/{number:02}.jpg")
    shelf.uploads.add("b.jpg")
    assert [one.listed.key for one in shelf.found("a/")] == [f"a/{n:02}.jpg" for n in range(25)]


def test_only_cut_outs_of_the_folder_are_listed() -> None:
    """The audit of a folder does not list the whole results bucket."""
    shelf = Shelf(upload_prefix="in/", result_prefix="cut/")
    asked: list[str] = []
    pages = shelf.results.pages

    def noted(prefix: str) -> Any:
        asked.append(prefix)
        return pages(prefix)

    shelf.results.pages = noted  # type: ignore[method-assign]
    for prefix in ("in/", "in/shoes/", "in/shoes/re", "in/../x"):
        assert shelf.found(prefix) == []
    assert asked == ["cut/", "cut/shoes/", "cut/shoes/", "cut/__/"]


def test_the_audit_reports_its_progress(shelf: Shelf) -> None:
    """After every page."""
    for number in range(3):
        shelf.results.add(f"{number}.png")
    told: list[tuple[str, int]] = []
    list(replace(shelf.survey, on_listed=lambda what, count: told.append((what, count))).look(""))
    assert told == [("cut-outs", 2), ("cut-outs", 3)]
