"""Errors have a message, and carry what their handlers need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cutout.domain.errors import (
    CallbackRefusedError,
    CutoutError,
    NotAPhotoError,
    ProviderBusyError,
)
from cutout.domain.job.result import DedupRecord
from cutout.domain.reasons import Reason
from cutout.ports.jobs_table import DedupRecordMovedError, GateMovedError, JobMovedError
from tests.support.builders import a_job

PURCHASE = DedupRecord(picture="picture", owner="job")


@pytest.mark.parametrize(
    ("make", "message", "carried"),
    [
        (lambda: ProviderBusyError("busy", status=503), "busy", {"status": 503}),
        (lambda: JobMovedError(a_job()), "the job moved on to queued", {"winner": a_job()}),
        (lambda: JobMovedError(None), "the job moved on to nothing", {"winner": None}),
        (lambda: GateMovedError("the slot is taken"), "the slot is taken", {}),
        (
            lambda: DedupRecordMovedError(PURCHASE),
            "the deduplication record moved",
            {"winner": PURCHASE},
        ),
        (lambda: NotAPhotoError(Reason.EMPTY_OBJECT, "no"), "no", {"reason": Reason.EMPTY_OBJECT}),
        (
            lambda: CallbackRefusedError("forged", is_malformed=True),
            "forged",
            {"is_malformed": True},
        ),
    ],
)
def test_an_error_has_a_message_and_attributes(
    make: Callable[[], CutoutError], message: str, carried: dict[str, object]
) -> None:
    """Only the message is printed."""
    error = make()
    assert (str(error), vars(error)) == (message, carried)
