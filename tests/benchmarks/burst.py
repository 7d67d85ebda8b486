"""A burst of uploads: how well the provider's slots are used while they are worked off.

    python -m tests.benchmarks.burst

The use cases run on fakes and simulated time: 1,000 uploads stand in the queue, Submit takes ten
messages a second in the order of the queue, and a task takes 30 seconds.
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from cutout.domain.gate.gate import Limits
from cutout.domain.job.source import Source
from cutout.domain.messages.queue_messages import JobDue, TaskCheck, Uploaded
from tests.support.fakes.world import World, png

UPLOADS = 1000
SLOTS = 50
_MESSAGES_A_SECOND = 10
_TASK = timedelta(seconds=30)
_TICK = timedelta(seconds=1) / _MESSAGES_A_SECOND


@dataclass(frozen=True, kw_only=True)
class Burst:
    """The result of a burst.

    Attributes:
        percent_used: of the slots, from the first task until no more job waits for a slot.
        percent_used_meanwhile: of the slots, until the last upload was taken from the queue.
        messages: that Submit took, for each photo.
        most_in_flight: the most tasks at the same time.
        calls: how many were made.
    """

    percent_used: float
    percent_used_meanwhile: float
    messages: float
    most_in_flight: int
    calls: int


@dataclass
class _Day:
    """The queue, the running tasks, and how many slots were in use at each tick."""

    world: World
    queue: deque[Source | str]
    running: deque[tuple[datetime, str, int]] = field(default_factory=deque)
    in_use: list[int] = field(default_factory=list)
    taken: int = 0
    seen: int = 0

    def tick(self) -> None:
        """Submit takes a message; ended tasks call back; their messages go to the queue's end."""
        if self.queue:
            self.taken += 1
            self._take(self.queue.popleft())
        now = self.world.clock.now()
        for charge in self.world.evolink.charges[self.seen :]:
            _cutout, job_id, number, _salt = charge.key.split("-")
            self.running.append((now + _TASK, job_id, int(number)))
        self.seen = len(self.world.evolink.charges)
        while self.running and self.running[0][0] <= now:
            _ends_at, job_id, attempt = self.running.popleft()
            self._end(job_id, attempt)
        self.queue.extend(self.world.submissions.job_ids)
        self.world.submissions.job_ids.clear()
        self.in_use.append(len(self.running))
        self.world.clock.advance(_TICK)

    def _take(self, message: Source | str) -> None:
        take = self.world.submit_use_cases.take
        if isinstance(message, Source):
            take(Uploaded(source=message, at=self.world.clock.now()))
        else:
            take(JobDue(job_id=message))

    def _end(self, job_id: str, attempt: int) -> None:
        job = self.world.jobs.jobs[job_id]
        self.world.evolink.complete(self.world.task_of(job))
        check = TaskCheck(job_id=job_id, attempt=attempt, is_taken=True)
        self.world.store_result_use_cases.take(check)


def burst(uploads: int = UPLOADS, slots: int = SLOTS) -> Burst:
    """Process a burst."""
    world = World(limits=Limits(max_in_flight=slots, daily_credit_cap=Decimal(10**6)))
    sources = [world.uploads.add(f"{n}.png", png(salt=n)) for n in range(uploads)]
    day = _Day(world=world, queue=deque(sources))
    drained = 0
    while day.queue or day.running or not day.in_use:
        day.tick()
        drained += any(isinstance(message, Source) for message in day.queue)
    # The slots of the last tasks are not taken again.
    filled = max(number for number, used in enumerate(day.in_use) if used >= slots - 1)
    return Burst(
        percent_used=_percent(day.in_use[:filled], slots),
        percent_used_meanwhile=_percent(day.in_use[:drained], slots),
        messages=day.taken / uploads,
        most_in_flight=max(day.in_use),
        calls=len(world.evolink.charges),
    )


def _percent(in_use: list[int], slots: int) -> float:
    """Without the first seconds, in which the messages that fill the slots are taken."""
    filling = slots
    counted = in_use[filling:]
    return 100 * sum(counted) / (len(counted) * slots)


def main() -> None:
    """Print the result."""
    done = burst()
    sys.stdout.write(
        f"{UPLOADS} uploads, {SLOTS} slots, tasks of {_TASK.seconds} s, {_MESSAGES_A_SECOND} "
        f"messages a second:\n"
        f"slots in use until the uploads are taken: {done.percent_used_meanwhile:.1f} %\n"
        f"slots in use until the last job has one: {done.percent_used:.1f} %\n"
        f"messages of Submit for each photo: {done.messages:.2f}\n"
    )


if __name__ == "__main__":
    main()
