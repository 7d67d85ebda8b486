"""Cached results are written, read and removed only as the photo's record names them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.adapters.temp_folder import folder
from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import Prepared
from cutout.domain.states import AttemptOutcome
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import sha256
from cutout.usecases.store_result.result_cache import ResultCache
from tests.support.builders import NOW, PHOTO, a_job, an_attempt
from tests.support.fakes.dedup_records import MemoryKept
from tests.support.fakes.world import World

MODEL = "mj-v7-remove-bg"
KEY = f"kept/{PHOTO.sha256}-{MODEL}.png"
PICTURE = f"{PHOTO.sha256}#{MODEL}"
PAID = an_attempt(2, outcome=AttemptOutcome.ACCEPTED, credits_used=Decimal(5), task_id="task-1")
JOB = a_job(photo=PHOTO, attempts=(an_attempt(1), PAID), storing_attempt=2)
COPY = Prepared(key="copy", format="jpeg", size=9, width=6, height=4, made_at=NOW)


class Contested(MemoryKept):
    """A cache whose writes fail a given number of times because another worker wrote first."""

    races = 0

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        """Write the object, or lose the race."""
        self.races -= 1
        return self.races < 0 and super().put(key, file, replacing=self.etags.get(key) or replacing)

    def remove(self, key: str, current: str) -> bool:
        """Delete the object, or lose the race."""
        self.races -= 1
        return self.races < 0 and super().remove(key, current)


def cache(races: int = 0, **record: object) -> tuple[ResultCache, World, Contested]:
    """A cache, and the record of the photo."""
    world = World(reuse=True)
    known = {"picture": PICTURE, "owner": JOB.id}
    world.bought.items[PICTURE] = DedupRecord(**(known | record))  # type: ignore[arg-type]
    deduplication = world.job_writer.deduplication
    assert deduplication is not None
    kept = Contested()
    kept.races = races
    cache = ResultCache(results=kept, deduplication=deduplication, model=MODEL, folders=folder)
    return cache, world, kept


def fetched(folder: Path, job: Job = JOB) -> FetchedResult:
    """The provider's result."""
    file = folder / "result"
    file.write_bytes(b"result")
    return FetchedResult(job=job, file=file)


@pytest.mark.parametrize(
    ("job", "credits_", "is_of_copy"),
    [
        (JOB, Decimal(5), False),
        (replace(JOB, prepared=COPY), Decimal(5), True),
        (replace(JOB, storing_attempt=None), Decimal(0), False),
    ],
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
    assert world.bought.items[PICTURE].kept == Kept(
        key=KEY,
        sha256=sha256(result.file),
        job_id=job.id,
        task_id="task-1" if job.storing_attempt else "",
        credits=credits_,
        is_of_copy=is_of_copy,
    )


@pytest.mark.parametrize(("races", "is_done"), [(2, True), (3, False)])
def test_a_result_is_cached_and_removed_after_up_to_two_lost_races(
    tmp_path: Path,
    races: int,
    is_done: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """After the third, the queue redelivers the message."""
    rules, world, kept = cache(races)
    result = fetched(tmp_path)
    if not is_done:
        with pytest.raises(TransientError):
            rules.keep(result)
        kept.races = 0
    rules.keep(result)
    kept.races = races
    if not is_done:
        with pytest.raises(TransientError):
            rules.remove(JOB)
        assert list(kept.objects) == [KEY]
    else:
        rules.remove(JOB)
        assert kept.objects == {}
    assert world.bought.items[PICTURE].kept is not None


def test_only_the_result_that_the_job_cached_is_removed(tmp_path: Path) -> None:
    """Not another job's, not one that replaced it, and none where none exists."""
    rules, world, kept = cache()
    rules.remove(JOB)
    rules.keep(fetched(tmp_path))
    rules.remove(replace(JOB, id="another"))
    rules.remove(replace(JOB, photo=None))
    assert list(kept.objects) == [KEY]
    kept.objects[KEY] = b"another result"
    rules.remove(JOB)
    assert list(kept.objects) == [KEY]
    kept.lose(KEY)
    rules.remove(JOB)
    assert world.bought.items[PICTURE].kept is not None


def test_a_cached_result_is_fetched_only_if_it_is_unchanged(tmp_path: Path) -> None:
    """A missing and a damaged object are treated alike."""
    rules, world, kept = cache()
    rules.keep(fetched(tmp_path))
    its_own = world.bought.items[PICTURE].kept
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
