"""A provider with another JSON, without callbacks, that answers each call with the result.

Only its adapter is new: the use cases are those of every deployment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.world import TIMING, World
from tests.support.providers import instant
from tests.support.providers.instant.server import InstantServer


@dataclass
class Deployment:
    """The use cases with Instant as their provider."""

    server: InstantServer = field(default_factory=InstantServer)

    def __post_init__(self) -> None:
        """Compose them."""
        self.world = World(provider=instant, http=self.server, downloads=self.server)


def test_a_result_returned_with_the_call_is_stored_at_once() -> None:
    """No callback and no poll is needed."""
    here = Deployment()
    started = here.world.clock.now()
    job = here.world.arrives("shoes/a.jpg")
    assert job.state is State.PROCESSING
    here.world.deliver_all()
    job = here.world.job(job)
    assert (job.state, job.credits) == (State.COMPLETED, Decimal(3))
    assert job.attempts[0].task_id == "cut-1"
    assert here.world.results.objects.keys() == {"shoes/a.png"}
    assert here.world.clock.now() == started
    assert here.world.held_slots() == 0


def test_a_lost_message_is_replaced_by_a_poll() -> None:
    """As with every provider; nothing is paid twice."""
    here = Deployment()
    job = here.world.arrives()
    here.world.callbacks.checks.clear()
    here.world.passes(2 * TIMING.first_poll)
    assert here.world.job(job).state is State.COMPLETED
    assert len(here.server.cut) == 1


def test_a_photo_that_the_provider_cannot_cut_out_fails_the_job() -> None:
    """Code and message are the provider's; nothing is paid or retried."""
    here = Deployment()
    here.server.outcomes.append({"outcome": "sorry", "why": "there is nothing in the picture"})
    job = here.world.arrives()
    here.world.passes(TIMING.job_deadline)
    job = here.world.job(job)
    assert (job.state, job.reason) == (State.FAILED, Reason.REFUSED_BY_PROVIDER)
    assert (job.code, job.message) == ("sorry", "there is nothing in the picture")
    assert (job.credits, here.server.cut) == (Decimal(0), [])


def test_an_empty_account_pauses_the_gate() -> None:
    """The job waits, and is completed after the pause."""
    here = Deployment()
    here.server.outcomes.append({"outcome": "broke"})
    job = here.world.arrives()
    pause = here.world.jobs.read_gate().pause
    assert pause is not None
    assert (pause.reason, job.state, job.is_waiting) == (
        PauseReason.OUT_OF_CREDITS,
        State.QUEUED,
        True,
    )
    assert pause.until is not None
    here.world.passes(2 * (pause.until - pause.since))
    assert here.world.job(job).state is State.COMPLETED
    assert here.world.jobs.read_gate().pause is None
