"""Unsafe links and tasks that never end: nothing is stored, and their jobs are given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.e2e.faults import Faults, key_of, uploaded
from tests.e2e.photos import Photos, Upload
from tests.e2e.stand_in import StandIn

_PLAIN_HTTP = "http://93.184.216.34/result.png"


_UNSAFE: dict[str, tuple[Faults, str]] = {
    "to a private address": ((("result:redirect-private", {}),), "not public"),
    "to this machine's metadata": (
        (("result:redirect-private", {"message": "http://169.254.169.254/latest/"}),),
        "not https",
    ),
    "to plain http": ((("result:redirect-http", {"message": _PLAIN_HTTP}),), "not https"),
    "in circles": ((("result:redirect-loop", {}),), "redirects too often"),
    "to a page": ((("result:html", {}),), "cannot be read as a picture"),
    "to noise": ((("result:not-image", {}),), "cannot be read as a picture"),
    "to nothing": ((("result:no-bytes", {}),), "cannot be read as a picture"),
    "to nowhere": ((("task:no-links", {}),), "names no result"),
    "to half of it": ((("result:truncated", {}),), "RemoteProtocolError"),
    "to a file without end": ((("result:streams-huge", {}),), "larger than"),
}


@pytest.fixture(scope="module")
def misled(open_gate: None, photos: Photos, stand_in: StandIn) -> dict[str, Upload]:  # noqa: ARG001 - room is needed first
    """The photos whose results have unsafe links every time."""
    return uploaded({name: it[0] for name, it in _UNSAFE.items()}, photos, stand_in)


@pytest.mark.parametrize("name", _UNSAFE)
def test_unsafe_link_is_not_followed_and_given_up_at_the_deadline(
    name: str, misled: dict[str, Upload], photos: Photos, stand_in: StandIn
) -> None:
    """The task is read again until then, and nothing is stored."""
    upload = misled[name]
    waiting = photos.reached(
        upload,
        lambda job: job.reason is Reason.RESULT_UNREADABLE and job.message is not None,
        "to be unreadable",
    )
    assert waiting.state is State.STORING
    assert _UNSAFE[name][1] in (waiting.message or "")
    photos.age(upload, timedelta(hours=7))
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.FAILED, Reason.RESULT_LOST)
    assert photos.result_keys(f"faults/{name}") == []
    assert (stand_in.posts(key_of(name)), stand_in.charges(key_of(name))) == (1, 1)


_ENDLESS = {"stuck": "task:stuck", "in a status that nobody knows": "task:unknown-status"}


@pytest.mark.parametrize("name", _ENDLESS)
def test_task_that_never_ends_is_given_up_at_the_deadline(
    name: str, photos: Photos, stand_in: StandIn
) -> None:
    """It is polled until then, and its slot at the gate becomes free."""
    stand_in.commit(_ENDLESS[name], key_of(name))
    upload = photos.put(key_of(name))
    photos.in_state(upload, State.PROCESSING)
    photos.age(upload, timedelta(hours=7))
    job = photos.settled(upload, is_swept=True)
    assert (job.state, job.reason) == (State.FAILED, Reason.DEADLINE_PASSED)
    assert stand_in.posts(key_of(name)) == 1
