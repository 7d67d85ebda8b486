"""One run: users, workers, provider and time, interleaved by a seed."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from cutout.errors import CallbackRefusedError, JobMovedError, TransientError
from cutout.gate import Limits, PauseReason
from cutout.job import Job
from cutout.keys import FRESH_MARK
from cutout.ports.buckets import Labels
from cutout.ports.queues import Wake
from cutout.source import Source
from cutout.states import TRANSITIONS, Move, Transport
from cutout.usecases.wake import change_gate
from tests.fakes.clock import START, FakeClock
from tests.fakes.copier import tiff
from tests.fakes.evolink import CUT_OUT
from tests.fakes.world import TIMING, World, png
from tests.simulation.actors import Actor, Killed, step
from tests.simulation.faults import TASK_CODES, Faults, Mix
from tests.simulation.inputs import ExpiringCopies, is_taken, led_to
from tests.simulation.queue import Message, SimQueue, ToPrepare

FUNCTION_TIMEOUT = timedelta(seconds=90)
"""Longer than any function's own; shorter than the lease."""
_LONGEST_QUIET = timedelta(days=4)
"""A daily cap may hold photos back for days; nothing else takes as long."""
_EARLY = 0.1
_EARLIER = timedelta(hours=11, minutes=50)

Entry = tuple[Actor, SimQueue | None, Message | None, datetime]
"""A worker, what it works on, and since when."""


@dataclass(order=True)
class Planned:
    """Something that happens at a time, whatever the workers do."""

    at: datetime
    number: int
    act: Callable[[], None]


class Engine:
    """A world, its workers, and what a seed makes of them."""

    def __init__(self, seed: int, *, photos: int = 12, world: type[World] = World) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.faults = Faults(mix=Mix.draw(self.rng), rng=self.rng)
        # One run in four is a fight over a single key, by workers that stall; in every other one
        # of those nothing else goes wrong, so that the quick do overtake the slow.
        self.is_contended = seed % 4 == 3
        if seed % 8 == 7:
            self.faults.mix = Mix.none()
        if self.is_contended:
            self.faults.mix.stall = 0.02
        # And one in four has uploads of mostly one picture, whose purchases fail now and then.
        self.is_alike = seed % 4 == 1
        if self.is_alike:
            self.faults.mix.same_picture = 0.9
            self.faults.mix.task_failed = 0.3
            self.faults.mix.create_refused = 0.2
            self.faults.mix.result_odd = 0.2
            self.faults.mix.stall = 0.02
        self.world = self._make(world)
        self.world.jobs.lag = self._lag
        self.world.evolink.honours_keys = self.rng.random() < 0.7
        self.submissions: SimQueue = self.world.submissions  # type: ignore[assignment]
        self.callbacks: SimQueue = self.world.callbacks  # type: ignore[assignment]
        self.preparations: SimQueue = self.world.preparations  # type: ignore[assignment]
        self.queues = (self.submissions, self.callbacks, self.preparations)
        self.deadly: set[str] = set()
        self.deaths: Counter[str] = Counter()
        self.inputs: dict[str, bytes | None] = {}
        self.lost_copies: set[str] = set()
        self.keys_seen: set[str] = set()
        self.posts_seen = 0
        self.actors: list[Entry] = []
        self.uploads: list[Source] = []
        self.newest: dict[str, Source] = {}
        self.noted: dict[str, tuple[str, datetime]] = {}
        self.puts_seen = 0
        self.retries: Counter[str] = Counter()
        self.fresh: set[str] = set()
        self.lost: Counter[str] = Counter()
        self.peak_in_flight = 0
        self.holding_before = 0
        self.writes_seen = 0
        self._plans: list[Planned] = []
        self._planned = 0
        self._charges_seen = 0
        self._plan_users(photos)
        self._plan_sweep()

    @property
    def clock(self) -> Any:
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
        self._provide()

    def _pass_time(self) -> None:
        """A little while; longer when nobody has anything to do."""
        if self._awake() or any(queue.visible() for queue in self.queues):
            self.clock.advance(timedelta(seconds=self.rng.random() * 3))
        else:
            waits = [m.visible_at for q in self.queues for m in q.messages]
            waits += [a.stalled_until for a, *_ in self.actors if a.stalled_until]
            self.clock.advance_to(min([plan.at for plan in self._plans] + waits))
        while self._plans and min(self._plans).at <= self.clock.now():
            plan = min(self._plans)
            self._plans.remove(plan)
            plan.act()

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
        is_deadly = body.job_id in self.deadly
        self.deaths[body.job_id] += is_deadly
        return is_deadly

    def _end(self, actor: Actor, queue: SimQueue | None, message: Message | None) -> None:
        error = actor.error
        if error is not None and not isinstance(error, Killed | TransientError):
            raise AssertionError(f"seed {self.seed}: a worker broke at {actor.at}") from error
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

    # Users

    def _plan_users(self, photos: int) -> None:
        names = 1 if self.is_contended else photos
        spread = 450 if self.is_contended else 200 if self.is_alike else 1800
        keys = [_key(number % names) for number in range(photos)]
        for number, key in enumerate(keys):
            at = self.rng.random() * spread
            self._plan(at, partial(self._upload, key, number))
            if self.faults.strikes("uploaded_twice"):
                self._plan(at, partial(self._upload, f"twins/{number}.png", number))
            if self.faults.strikes("overwritten"):
                later = at + self.rng.choice((3, 120)) * self.rng.random()
                self._plan(later, partial(self._upload, key, number + 100))
            if self.faults.strikes("deleted"):
                self._plan(at + self.rng.random() * 240, partial(self._delete, key))
        if self.faults.strikes("forged"):
            self._plan(self.rng.random() * 1800, self._forge)

    def _upload(self, key: str, salt: int) -> None:
        if self.faults.strikes("same_picture"):
            salt = 1000 if self.is_alike else self.rng.randrange(1000, 1003)
        data = b"not a photo" if self.faults.strikes("not_a_photo") else png(salt=salt)
        needs_copy = self.faults.strikes("needs_copy")
        if needs_copy:
            data = tiff(salt=salt, is_damaged=self.faults.strikes("undecodable"))
        is_fresh = self.faults.strikes("fresh")
        marks = {FRESH_MARK: "true"} if is_fresh else {}
        source = self.world.uploads.add(key, data, Labels(metadata=marks, tags={}))
        if is_fresh:
            self.fresh.add(source.job_id)
        if needs_copy and self.faults.strikes("deadly"):
            self.deadly.add(source.job_id)
        self.uploads.append(source)
        self.newest[key] = source
        self.submissions.put(source)

    def _delete(self, key: str) -> None:
        self.newest[key] = self.world.uploads.remove(key)
        self.submissions.put(("deleted", self.newest[key]))

    def _forge(self) -> None:
        for token in ("", "0" * 32 + ".1." + "A" * 43, f"{self.rng.random()}"):
            try:
                self.world.receive.receive(token, '{"id": "task-unified-000001"}')
            except CallbackRefusedError:
                continue
            raise AssertionError(f"seed {self.seed}: a forged callback was taken")

    # The provider

    def _provide(self) -> None:
        """Give every new task a fate."""
        for charge in self.world.evolink.charges[self._charges_seen :]:
            self._charges_seen += 1
            self.inputs[charge.task_id] = led_to(self.world, charge.image_url)
            seconds = self.rng.uniform(0.1, 10 if self.is_contended else 90)
            if self.faults.strikes("task_slow"):
                seconds = self.rng.uniform(300, 2400)
            if not self.faults.strikes("task_stuck"):
                self._plan(seconds, partial(self._finish, charge.task_id, charge.callback_url))

    def _finish(self, task_id: str, callback_url: str) -> None:
        if not is_taken(self.inputs[task_id]):
            self.world.evolink.fail(task_id, "image_processing_error")
        elif self.faults.strikes("task_failed"):
            self.world.evolink.fail(task_id, self.rng.choice(TASK_CODES))
        else:
            self.world.evolink.complete(task_id, self.faults.result())
        token = callback_url.rpartition("/")[2]
        if self.faults.strikes("callback_lost"):
            return
        times = 2 if self.faults.strikes("callback_twice") else 1
        for _ in range(times):
            delay = self.rng.uniform(0, 5)
            if self.faults.strikes("callback_late"):
                delay = self.rng.uniform(600, 9000)
            self._plan(delay, partial(self._call_back, token, task_id))

    def _call_back(self, token: str, task_id: str) -> None:
        body = json.dumps({"id": task_id, "status": "completed"})
        if self.faults.strikes("callback_garbled"):
            body = self.rng.choice(("", "[]", '{"id": "task-of-somebody-else"}', "\x00"))
        elif others := self._tasks_on_record(task_id):
            called = self.world.jobs.jobs[token.partition(".")[0]]
            if self.faults.strikes("callback_swapped", called.state):
                body = json.dumps({"id": self.rng.choice(others), "status": "completed"})
        self.world.receive.receive(token, body)

    def _tasks_on_record(self, task_id: str) -> list[str]:
        """The tasks that are known to belong to other calls."""
        jobs = self.world.jobs.jobs.values()
        known = {attempt.task_id for job in jobs for attempt in job.attempts if attempt.task_id}
        return sorted(known - {task_id})

    # Operators and time

    def _plan_sweep(self) -> None:
        self._plan(60, self._sweep)

    def _sweep(self) -> None:
        actor = Actor("sweep", self._run_sweep)
        self.actors.append((actor, None, None, self.clock.now()))
        gate = self.world.jobs.gate
        is_stuck = gate is not None and gate.pause is not None and gate.pause.until is None
        if is_stuck and (self.faults.is_quiet or self.rng.random() < 0.1):
            assert gate is not None
            assert gate.pause is not None
            assert gate.pause.reason in {PauseReason.KEY_REFUSED, PauseReason.OPERATOR}
            change_gate(self.world.jobs, lambda gate: gate.resuming())
        self._operate()
        for queue in (self.submissions, self.preparations):
            if queue.dead and self.rng.random() < 0.1:
                queue.redrive()
        self._plan_sweep()

    def _operate(self) -> None:
        """What a person does now and then."""
        jobs = self.world.jobs.jobs.values()
        retryable = [job for job in jobs if job.state in TRANSITIONS[Move.RETRY][0]]
        if retryable and self.faults.strikes("retried"):
            job = self.rng.choice(retryable)
            self.retries[job.id] += 1
            with suppress(JobMovedError):
                self.world.operate.retry(job)
        if self.world.kept.objects and self.faults.strikes("kept_lost"):
            key = self.rng.choice(sorted(self.world.kept.objects))
            self.lost[key] += 1
            if self.rng.random() < 0.5:
                self.world.kept.lose(key)
            else:
                self.world.kept.objects[key] = CUT_OUT + b" damaged"
        if self.world.copies.objects and self.faults.strikes("copy_lost"):
            copy = self.rng.choice(sorted(self.world.copies.objects))
            self.lost_copies.add(copy)
            del self.world.copies.objects[copy]
        if self.faults.strikes("paused"):
            self.world.operate.pause()
            self._plan(self.rng.uniform(60, 1200), self._reopen)
        if self.faults.strikes("limits_changed"):
            self.world.operate.set_limits(max_in_flight=self.rng.choice((1, 2, 5, 8)))

    def _reopen(self) -> None:
        self.world.operate.resume()

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
            and len(self._plans) <= 1
            and all(job.state.is_settled and job.is_announced for job in jobs)
        )

    def _plan(self, seconds: float, act: Callable[[], None]) -> None:
        self._planned += 1
        at = self.clock.now() + timedelta(seconds=seconds)
        self._plans.append(Planned(at=at, number=self._planned, act=act))

    def _lag(self, views: int) -> int:
        """Indexes mostly show the present; sometimes a few writes ago."""
        if self.faults.is_quiet or self.rng.random() < 0.8:
            return views - 1
        return self.rng.randrange(views)

    def _make(self, world: type[World]) -> World:
        # Who comes early and finds the day's credits spent waits for nearly a day: copies expire.
        clock = FakeClock(START - _EARLIER if self.rng.random() < _EARLY else START)
        visibility = timedelta(seconds=540)
        queues: Any = [
            SimQueue(clock=clock, step=step, rng=self.rng, visibility=visibility) for _ in range(3)
        ]
        made = world(
            step=step,
            timing=TIMING,
            limits=Limits(
                max_in_flight=8 if self.is_contended else self.rng.choice((1, 3, 3, 8)),
                daily_credit_cap=Decimal(5000)
                if self.is_contended
                else self.rng.choice((Decimal(40), Decimal(5000))),
            ),
            rng=self.rng,
            transport=self.rng.choice((Transport.PRESIGNED, Transport.PRESIGNED, Transport.FILES)),
            clock=clock,
            submissions=queues[0],
            callbacks=queues[1],
            preparations=queues[2],
            copies=ExpiringCopies(clock, step),
            reuse=self.rng.random() < 0.8,
        )
        made.evolink.create_rule = self.faults.on_create
        made.evolink.read_rule = self.faults.on_read
        made.downloads.rule = self.faults.on_fetch
        made.jobs.loses_answer = lambda: self.faults.strikes("answer_lost")
        return made


def _key(number: int) -> str:
    """Pairs that differ in their extension alone want the same result key."""
    return f"folder/{number // 2}.{'jpg' if number % 2 else 'png'}"
