"""One run: users, workers, provider and time, interleaved by a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from cutout.errors import TransientError
from cutout.job import Job
from cutout.ports.queues import Wake
from cutout.source import Source
from tests.fakes.clock import FakeClock
from tests.fakes.world import World
from tests.simulation.actors import Actor, Killed
from tests.simulation.operators import Operators
from tests.simulation.provider import Provider
from tests.simulation.queue import Message, SimQueue, ToPrepare
from tests.simulation.scene import Scene
from tests.simulation.users import Users

FUNCTION_TIMEOUT = timedelta(seconds=90)
"""Longer than any function's own; shorter than the lease."""
_LONGEST_QUIET = timedelta(days=4)
"""A daily cap may hold photos back for days; nothing else takes as long."""

Entry = tuple[Actor, SimQueue | None, Message | None, datetime]
"""A worker, what it works on, and since when."""


class Engine:
    """A world, its workers, and what a seed makes of them."""

    def __init__(self, seed: int, *, photos: int = 12, world: type[World] = World) -> None:
        scene = Scene(seed, world)
        self.seed = seed
        self.rng = scene.rng
        self.faults = scene.faults
        self.world = scene.world
        self.is_contended = scene.is_contended
        self.queues = (scene.submissions, scene.callbacks, scene.preparations)
        self.agenda = scene.agenda
        self.users = Users(scene, photos=photos)
        self.provider = Provider(scene)
        self.operators = Operators(scene)
        self.deaths: Counter[str] = Counter()
        self.keys_seen: set[str] = set()
        self.posts_seen = 0
        self.actors: list[Entry] = []
        self.noted: dict[str, tuple[str, datetime]] = {}
        self.puts_seen = 0
        self.peak_in_flight = 0
        self.holding_before = 0
        self.writes_seen = 0
        self._plan_sweep()

    @property
    def clock(self) -> FakeClock:
        return self.world.clock

    def run(self, on_tick: Callable[[Engine], None]) -> None:
        """Two hours of faults, then quiet until nothing is left to do; checks at every tick."""
        quiet_at = self.clock.now() + timedelta(hours=2)
        while self.clock.now() < quiet_at + _LONGEST_QUIET:
            if self.clock.now() >= quiet_at:
                self._be_quiet()
            if self.faults.is_quiet and self._is_idle():
                return
            self._tick()
            on_tick(self)
        raise AssertionError(f"seed {self.seed}: still busy after {_LONGEST_QUIET} of quiet")

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

    def _pass_time(self) -> None:
        """A little while; longer when nobody has anything to do."""
        if self._awake() or any(queue.visible() for queue in self.queues):
            self.clock.advance(timedelta(seconds=self.rng.random() * 3))
        else:
            waits = [m.visible_at for q in self.queues for m in q.messages]
            waits += [a.stalled_until for a, *_ in self.actors if a.stalled_until]
            self.clock.advance_to(min([plan.at for plan in self.agenda.plans] + waits))
        self.agenda.do_what_is_due()

    def _start(self, queue: SimQueue, message: Message) -> None:
        if message not in queue.messages:
            return
        queue.receive(message)
        actor = Actor(type(message.body).__name__, lambda: self._work(message))
        # Fights are lost to others only if those are quicker.
        actor.is_slow = not self.is_contended or self.rng.random() < 0.5
        self.actors.append((actor, queue, message, self.clock.now()))

    def _awake(self) -> list[Entry]:
        """The workers that are not stalled."""
        now = self.clock.now()
        return [e for e in self.actors if not e[0].stalled_until or e[0].stalled_until <= now]

    def _resume(self, entry: Entry) -> None:
        actor, queue, message, started_at = entry
        strike: Exception | Killed | None = self.faults.on_step(actor.at)
        if self.clock.now() - started_at > FUNCTION_TIMEOUT:
            strike = Killed("timed out")
        elif self._is_deadly(actor, message):
            strike = Killed("the decoder took the process with it")
        elif actor.at != "start" and self.faults.strikes("crash", actor.at):
            strike = Killed("crashed")
        actor.resume(strike if actor.at != "start" else None)
        actor.stalled_until = None
        if actor.is_slow and self.faults.strikes("stall", actor.at):
            actor.stalled_until = self.clock.now() + timedelta(seconds=self.rng.uniform(5, 85))
        if actor.is_done:
            self.actors.remove(entry)
            self._end(actor, queue, message)

    def _is_deadly(self, actor: Actor, message: Message | None) -> bool:
        """It decodes a photo that no process survives."""
        body = message.body if message else None
        if actor.at != "copier.copy" or not isinstance(body, ToPrepare):
            return False
        is_deadly = body.job_id in self.users.deadly
        self.deaths[body.job_id] += is_deadly
        return is_deadly

    def _end(self, actor: Actor, queue: SimQueue | None, message: Message | None) -> None:
        error = actor.error
        if error is not None and not isinstance(error, Killed | TransientError):
            raise AssertionError(f"seed {self.seed}: a worker broke at {actor.at}") from error
        failed = self.world.telemetry.failures
        broken = [told for told in failed if not isinstance(told[0], TransientError)]
        assert not broken, f"seed {self.seed}: a step of a job broke: {broken}"
        if queue is None or message is None:
            return
        if error is None and isinstance(message.body, Source | tuple):
            self._note(message.body if isinstance(message.body, Source) else message.body[1])
        if error is not None:
            queue.give_back(message)
        elif not self.faults.strikes("delivered_twice"):
            queue.finish(message)

    def _note(self, source: Source) -> None:
        """From now on the product knows of this event."""
        known = self.noted.get(source.key)
        if known is None or known[0] < source.order:
            self.noted[source.key] = (source.order, self.clock.now())

    def _work(self, message: Message) -> None:
        match message.body:
            case Source() as source:
                job = self.world.arrive.created(source)
                if job is not None:
                    self.world.submit.advance(job)
            case ("deleted", Source() as source):
                self.world.arrive.deleted(source)
            case str(job_id):
                self._found(job_id, self.world.submit.wake)
            case Wake() as wake:
                self.world.follow.wake(wake)
            case ToPrepare(job_id):
                self._found(job_id, self.world.prepare.prepare)

    def _found(self, job_id: str, work: Callable[[Job], object]) -> None:
        job = self.world.jobs.find(job_id)
        if job is not None:
            work(job)

    # Sweep, and the end

    def _plan_sweep(self) -> None:
        self.agenda.plan(60, self._sweep)

    def _sweep(self) -> None:
        actor = Actor("sweep", self._run_sweep)
        self.actors.append((actor, None, None, self.clock.now()))
        self.operators.look_in()
        self._plan_sweep()

    def _run_sweep(self) -> None:
        self.world.sweep.sweep()

    def _be_quiet(self) -> None:
        self.faults.is_quiet = True
        for queue in self.queues:
            queue.redrive()

    def _is_idle(self) -> bool:
        jobs = self.world.jobs.jobs.values()
        return (
            not self.actors
            and not any(queue.messages for queue in self.queues)
            and len(self.agenda.plans) <= 1
            and all(job.state.is_settled and job.is_announced for job in jobs)
        )
