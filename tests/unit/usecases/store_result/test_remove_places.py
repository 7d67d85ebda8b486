"""At which keys the results of a deleted photo are looked for, and which are its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from cutout.domain.errors import TransientError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.messages.queue_messages import Removal
from cutout.domain.recipes import Recipe
from cutout.ports.buckets import StoredResult
from cutout.usecases.store_result.remove import RemoveResults
from tests.support.builders import NOW, RESULT, a_job, a_source
from tests.support.fakes.buckets import MemoryUploads
from tests.support.fakes.queues import MemoryTelemetry

SOURCE = a_source(key="a.jpg", sequencer="0A")
JOB = a_job(source=SOURCE, id=SOURCE.job_id)
REMOVAL = Removal(bucket="uploads", key="a.jpg", order=a_source(sequencer="0B").order)
HASH = "509b0d4641a7"
"""Of the source key: it is put into a name that another source has taken."""
POSSIBLE = [
    *("a.png", "review/a.png", f"review/a-{HASH}.png"),
    *("a.jpg.png", "review/a.jpg.png", f"review/a.jpg-{HASH}.png"),
    *(f"a-{HASH}.png", f"review/a-{HASH}-{HASH}.png"),
]


@dataclass
class Places:
    """Results by key, and the keys that were read."""

    objects: dict[str, StoredResult] = field(default_factory=dict)
    looked_at: list[str] = field(default_factory=list)
    loses: int = 0

    def current(self, key: str) -> StoredResult | None:
        """Read a key."""
        self.looked_at.append(key)
        return self.objects.get(key)

    def remove(self, key: str, current: StoredResult) -> bool:
        """Delete the object, unless another worker wrote it first."""
        self.loses -= 1
        if self.loses >= 0:
            return False
        return self.objects.pop(key) == current


@dataclass
class JobsOfKey:
    """The jobs of one key."""

    jobs: list[Job]
    limit: int = 0

    def of_source(self, bucket: str, key: str, limit: int) -> list[Job]:
        """All of them."""
        assert (bucket, key) == ("uploads", "a.jpg")
        self.limit = limit
        return self.jobs


def removed(places: Places, *jobs: Job, removal: Removal = REMOVAL) -> set[str]:
    """The keys of the objects that a removal deletes."""
    before, rows, telemetry = set(places.objects), JobsOfKey(list(jobs)), MemoryTelemetry()
    RemoveResults(
        jobs=rows,
        current_versions=MemoryUploads(),
        results=places,  # type: ignore[arg-type] # nothing is put or fetched
        telemetry=telemetry,
        results_bucket="results",
        upload_prefix="",
        result_prefix="",
        result_cache=None,
        recipes=(Recipe(name="web", format="webp"),),
    ).remove(removal)
    gone = before - places.objects.keys()
    assert telemetry.facts == [("results of a deleted photo removed", {"count": len(gone)})]
    assert rows.limit == 1000
    return gone


def of(job: Job) -> StoredResult:
    """A result of the job, by its metadata."""
    return StoredResult(
        etag="e", order=job.source.order, job_id=job.id, source_version=job.source.version_id
    )


def test_without_jobs_all_possible_keys_are_checked() -> None:
    """Jobs expire, cut-outs do not; a key with a hash is used when the plain one is taken."""
    places = Places()
    assert removed(places) == set()
    notes = {f"{key}.json" for key in POSSIBLE if key.startswith("review/")}
    variants = {"a.web.webp", "a.jpg.web.webp"}
    others = [key for key in places.looked_at if key not in notes]
    assert [key for key in others if not key.endswith(".web.webp")] == POSSIBLE
    assert notes | variants <= set(places.looked_at)


@pytest.mark.parametrize(
    ("facts", "places"),
    [
        ({"result": replace(RESULT, key="x.png")}, {"x.png", "x.png.json"}),
        ({"result": replace(RESULT, key="x.png", bucket="another")}, set()),
        ({"result_key": "x.png"}, {"x.png", "review/x.png", "review/x.png.json"}),
        (
            {
                "variants": (
                    Variant(recipe="web", format="webp", made_at=NOW, key="x.webp"),
                    Variant(recipe="big", format="webp", made_at=NOW, problem="none"),
                )
            },
            {"x.webp"},
        ),
    ],
)
def test_jobs_name_further_keys(facts: dict[str, object], places: set[str]) -> None:
    """Recipes and prefixes may have changed."""
    looked = Places()
    removed(looked, replace(JOB, **facts))  # type: ignore[arg-type]
    known = Places()
    removed(known, JOB)
    further = set(looked.looked_at) - set(known.looked_at)
    assert {key for key in further if "-" not in key} >= places
    assert bool(further) == bool(places)


NEWER = a_job(source=a_source(key="a.jpg", version_id="v2", sequencer="0C"), id="newer")
SAME_TIME = replace(JOB, source=replace(SOURCE, sequencer="0B"))
EXPIRED = a_source(key="a.jpg", version_id="v0", sequencer="09")


@pytest.mark.parametrize(
    ("standing", "is_removed"),
    [
        (of(JOB), True),
        (of(NEWER), False),
        (of(SAME_TIME), False),
        (replace(of(JOB), order=None), False),
        (replace(of(JOB), job_id=None), False),
        (replace(of(JOB), job_id=None, source_version=None), False),
        (replace(of(JOB), job_id="another"), False),
        (replace(of(JOB), source_version=None), True),
        (replace(of(JOB), job_id=EXPIRED.job_id, source_version="v0"), True),
        (replace(of(JOB), job_id=EXPIRED.job_id, source_version=None), False),
    ],
)
def test_only_results_of_the_deleted_photo_are_removed(
    standing: StoredResult,
    is_removed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """By the metadata: it names the job, or a version that gives the job's id for this key."""
    gone = removed(Places({"a.png": standing}), JOB, NEWER)
    assert gone == ({"a.png"} if is_removed else set())


@pytest.mark.parametrize("job", [JOB, NEWER])
def test_a_deleted_version_loses_only_its_own_results(job: Job) -> None:
    """Even if the key was uploaded again, whenever that was."""
    places = Places({"a.png": of(JOB), "a.jpg.png": of(NEWER)})
    gone = removed(places, JOB, NEWER, removal=replace(REMOVAL, job_id=job.id))
    assert gone == {"a.png" if job is JOB else "a.jpg.png"}


def test_a_result_that_is_overwritten_each_time_is_left_to_a_redelivery() -> None:
    """After three tries."""
    places = Places({"a.png": of(JOB)}, loses=2)
    assert removed(places, JOB) == {"a.png"}
    with pytest.raises(TransientError):
        removed(Places({"a.png": of(JOB)}, loses=3), JOB)
