"""Every fault of the provider, each with a photo of its own, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.faults import Fault, Faults, key_of, uploaded
from tests.e2e.logs import Logs
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import opened
from tests.e2e.stand_in import StandIn

_PRICE = Decimal("5.4")
_LOST: Fault = ("callback:lost", {})


def _once(*faults: str, **options: Any) -> Faults:
    """Each fault, once."""
    return tuple((fault, {"times": 1, **options}) for fault in faults)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is done to a photo, and the way it is to take to its cut-out.

    Attributes:
        faults: What the stand-in does.
        posts: How often the paid call goes out.
        through: A state, or the reason of a step, that the way leads through.
        is_doubtful: Whether it is to be counted as a possible double charge.
        wait: A wait on the way that no test sits through.
    """

    faults: Faults
    posts: int = 1
    through: State | Reason | None = None
    is_doubtful: bool = False
    wait: timedelta | None = None


_UNKNOWN = State.UNCONFIRMED
_LATE = _once("callback:late", seconds=15.0)
"""The call's time-out is over by then, and its outcome recorded as unknown."""
_MINUTES = timedelta(minutes=5)


def _repeated(
    fault: str, *others: Fault, is_doubtful: bool = False, wait: timedelta = _MINUTES
) -> Case:
    """The outcome of the call is unknown until the grace time is over."""
    return Case(
        faults=(*_once(fault), *others),
        posts=2,
        through=_UNKNOWN,
        is_doubtful=is_doubtful,
        wait=wait,
    )


def _called_back(fault: str) -> Case:
    """The outcome of the call is unknown until its callback comes."""
    return Case(faults=(*_once(fault), *_LATE), through=_UNKNOWN)


_OVERCOME = {
    # The paid call was accepted, its answer lost: no second call, the callback decides.
    "taken, then a time-out": Case(faults=_once("create:accept-then-timeout")),
    "taken, then a time-out, a late callback": _called_back("create:accept-then-timeout"),
    "taken, then a reset": _called_back("create:accept-then-reset"),
    "taken, then a 500": _called_back("create:accept-then-500"),
    "taken, the answer is no JSON": _called_back("create:invalid-json"),
    "taken, the answer has no id": _called_back("create:no-id"),
    # And no callback comes: after the grace time the same call again, which the API knows.
    "taken, then a reset, no callback": _repeated("create:accept-then-reset", _LOST),
    "taken, then a proxy's page": _called_back("create:accept-then-403-page"),
    # The paid call was not accepted, but that is unknown: repeated and counted.
    "a reset before it was taken": _repeated("create:reset-before-accept", is_doubtful=True),
    "500": _repeated("create:500", is_doubtful=True),
    "403 in HTML": _repeated("create:403-page", is_doubtful=True),
    "502 in HTML": _repeated("create:502", is_doubtful=True),
    "503 in HTML": _repeated("create:503", is_doubtful=True),
    "503 with a number for a code": _repeated("create:integer-code", is_doubtful=True),
    "409, an earlier call is undecided": _repeated("create:409", is_doubtful=True),
    "answered late": Case(faults=_once("create:slow", seconds=3.0)),
    # Callbacks
    "callback lost": Case(faults=(_LOST,), through=State.PROCESSING),
    "callback doubled": Case(faults=_once("callback:doubled")),
    "callback early": Case(faults=_once("callback:early")),
    "callback late": Case(faults=_once("callback:late", seconds=6.0)),
    "callback of garbage": Case(faults=_once("callback:garbage")),
    "callback of nothing": Case(faults=_once("callback:empty")),
    "callback whose id is a list": Case(faults=_once("callback:no-id")),
    "callback of a megabyte": Case(faults=_once("callback:huge")),
    "callback about another task": Case(faults=_once("callback:other-task")),
    "callback says failed": Case(faults=_once("callback:says-failed")),
    "callback says processing": Case(faults=_once("callback:says-processing")),
    "callback says little": Case(faults=_once("callback:sparse")),
    "callback four times": Case(faults=_once("callback:after-failure")),
    # Tasks
    "task failed, worth another try": Case(
        faults=_once("task:failed"), posts=2, through=Reason.TASK_RETRIED, wait=_MINUTES
    ),
    "task cancelled": Case(
        faults=_once("task:cancelled"), posts=2, through=Reason.TASK_RETRIED, wait=_MINUTES
    ),
    "task canceled, one l": Case(
        faults=_once("task:canceled"), posts=2, through=Reason.TASK_RETRIED, wait=_MINUTES
    ),
    "result in result_data only": Case(faults=_once("task:result-data-only")),
    "several results": Case(faults=_once("task:several-links")),
    "links come late": Case(faults=_once("task:late-links", seconds=3.0)),
    # Reads
    "task not found at first": Case(
        faults=_once("task:404-on-read"), through=State.PROCESSING, wait=_MINUTES
    ),
    "read: 401": Case(faults=_once("task:401-on-read")),
    "read: 402": Case(faults=_once("task:402-on-read")),
    "read: 403": Case(faults=_once("task:403-on-read")),
    "read: 429": Case(faults=_once("task:429-on-read")),
    "read: 500": Case(faults=_once("task:500-on-read")),
    "read: 502 in HTML": Case(faults=_once("task:502-on-read")),
    "read: no JSON": Case(faults=_once("task:invalid-json-on-read")),
    "read: about another task": Case(faults=_once("task:other-task-on-read")),
    "read: in capitals, one link, as text": Case(faults=_once("task:loose-on-read")),
    "read: wrapped": Case(faults=_once("task:wrapped-on-read")),
    "read: reset": Case(faults=_once("task:reset-on-read")),
    "read: time-out": Case(faults=_once("task:timeout-on-read")),
    # Results
    "result: 403": Case(faults=_once("result:403"), through=Reason.RESULT_UNREADABLE),
    "result: 404": Case(faults=_once("result:404"), through=Reason.RESULT_UNREADABLE),
    "result: 500": Case(faults=_once("result:500"), through=Reason.RESULT_UNREADABLE),
    "result: HTML": Case(faults=_once("result:html"), through=Reason.RESULT_UNREADABLE),
    "result: truncated": Case(faults=_once("result:truncated"), through=Reason.RESULT_UNREADABLE),
    "result: nothing": Case(faults=_once("result:no-bytes"), through=Reason.RESULT_UNREADABLE),
    "result: no picture": Case(faults=_once("result:not-image"), through=Reason.RESULT_UNREADABLE),
    "result: 202": Case(faults=_once("result:202"), through=Reason.RESULT_UNREADABLE),
    "result: gzip": Case(faults=_once("result:gzip")),
    "result: moved": Case(faults=_once("result:redirect")),
    "result: half the size": Case(faults=_once("result:other-size")),
    "result: WebP": Case(faults=_once("result:webp")),
}


@pytest.fixture(scope="module")
def afflicted(open_gate: None, photos: Photos, stand_in: StandIn) -> dict[str, Upload]:  # noqa: ARG001 - room is needed first
    """The photos of all faults, after the grace time and all delays."""
    uploads = uploaded({name: it.faults for name, it in _OVERCOME.items()}, photos, stand_in)
    for name, case in _OVERCOME.items():
        if case.wait:
            photos.reached(uploads[name], _waits_or_is_over, "to wait", is_swept=True)
            photos.age(uploads[name], case.wait)
    return uploads


@pytest.mark.parametrize("name", _OVERCOME)
def test_temporary_fault_costs_time_but_no_photo_and_no_second_charge(
    name: str, afflicted: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """Whatever is lost, late, doubled or damaged: one cut-out, one charge, both recorded."""
    case, upload = _OVERCOME[name], afflicted[name]
    job = photos.settled(upload, is_swept=True)
    stored = photos.result(f"faults/{name}.png")
    assert (job.state, job.reason) == (State.COMPLETED, None)
    assert stored is not None
    assert opened(stored.content).format == "PNG"
    assert (stand_in.posts(key_of(name)), stand_in.charges(key_of(name))) == (case.posts, 1)
    assert job.credits == _PRICE
    assert case.through is None or case.through in _way(job)
    assert any(it.is_possible_double_charge for it in job.attempts) == case.is_doubtful


def test_possible_double_charges_are_counted(
    afflicted: dict[str, Upload], photos: Photos, logs: Logs
) -> None:
    """Each repeat that the provider did not mark as a replay, once; the replays never."""
    photos.all_settled(afflicted.values(), is_swept=True)
    doubtful = [name for name, case in _OVERCOME.items() if case.is_doubtful]
    counted = logs.metric_grown(
        "Submit", "StoreResult", name="PossibleDoubleCharges", beyond=len(doubtful) - 1
    )
    assert counted == len(doubtful)


def _waits_or_is_over(job: Job) -> bool:
    is_retried = job.reason is Reason.TASK_RETRIED
    is_unknown = job.state is _UNKNOWN
    is_unread = job.state is State.PROCESSING and job.tries > 0
    return is_retried or is_unknown or is_unread or job.state.is_settled


def _way(job: Job) -> set[State | Reason | None]:
    return {part for step in job.history for part in (step.state, step.reason)}


_UNACCEPTABLE = {
    "opaque": ("result:opaque", Reason.RESULT_OPAQUE),
    "without alpha": ("result:no-alpha", Reason.RESULT_OPAQUE),
    "empty": ("result:empty", Reason.RESULT_EMPTY),
    "of another shape": ("result:other-shape", Reason.RESULT_ASPECT_DIFFERS),
    "cut short": ("result:cut-short", Reason.RESULT_NOT_AN_IMAGE),
    "a bomb": ("result:bomb", Reason.RESULT_NOT_AN_IMAGE),
}


@pytest.fixture(scope="module")
def unacceptable(open_gate: None, photos: Photos, stand_in: StandIn) -> dict[str, Upload]:  # noqa: ARG001 - room is needed first
    """The photos whose results fail acceptance."""
    faults: dict[str, Faults] = {name: ((it[0], {}),) for name, it in _UNACCEPTABLE.items()}
    return uploaded(faults, photos, stand_in)


@pytest.mark.parametrize("name", _UNACCEPTABLE)
def test_result_that_is_no_cut_out_of_the_photo_is_kept_for_review(
    name: str, unacceptable: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """It was paid for, so it is stored, but not among the cut-outs."""
    if _UNACCEPTABLE[name][1] is Reason.RESULT_NOT_AN_IMAGE:
        # Another may still come; after an hour it will not.
        photos.reached(
            unacceptable[name],
            lambda job: job.reason is Reason.RESULT_UNREADABLE,
            "to be read again",
        )
        photos.age(unacceptable[name], timedelta(hours=2))
    job = photos.settled(unacceptable[name], is_swept=True)
    assert (job.state, job.reason) == (State.REVIEW, _UNACCEPTABLE[name][1])
    assert photos.result_keys(f"faults/{name}") == []
    assert photos.result_keys(f"review/faults/{name}") == [f"review/faults/{name}.png"]
    assert (stand_in.posts(key_of(name)), stand_in.charges(key_of(name))) == (1, 1)


_TAKEN_UNNAMED: dict[str, Faults] = {
    "callback whose id is a list, no answer": (
        *_once("create:accept-then-reset"),
        ("callback:no-id", {}),
    ),
    "callback about another task, no answer": (
        *_once("create:accept-then-reset"),
        ("callback:other-task", {}),
    ),
}


@pytest.mark.parametrize("name", _TAKEN_UNNAMED)
def test_call_that_was_accepted_by_its_callback_is_never_made_again(
    name: str, photos: Photos, stand_in: StandIn
) -> None:
    """Its task is unknown: the job is kept until the deadline, and paid for once."""
    upload = uploaded({name: _TAKEN_UNNAMED[name]}, photos, stand_in)[name]
    photos.reached(upload, _is_known_taken, "to be called back")
    photos.age(upload, timedelta(hours=7))
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.FAILED, Reason.OUTCOME_UNKNOWN)
    assert (stand_in.posts(key_of(name)), stand_in.charges(key_of(name))) == (1, 1)


def _is_known_taken(job: Job) -> bool:
    if job.state is not _UNKNOWN or not job.attempts[-1].is_taken:
        return False
    attempt = job.attempts[-1]
    return attempt.named_task is None or attempt.not_found_since is not None


_FINAL = {
    "400": (_once("create:400"), Reason.REFUSED_BY_PROVIDER, "invalid_request", 0),
    "404": (_once("create:404"), Reason.REFUSED_BY_PROVIDER, "not_found", 0),
    "413": (_once("create:413"), Reason.REFUSED_BY_PROVIDER, "request_too_large", 0),
    "422": (_once("create:422"), Reason.REFUSED_BY_PROVIDER, "invalid_parameters", 0),
    "moderated": (_once("task:moderated"), Reason.TASK_FAILED, "content_policy_violation", 1),
    "an unknown code": (
        _once("task:failed", code="martians_landed"),
        Reason.TASK_FAILED,
        "martians_landed",
        0,
    ),
}


@pytest.fixture(scope="module")
def refused(open_gate: None, photos: Photos, stand_in: StandIn) -> dict[str, Upload]:  # noqa: ARG001 - room is needed first
    """The photos that the provider refuses."""
    return uploaded({name: it[0] for name, it in _FINAL.items()}, photos, stand_in)


@pytest.mark.parametrize("name", _FINAL)
def test_final_refusal_is_not_repeated(
    name: str, refused: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """The provider's code is stored unchanged; another call would be another payment."""
    job = photos.settled(refused[name], is_swept=True)
    _, reason, code, charges = _FINAL[name]
    assert (job.state, job.reason, job.code) == (State.FAILED, reason, code)
    assert job.message
    assert (stand_in.posts(key_of(name)), stand_in.charges(key_of(name))) == (1, charges)
    assert job.credits == _PRICE * charges


def test_photo_that_the_provider_cannot_fetch_is_uploaded_as_a_copy(
    photos: Photos, stand_in: StandIn
) -> None:
    """Once, to the Files API; the copy is deleted after use."""
    key = key_of("out of reach")
    stand_in.commit("task:unreachable-input", key)
    upload = photos.put(key)
    photos.reached(upload, lambda job: job.reason is Reason.TASK_RETRIED, "to be tried again")
    photos.age(upload, _MINUTES)
    job = photos.settled(upload, is_swept=True)
    assert (job.state, len(job.attempts), job.credits) == (State.COMPLETED, 2, _PRICE)
    copy = job.attempts[1].file_id
    assert [it["file"] for it in stand_in.every("upload")].count(copy) == 1
    assert [it["file"] for it in stand_in.every("delete")].count(copy) == 1
