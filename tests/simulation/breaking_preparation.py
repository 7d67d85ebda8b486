"""Mutations of what makes copies and sends them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cutout.domain.errors import NeedsPreparingError
from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import CopyKind, PrepareReport, PrepareRequest
from cutout.domain.provider_outcomes import NotSent, PhotoAccess, Refused
from cutout.usecases.prepare import prepare_copy
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.usecases.submit import copy_requests
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.paid_call import PaidCalls
from tests.simulation.breaking import Mutations, replaced
from tests.support.fakes.buckets import MemoryCopies

MUTATIONS = Mutations()
_ask = CopyRequests.request
_prepare = PrepareCopy.prepare
_reported = CopyRequests._reported  # noqa: SLF001
_hand_over = PaidCalls.hand_over


@MUTATIONS.of(PaidCalls, "require_recent_copy")
def a_copy_is_sent_however_old_it_is(_self: PaidCalls, _job: Job) -> None:
    return None


@MUTATIONS.of(PaidCalls, "hand_over")
def the_photo_is_sent_in_place_of_its_copy(
    self: PaidCalls, job: Job
) -> PhotoAccess | Refused | NotSent:
    return _hand_over(self, replace(job, prepared=None))


@contextmanager
def _one_name() -> Iterator[None]:
    def one_name(_job_id: str, _kind: CopyKind, _format: str) -> str:
        return "prepared/copy.jpg"

    with (
        replaced(prepare_copy, "copy_key", one_name),
        replaced(copy_requests, "copy_key", one_name),
    ):
        yield


MUTATIONS["all copies have one name"] = _one_name


class _LateCopies(MemoryCopies):
    """Writes nothing at once, and everything at the end."""

    late: tuple[str, bytes, str] | None = None

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        self.late = key, file.read_bytes(), content_type


@MUTATIONS.of(PrepareCopy, "prepare")
def a_copy_is_reported_before_it_is_there(
    self: PrepareCopy, request: PrepareRequest
) -> PrepareReport:
    later = _LateCopies()
    report = _prepare(replace(self, copies=later), request)
    if later.late is not None:
        key, data, content_type = later.late
        with self.folders() as folder:
            file = Path(folder) / "copy"
            file.write_bytes(data)
            self.copies.put(key, file, content_type=content_type)
    return report


@MUTATIONS.of(copy_requests, "_is_awaited")
def a_report_counts_for_whatever_state_its_job_is_in(_job: Job, _report: PrepareReport) -> bool:
    return True


@MUTATIONS.of(CopyRequests, "_reported")
def preparing_anew_forgets_what_was_paid(
    self: CopyRequests, job: Job, report: PrepareReport
) -> Job:
    return replace(_reported(self, job, report), attempts=())


@MUTATIONS.of(CopyRequests, "request")
def nobody_looks_after_a_photo_that_is_prepared(
    self: CopyRequests, job: Job, why: NeedsPreparingError
) -> Job:
    asked = _ask(self, job, why)
    if asked.state.is_settled:
        return asked
    return self.job_writer.jobs.save(replace(asked, due_at=None))
