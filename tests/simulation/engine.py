"""One run: users, workers, provider and time, interleaved by a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from cutout.domain.errors import NewerRowError, TransientError
from cutout.domain.messages.message_parsing import read_submission
from cutout.domain.messages.queue_messages import Deleted, Uploaded
from tests.simulation import functions
from tests.simulation.actors import Actor, Killed
from tests.simulation.clocks import WorkersClock
from tests.simulation.operators import Operators
from tests.simulation.promises import FUNCTION_TIMEOUT, Promises
from tests.simulation.provider import Provider
from tests.simulation.queue import Message, SimQueue
from tests.simulation.scene import drawn
from tests.simulation.users import Users

_LONGEST_QUIET = timedelta(days=4)
"""A daily cap may hold photos back for days; nothing else takes as long."""
_ROWS_ARE_GONE_AFTER = timedelta(days=2)
"""DynamoDB removes rows within a few days of their time."""
_DEAD_LETTERS_LAST = timedelta(days=13)
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_PHOTOS = 12

Entry = tuple[Actor, SimQueue | None, Message | None, datetime]
"""A worker, what it works on, and since when."""


class Engine:
    """A world, its workers, and what a seed makes of them.

    Args:
        seed: decides everything.
        likelier: faults by name, with probabilities in place of those that the seed draws.
    """

    def __init__(self, seed: int, likelier: Mapping[str, float]) -> None:
        scene = drawn(seed, likelier)
        self.seed = seed
        self.rng = scene.rng
        self.faults = scene.faults
        self.world = scene.world
        self.scene = scene
        self.evidence = scene.evidence
        self.queues = (scene.submissions, scene.callbacks, scene.preparations)
        self.agenda = scene.agenda
        self.users = Users(scene, photos=_PHOTOS)
        self.provider = Provider(scene)
        self.operators = Operators(scene)
        self.promises = Promises(scene.evidence)
        self.actors: list[Entry] = []
        self._plan_sweep()

    @property
    def clock(self) -> WorkersClock:
        return self.scene.clock

    def run(self) -> None:
        """Two hours of faults, then quiet until nothing is left to do; checks at every tick.

        Then dead letters are sent back that nobody has looked at for weeks.
        """
        with functions.quiet():
            self._work_until(self.clock.now() + timedelta(hours=2))
            self._finish()
            if any(queue.kept_dead for queue in self.queues):
                self._redrive_late()
                self._finish()
            self.promises.check_at_end()

    def _work_until(self, quiet_at: datetime) -> None:
        while self.clock.now() < quiet_at:
            self._tick()
        self.faults.is_quiet = True

    def _finish(self) -> None:
        """Let nothing fail any more: everything is done in the end."""
        ends_at = self.clock.now() + _LONGEST_QUIET
        self.scene.jobs.understand_all()
        for queue in self.queues:
            queue.redrive()
        while not self._is_idle() or self.operators.finish():
            assert self.clock.now() < ends_at, f"seed {self.seed}: still busy"
            self._tick()

    def _redrive_late(self) -> None:
        """Let two weeks pass: dead letters expire; events of expired jobs are replayed."""
        later = self.rng.choice((_DEAD_LETTERS_LAST, self._replayed_after))
        self.clock.advance(later)
        self.scene.jobs.expire()
        self.world.dedup_records.forget(self.clock.now())
        for key in list(self.world.cached_results.objects):
            self.world.cached_results.lose(key)
            self.evidence.kept_is_lost(key)
        for queue in self.queues:
            is_replay = later == self._replayed_after
            queue.dead = [one for one in queue.kept_dead if not is_replay or _is_of_s3(one)]
            queue.kept_dead = []

    @property
    def _replayed_after(self) -> timedelta:
        return self.world.timing.retention + _ROWS_ARE_GONE_AFTER

    # What happens next

    def _tick(self) -> None:
        choices: list[Callable[[], None]] = []
        for entry in self._awake():
            choices += [partial(self._resume, entry)] * 6
        if len(self.actors) < 6:
            for queue in self.queues:
                for message in queue.visible()[:3]:
                    choices += [partial(self._start, queue, message)] * 2
        choices.append(self._pass_time)
        self.rng.choice(choices)()
        self.provider.provide()
        self.promises.check_always()

    def _pass_time(self) -> None:
        """Let some time pass, more when nobody has anything to do."""
        if self._awake() or any(queue.visible() for queue in self.queues):
            self.clock.advance(timedelta(seconds=self.rng.random() * 3))
        else:
            waits = [m.visible_at for q in self.queues for m in q.messages]
            waits += [a.stalled_until for a, *_ in self.actors if a.stalled_until]
            self.clock.advance_to(min([plan.at for plan in self.agenda.plans] + waits))
        self.agenda.do_what_is_due()

    def _start(self, queue: SimQueue, message: Message) -> None:
        queue.receive(message)
        actor = self._hired(
            queue.name, partial(functions.work, self.world, queue.name, message.body)
        )
        # Workers lose races only to quicker ones.
        actor.is_slow = not self.scene.is_contended or self.rng.random() < 0.5
        self.actors.append((actor, queue, message, self.clock.now()))

    def _hired(self, name: str, run: Callable[[], None]) -> Actor:
        actor = Actor(name, run)
        if self.faults.strikes("clock_differs"):
            actor.clock_error = self.rng.uniform(-1, 1) * _CLOCKS_DIFFER_BY
        return actor

    def _awake(self) -> list[Entry]:
        """The workers that are not stalled."""
        now = self.clock.now()
        return [e for e in self.actors if not e[0].stalled_until or e[0].stalled_until <= now]

    def _resume(self, entry: Entry) -> None:
        actor, queue, message, started_at = entry
        strike: Exception | Killed | None = self.faults.on_step(actor.at)
        if self.clock.now() - started_at > FUNCTION_TIMEOUT:
            strike = Killed("timed out")
        elif actor.at != "start" and self.faults.strikes("crash", actor.at):
            strike = Killed("crashed")
        actor.resume(strike if actor.at != "start" else None)
        actor.stalled_until = None
        if actor.is_slow and self.faults.strikes("stall", actor.at):
            actor.stalled_until = self.clock.now() + timedelta(seconds=self.rng.uniform(5, 85))
        if actor.is_done:
            self.actors.remove(entry)
            self._end(actor, queue, message)

    def _end(self, actor: Actor, queue: SimQueue | None, message: Message | None) -> None:
        error = actor.error
        if error is not None and not isinstance(error, Killed | TransientError | NewerRowError):
            raise AssertionError(f"seed {self.seed}: a worker broke at {actor.at}") from error
        failed = self.world.telemetry.failures
        broken = [told for told in failed if not isinstance(told[0], TransientError)]
        assert not broken, f"seed {self.seed}: a step of a job broke: {broken}"
        if queue is None or message is None:
            return
        if error is not None:
            queue.give_back(message)
            return
        if queue is self.scene.submissions:
            self._note(message)
        if not self.faults.strikes("delivered_twice"):
            queue.finish(message)

    def _note(self, message: Message) -> None:
        """Record that the product knows of this event from now on."""
        event = read_submission(message.body)
        if isinstance(event, Uploaded | Deleted):
            self.evidence.product_knows(event.source, self.clock.now())

    # Sweep, and the end of a run

    def _plan_sweep(self) -> None:
        self.agenda.plan(60, self._sweep)

    def _sweep(self) -> None:
        for _ in range(2 if self.faults.strikes("sweeps_overlap") else 1):
            actor = self._hired("sweep", self._run_sweep)
            self.actors.append((actor, None, None, self.clock.now()))
        self.operators.look_in()
        self._plan_sweep()

    def _run_sweep(self) -> None:
        self.world.sweep.sweep()

    def _is_idle(self) -> bool:
        jobs = self.world.jobs.jobs.values()
        return (
            not self.actors
            and not any(queue.messages for queue in self.queues)
            and len(self.agenda.plans) <= 1
            and all(job.state.is_settled and job.is_announced for job in jobs)
        )


def _is_of_s3(message: Message) -> bool:
    """Return whether EventBridge can replay the event, unlike messages that we send ourselves."""
    told: dict[str, object] = json.loads(message.body)
    return told.get("source") == "aws.s3"
