from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from cutout.domain.job.job import Job
from cutout.domain.messages.preparation import PrepareReport, PrepareRequest
from cutout.domain.messages.queue_messages import Removal, RenderRequest, TaskCheck
from cutout.domain.metrics import TIME_IN_STATE, Metric
from tests.support.fakes.steps import Step, no_step


@dataclass
class MemorySubmissions:
    """The jobs that Submit was asked to process."""

    step: Step = no_step
    job_ids: list[str] = field(default_factory=list)

    def enqueue(self, job_ids: Sequence[str]) -> None:
        if job_ids:
            self.step("submissions.enqueue")
            self.job_ids += job_ids
            self.step("submissions.enqueue done")


@dataclass
class MemoryReports:
    """The reports that Prepare sent to Submit."""

    step: Step = no_step
    reports: list[PrepareReport] = field(default_factory=list)

    def report(self, report: PrepareReport) -> None:
        self.step("reports.report")
        self.reports.append(report)
        self.step("reports.report done")


@dataclass
class MemoryPreparations:
    """The photos of which Prepare was asked for copies."""

    step: Step = no_step
    requests: list[PrepareRequest] = field(default_factory=list)

    def prepare(self, request: PrepareRequest) -> None:
        self.step("preparations.prepare")
        self.requests.append(request)
        self.step("preparations.prepare done")

    @property
    def job_ids(self) -> list[str]:
        """Return the jobs of those photos."""
        return [request.job_id for request in self.requests]


@dataclass
class MemoryCallbacks:
    """The tasks that StoreResult was asked to check."""

    step: Step = no_step
    checks: list[TaskCheck] = field(default_factory=list)
    requests: list[RenderRequest] = field(default_factory=list)
    delays: list[timedelta] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)

    def enqueue(self, checks: Sequence[TaskCheck]) -> None:
        if checks:
            self.step("callbacks.enqueue")
            self.checks += checks
            self.step("callbacks.enqueue done")

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        assert delay >= timedelta(0)
        self.requests += requests
        self.delays.append(delay)

    def remove(self, removal: Removal) -> None:
        self.step("callbacks.remove")
        self.removals.append(removal)
        self.step("callbacks.remove done")


@dataclass
class MemoryAnnouncements:
    """The jobs that were announced, in order."""

    step: Step = no_step
    jobs: list[Job] = field(default_factory=list)

    def announce(self, job: Job) -> None:
        self.step("announcements.announce")
        self.jobs.append(job)
        self.step("announcements.announce done")


@dataclass
class MemoryTelemetry:
    """Recorded facts and counts."""

    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    failures: list[tuple[BaseException | None, dict[str, object]]] = field(default_factory=list)
    counts: dict[Metric, float] = field(default_factory=dict)

    def log(self, message: str, /, **fields: object) -> None:
        self.facts.append((message, fields))

    def about(self, **_fields: object) -> AbstractContextManager[None]:
        return nullcontext()

    def failed(self, message: str, /, **fields: object) -> None:
        """Raise assertions of tests, which the product must not handle."""
        error = sys.exception()
        if isinstance(error, AssertionError):
            raise error
        self.failures.append((error, {"message": message} | fields))

    def metric(self, metric: Metric, value: float = 1) -> None:
        self.counts[metric] = self.counts.get(metric, 0) + value

    @property
    def happened(self) -> dict[Metric, float]:
        """Return the counts of what happened, without the times in states."""
        times = set(TIME_IN_STATE.values())
        return {metric: n for metric, n in self.counts.items() if metric not in times}
