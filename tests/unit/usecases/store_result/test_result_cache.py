"""Cached results are written, read and removed only as the photo's record names them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept, Reuse
from cutout.domain.job.source import Prepared
from cutout.domain.states import AttemptOutcome
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import sha256
from cutout.usecases.store_result.result_cache import ResultCache
from tests.support.builders import NOW, PHOTO, a_job, an_attempt
from tests.support.fakes.buckets import MemoryCopies
from tests.support.fakes.world import World

MODEL = "mj-v7-remove-bg"
PICTURE = f"{PHOTO.sha256}#{MODEL}"
PAID = an_attempt(2, outcome=AttemptOutcome.ACCEPTED, credits_used=Decimal(5), task_id="task-1")
JOB = a_job(photo=PHOTO, attempts=(an_attempt(1), PAID), storing_attempt=2)
KEY = f"kept/{JOB.id}-2.png"
OWN = Kept(key=KEY, sha256="5f" * 32, job_id=JOB.id, task_id="task-1", credits=Decimal(5))
COPY = Prepared(key="copy", format="jpeg", size=9, width=6, height=4, made_at=NOW)


def cache(**record: object) -> tuple[ResultCache, World, MemoryCopies]:
    """A cache, and the record of the photo."""
    world = World(reuse=True)
    known = {"picture": PICTURE, "owner": JOB.id}
    world.dedup_records.items[PICTURE] = DedupRecord(**(known | record))  # type: ignore[arg-type]
    deduplication = world.job_writer.deduplication
    assert deduplication is not None
    kept = MemoryCopies()
    return ResultCache(copies=kept, deduplication=deduplication), world, kept


def fetched(folder: Path, job: Job = JOB) -> FetchedResult:
    """The provider's result."""
    file = folder / "result"
    file.write_bytes(b"result")
    return FetchedResult(job=job, file=file)


@pytest.mark.parametrize(
    ("job", "credits_", "is_of_copy"),
    [(JOB, Decimal(5), False), (replace(JOB, prepared=COPY), Decimal(5), True)],
)
def test_a_result_is_cached_with_all_that_another_job_needs(
    tmp_path: Path,
    job: Job,
    credits_: Decimal,
    is_of_copy: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Its cost, and whether the model was sent an upright copy in sRGB."""
    rules, world, kept = cache()
    result = fetched(tmp_path, job)
    rules.keep(result)
    assert kept.objects == {KEY: b"result"}
    assert world.dedup_records.items[PICTURE].kept == Kept(
        key=KEY,
        sha256=sha256(result.file),
        job_id=job.id,
        task_id="task-1",
        credits=credits_,
        is_of_copy=is_of_copy,
    )


def test_only_what_the_job_cached_is_removed(tmp_path: Path) -> None:
    """Not another job's result of the same photo; the record still names what is gone."""
    rules, world, kept = cache()
    rules.remove(JOB)
    rules.keep(fetched(tmp_path))
    rules.remove(replace(JOB, id="another"))
    assert list(kept.objects) == [KEY]
    rules.remove(JOB)
    assert kept.objects == {}
    assert world.dedup_records.items[PICTURE].kept is not None


def test_an_accepted_result_is_cached_by_the_job_that_paid_for_it(tmp_path: Path) -> None:
    """Not again by a job that reused it: that job has no attempt."""
    rules, _, kept = cache()
    reused = Reuse(job_id="maker", key="k", sha256="5f" * 32, task_id="t", credits_saved=Decimal(5))
    rules.accept(fetched(tmp_path, replace(JOB, reused=reused, storing_attempt=None)))
    assert kept.objects == {}
    rules.accept(fetched(tmp_path))
    assert list(kept.objects) == [KEY]


def test_a_result_that_lost_against_another_is_removed_with_its_photo(tmp_path: Path) -> None:
    """The record names the other one, which stays."""
    rules, world, kept = cache(owner="another", kept=replace(OWN, job_id="another", key="other"))
    kept.objects["other"] = b"another result"
    rules.keep(fetched(tmp_path))
    assert sorted(kept.objects) == [KEY, "other"]
    rules.remove(JOB)
    assert list(kept.objects) == ["other"]
    assert world.dedup_records.items[PICTURE].kept == replace(OWN, job_id="another", key="other")


def test_a_result_that_an_earlier_version_cached_is_removed() -> None:
    """It had one key for each photo."""
    rules, _, kept = cache(kept=replace(OWN, key="kept/of-the-photo.png"))
    kept.objects["kept/of-the-photo.png"] = b"result"
    rules.remove(JOB)
    assert kept.objects == {}


def test_the_record_names_the_bytes_of_one_of_two_results_at_the_same_instant(
    tmp_path: Path,
) -> None:
    """Neither writes over the other's file, so the next upload can use the cached one."""
    rules, world, kept = cache(owner="gone")
    other = replace(JOB, id="another")
    for job in (JOB, other):
        result = fetched(tmp_path, job)
        result.file.write_bytes(job.id.encode())
        rules.keep(result)
    named = world.dedup_records.items[PICTURE].kept
    assert named is not None
    assert len(kept.objects) == 2
    assert rules.fetch(named, tmp_path / "again")


def test_a_cached_result_is_fetched_only_if_it_is_unchanged(tmp_path: Path) -> None:
    """A missing and a damaged object are treated alike."""
    rules, world, kept = cache()
    rules.keep(fetched(tmp_path))
    its_own = world.dedup_records.items[PICTURE].kept
    assert its_own is not None
    file = tmp_path / "again"
    assert rules.fetch(its_own, file)
    again = rules.fetch_again(JOB, file, world.pictures)
    assert again == FetchedResult(job=JOB, file=file, picture=world.pictures.examine(file))
    another = replace(JOB, id="another")
    assert rules.fetch_again(another, file, world.pictures) is None
    kept.objects[KEY] = b"damaged"
    assert not rules.fetch(its_own, file)
    kept.lose(KEY)
    assert rules.fetch_again(JOB, file, world.pictures) is None
