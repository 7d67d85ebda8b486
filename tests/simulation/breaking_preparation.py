"""Ways to break what makes copies and sends them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cutout.job import Job
from cutout.provider import NotSent, Refused, Uploaded
from cutout.states import State
from cutout.usecases import prepare
from cutout.usecases.handover import Handover
from cutout.usecases.prepare import Prepare
from cutout.usecases.submit import Submit
from tests.fakes.buckets import MemoryCopies
from tests.simulation.breaking import Mutations, replaced
from tests.simulation.inputs import ExpiringCopies

MUTATIONS = Mutations()
MUTATIONS["a picture that ends its workers is tried for ever"] = lambda: replaced(
    prepare, "_MOST_BEGINNINGS", 1_000_000
)
_hand_back = Prepare._hand_back  # noqa: SLF001
_have_prepared = Submit._have_prepared  # noqa: SLF001
_prepare = Prepare._prepare  # noqa: SLF001
_url = Handover.url


@MUTATIONS.of(Submit, "_refuse_old_copy")
def a_copy_is_sent_however_old_it_is(_self: Submit, _job: Job) -> None:
    return None


@MUTATIONS.of(Handover, "url")
def the_photo_is_sent_in_place_of_its_copy(
    self: Handover, job: Job, number: int
) -> Uploaded | Refused | NotSent:
    return _url(self, replace(job, prepared=None), number)


@MUTATIONS.of(Prepare, "_hand_back")
def all_copies_have_one_name(self: Prepare, job: Job, **found: Any) -> Job:
    copies = self.copies
    assert isinstance(copies, ExpiringCopies)
    if "prepared" in found:
        copies.objects["prepared/copy.jpg"] = copies.objects[found["prepared"].key]
        copies.made["prepared/copy.jpg"] = self.clock.now()
        found["prepared"] = replace(found["prepared"], key="prepared/copy.jpg")
    return _hand_back(self, job, **found)


class _LateCopies(MemoryCopies):
    """Puts nothing yet, and everything at the end."""

    late: tuple[str, Path, str] | None = None

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        self.late = key, file, content_type


@MUTATIONS.of(Prepare, "_prepare")
def a_copy_is_recorded_before_it_is_there(self: Prepare, job: Job, folder: Path) -> Job:
    later = _LateCopies()
    done = _prepare(replace(self, copies=later), job, folder)
    if later.late is not None:
        key, file, content_type = later.late
        self.copies.put(key, file, content_type=content_type)
    return done


@MUTATIONS.of(Prepare, "prepare")
def a_second_preparation_takes_the_photo_back(self: Prepare, job: Job) -> Job:
    if not job.state.holds_slot:
        return _prepare_whole(self, job)
    again = replace(job, state=State.QUEUED, reason=None, due_at=self.clock.now())
    saved = self.jobs.save(again)
    self.submissions.wake([job.id])
    return saved


_prepare_whole = Prepare.prepare


@MUTATIONS.of(Prepare, "_hand_back")
def preparing_anew_forgets_what_was_paid(self: Prepare, job: Job, **found: Any) -> Job:
    return _hand_back(self, job, **(found | {"attempts": ()}))


@MUTATIONS.of(Submit, "_have_prepared")
def nobody_looks_after_a_photo_that_is_prepared(
    self: Submit, job: Job, preparations: Any, why: str
) -> Job:
    asked = _have_prepared(self, job, preparations, why)
    return self.recorder.store.save(replace(asked, due_at=None))
