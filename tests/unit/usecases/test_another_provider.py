"""A provider with another JSON, without callbacks, that answers each call with the result.

Its adapter is all that it needs: the use cases are those of every deployment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from cutout.domain.gate.gate import PauseReason
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.world import TIMING, World
from tests.support.providers.instant.adapter import InstantProvider
from tests.support.providers.instant.server import InstantServer


@dataclass
class Deployment:
    """The use cases with Instant as their provider."""

    server: InstantServer = field(default_factory=InstantServer)

    def __post_init__(self) -> None:
        """Compose them."""
        self.world = World(provider=InstantProvider(self.server), downloads=self.server)


def test_a_photo_is_cut_out_without_waiting() -> None:
    """The call's answer has the result read at once, and the cut-out is published."""
    here = Deployment()
    started = here.world.clock.now()
    job = here.world.arrives("shoes/a.jpg")
    assert job.state is State.PROCESSING
    here.world.settles()
    job = here.world.job(job)
    assert (job.state, job.credits) == (State.COMPLETED, Decimal(3))
    assert job.attempts[0].task_id == "cut-1"
    assert here.world.results.objects.keys() == {"shoes/a.png"}
    assert here.world.clock.now() == started
    assert here.world.holding() == 0


def test_a_lost_message_is_made_up_for_by_polling() -> None:
    """As for every provider whose callback is lost; nothing is paid twice."""
    here = Deployment()
    job = here.world.arrives()
    here.world.callbacks.wakes.clear()
    here.world.passes(2 * TIMING.first_poll)
    assert here.world.job(job).state is State.COMPLETED
    assert len(here.server.cut) == 1


def test_a_picture_that_it_cannot_cut_out_fails_the_job() -> None:
    """Code and message are the provider's own; nothing is paid, and nothing is tried again."""
    here = Deployment()
    here.server.outcomes.append({"outcome": "sorry", "why": "there is nothing in the picture"})
    job = here.world.arrives()
    here.world.passes(TIMING.job_deadline)
    job = here.world.job(job)
    assert (job.state, job.reason) == (State.FAILED, Reason.REFUSED_BY_PROVIDER)
    assert (job.code, job.message) == ("sorry", "there is nothing in the picture")
    assert (job.credits, here.server.cut) == (Decimal(0), [])


def test_an_empty_account_pauses_the_gate_until_it_is_filled() -> None:
    """The photo waits, and is cut out when the pause is over."""
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
