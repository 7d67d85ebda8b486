"""Whole runs of photos, from upload to announcement, in which one worker may crash at one step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Source
from cutout.domain.states import Transport
from cutout.ports.buckets import Labels
from tests.support.fakes.buckets import MemoryUploads, StoredObject
from tests.support.fakes.world import LIMITS, World, png
from tests.support.hooks import WorkerCrashedError

MINUTE = timedelta(minutes=1)


class Steps:
    """Records every step, and ends the worker that reaches one of them.

    Attributes:
        seen: names in the order in which they came.
        crashes_at: how many steps are taken before the one at which a worker crashes.
    """

    def __init__(self, crashes_at: int | None) -> None:
        self.seen: list[str] = []
        self.crashes_at = crashes_at

    def __call__(self, name: str) -> None:
        """Called by the fakes at every step."""
        self.seen.append(name)
        if len(self.seen) - 1 == self.crashes_at:
            raise WorkerCrashedError(name)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens without a crash, and the settings of the world.

    Attributes:
        keys: photos that arrive one after the other.
        data: what is in every file.
        calls_back: the provider reaches our endpoint; else Sweep has to ask.
        max_in_flight: how many tasks may run at once.
        is_versioned: the uploads' bucket keeps versions.
        replaces: an earlier upload of each key was cut out before.
    """

    keys: tuple[str, ...] = ("a.jpg",)
    data: bytes = png()
    transport: Transport = Transport.PRESIGNED
    calls_back: bool = True
    max_in_flight: int = 3
    is_versioned: bool = True
    replaces: bool = False


class Life:
    """A scenario, run with one crash, or with none.

    Args:
        story: what happens.
        crashes_at: the step at which a worker crashes.
        is_redelivered: the message of a crashed worker comes again at once; else it is lost, and
            Sweep alone has to find the job. Events of S3 always come again.
        honours_keys: the provider answers a repeat with the task of the first call.
    """

    def __init__(
        self,
        story: Story,
        *,
        crashes_at: int | None = None,
        is_redelivered: bool = True,
        honours_keys: bool = True,
    ) -> None:
        self.steps = Steps(crashes_at)
        self.story = story
        self.is_redelivered = is_redelivered
        self.world = World(
            step=self.steps,
            uploads=MemoryUploads(self.steps, is_versioned=story.is_versioned),
            transport=story.transport,
            limits=replace(LIMITS, max_in_flight=story.max_in_flight),
        )
        self.world.evolink.honours_keys = honours_keys
        self._finished = 0

    def live(self) -> None:
        """Upload, and let everything happen until every photo is announced."""
        sources = [self.world.uploads.add(key, self.story.data) for key in self.story.keys]
        for source in sources:
            if self.story.replaces:
                self._cut_out_before(source)
            self._deliver(partial(self._take_event, source), comes_again=True)
        self._work_off()
        end = self.world.clock.now() + timedelta(hours=12)
        while not self._is_over(sources):
            assert self.world.clock.now() < end, "the story never ends"
            self.passes(MINUTE)

    def passes(self, delta: timedelta, *, swept_every: timedelta = MINUTE) -> None:
        """Let time pass, run Sweep, and let the provider do its work."""
        end = self.world.clock.now() + delta
        while self.world.clock.now() < end:
            self.world.clock.advance(swept_every)
            self._deliver(self.world.sweep.sweep, comes_again=False)
            self._work_off()

    def _is_over(self, sources: list[Source]) -> bool:
        jobs = [self.world.jobs.jobs.get(source.job_id) for source in sources]
        return all(job is not None and job.is_announced for job in jobs)

    def _cut_out_before(self, source: Source) -> None:
        """Make an earlier upload of the key known, whose cut-out is in the results bucket."""
        earlier = LatestVersion(source_ref=source.ref, order="0", job_id="earlier")
        self.world.jobs.heads[source.ref] = earlier
        labels = Labels(metadata={"cutout-source-order": earlier.order}, tags={})
        self.world.results.objects["a.png"] = StoredObject(
            data=b"earlier", content_type="image/png", labels=labels, etag="earlier"
        )

    def _take_event(self, source: Source) -> None:
        job = self.world.registered(source)
        if job is not None:
            self.world.submit.advance(job)

    def _work_off(self) -> None:
        """Finish every task, call back, and deliver all messages."""
        world = self.world
        self._finish_tasks()
        while world.is_anything_queued:
            if world.submissions.job_ids:
                job: Job = world.jobs.jobs[world.submissions.job_ids.pop(0)]
                self._deliver(partial(world.submit.advance, job))
            elif world.reports.reports:
                self._deliver(partial(world.accept_report, world.reports.reports.pop(0)))
            elif world.preparations.requests:
                request = world.preparations.requests.pop(0)
                self._deliver(partial(world.prepare.prepare, request))
            else:
                self._deliver(partial(world.track_task.check, world.callbacks.checks.pop(0)))
            self._finish_tasks()

    def _finish_tasks(self) -> None:
        for charge in self.world.evolink.charges[self._finished :]:
            self._finished += 1
            self.world.evolink.complete(charge.task_id)
            if self.story.calls_back:
                token = charge.callback_url.rpartition("/")[2]
                body = json.dumps({"id": charge.task_id})
                self._deliver(
                    partial(self.world.receive_callback.receive, token, body), comes_again=True
                )

    def _deliver(self, work: Callable[[], object], *, comes_again: bool | None = None) -> None:
        try:
            work()
        except WorkerCrashedError:
            if self.is_redelivered if comes_again is None else comes_again:
                work()
