"""Ways to break what makes copies and sends them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cutout.errors import NeedsPreparingError
from cutout.job import Job
from cutout.preparation import CopyKind, PrepareReport, PrepareRequest
from cutout.provider import NotSent, Refused, Uploaded
from cutout.usecases import preparations, prepare, scratch
from cutout.usecases.handover import Handover
from cutout.usecases.preparations import Preparations
from cutout.usecases.prepare import Prepare
from tests.fakes.buckets import MemoryCopies
from tests.simulation.breaking import Mutations, replaced

MUTATIONS = Mutations()
_ask = Preparations.ask
_prepare = Prepare.prepare
_reported = Preparations._reported  # noqa: SLF001
_url = Handover.url


@MUTATIONS.of(Preparations, "refuse_old_copy")
def a_copy_is_sent_however_old_it_is(_self: Preparations, _job: Job) -> None:
    return None


@MUTATIONS.of(Handover, "url")
def the_photo_is_sent_in_place_of_its_copy(
    self: Handover, job: Job, number: int
) -> Uploaded | Refused | NotSent:
    return _url(self, replace(job, prepared=None), number)


@contextmanager
def _one_name() -> Iterator[None]:
    def one_name(_job_id: str, _kind: CopyKind, _format: str) -> str:
        return "prepared/copy.jpg"

    with replaced(prepare, "copy_key", one_name), replaced(preparations, "copy_key", one_name):
        yield


MUTATIONS["all copies have one name"] = _one_name


class _LateCopies(MemoryCopies):
    """Puts nothing yet, and everything at the end."""

    late: tuple[str, bytes, str] | None = None

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        self.late = key, file.read_bytes(), content_type


@MUTATIONS.of(Prepare, "prepare")
def a_copy_is_reported_before_it_is_there(self: Prepare, request: PrepareRequest) -> PrepareReport:
    later = _LateCopies()
    report = _prepare(replace(self, copies=later), request)
    if later.late is not None:
        key, data, content_type = later.late
        with scratch.folder() as folder:
            file = Path(folder) / "copy"
            file.write_bytes(data)
            self.copies.put(key, file, content_type=content_type)
    return report


@MUTATIONS.of(Preparations, "_is_awaited")
def a_report_counts_for_whatever_state_its_job_is_in(
    _self: Preparations, _job: Job, _report: PrepareReport
) -> bool:
    return True


@MUTATIONS.of(Preparations, "_reported")
def preparing_anew_forgets_what_was_paid(
    self: Preparations, job: Job, report: PrepareReport
) -> Job:
    return replace(_reported(self, job, report), attempts=())


@MUTATIONS.of(Preparations, "ask")
def nobody_looks_after_a_photo_that_is_prepared(
    self: Preparations, job: Job, why: NeedsPreparingError
) -> Job:
    asked = _ask(self, job, why)
    if asked.state.is_settled:
        return asked
    return self.recorder.store.save(replace(asked, due_at=None))
