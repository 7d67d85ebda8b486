from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from cutout.adapters.temp_folder import folder
from cutout.cli.compose import operate, reviews_on
from cutout.domain.callback_token import CallbackAddress, sign
from cutout.domain.function_settings import SubmitSettings
from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.polling_and_timing import Timing
from cutout.domain.recipes import Recipe
from cutout.domain.states import HOLDING, Lane, Pixels, Transport
from cutout.ports.http import Http
from cutout.ports.provider_api import Downloads
from cutout.ports.telemetry import Clock
from cutout.usecases.callback.receive_callback import ReceiveCallback
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.usecases.shared.change_gate import change_gate
from cutout.usecases.sweep.sweep import Sweep
from cutout.wiring import chosen_provider
from cutout.wiring.job_parts import JobParts, JobPorts
from cutout.wiring.store_result_function import StoreResultPorts, store_result_use_cases
from cutout.wiring.submit_function import SubmitPorts, submit_use_cases
from tests.support.builders import holders
from tests.support.fakes.buckets import MemoryCopies, MemoryNotes, MemoryResults, MemoryUploads
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.copier import FakeCopier
from tests.support.fakes.dedup_records import MemoryDedupRecords
from tests.support.fakes.evolink import (
    MODEL,
    FakeDownloads,
    FakeEvolink,
    FakeFiles,
    FakePictures,
)
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.queues import (
    MemoryAnnouncements,
    MemoryCallbacks,
    MemoryPreparations,
    MemoryReports,
    MemorySubmissions,
    MemoryTelemetry,
)
from tests.support.fakes.steps import Step, no_step
from tests.support.providers.provider_module import ProviderModule

TIMING = Timing(
    first_poll=timedelta(seconds=150),
    poll_interval=timedelta(seconds=300),
    lease=timedelta(seconds=120),
    unconfirmed_grace=timedelta(seconds=1200),
    job_deadline=timedelta(hours=6),
    retention=timedelta(days=90),
    provider=chosen_provider.terms(),
)
LIMITS = Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
PHOTO_LIMITS = PhotoLimits(
    max_bytes=10_000_000,
    max_pixels=50_000_000,
    min_side=240,
    max_side=7680,
    prepare_max_bytes=100_000_000,
)
SIGNING_KEY = b"a signing key for tests, not for anything else"
CALLBACK_URL = "https://callbacks.example"
DEPLOYMENT = "arn:aws:dynamodb:eu-central-1:123456789012:table/Cutout-Jobs"
KEY_SALT = hashlib.sha256(DEPLOYMENT.encode()).hexdigest()[:12]
"""What every idempotency key of the deployment holds."""


def png(width: int = 600, height: int = 400, salt: int = 0) -> bytes:
    """Return a small PNG file of a size, whose structure is whole; `salt` makes files differ."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(body, zlib.crc32(kind))
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    bodies = {b"IHDR": header, b"tEXt": b"salt\0%d" % salt, b"IDAT": b"", b"IEND": b""}
    parts = [chunk(kind, body) for kind, body in bodies.items()]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class FakeLinks:
    """Links to uploads; each differs from the one before, as signatures do.

    Each says of what type its answer is.

    Attributes:
        signed_at: when each link was signed, by the clock of the worker that did.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.signed_at: dict[str, datetime] = {}

    def link(self, source: Source, content_type: str) -> str:
        version = f"v={source.version_id}&" if source.version_id else ""
        return self._signed(f"https://uploads.example/{source.key}?{version}", content_type)

    def copy_link(self, key: str, content_type: str) -> str:
        return self._signed(f"https://work.example/{key}?", content_type)

    def _signed(self, url: str, content_type: str) -> str:
        url += f"type={content_type}&sig={len(self.signed_at) + 1}"
        self.signed_at[url] = self._clock.now()
        return url


class FakeKeys:
    """One signing key, and one of the API."""

    def text(self, *, is_fresh: bool = False) -> str | None:  # noqa: ARG002 - never replaced
        return "an API key for tests"

    def signing_key(self) -> bytes:
        return SIGNING_KEY

    def accepted_keys(self) -> Iterator[bytes]:
        yield SIGNING_KEY


class World:
    """All use cases on in-memory ports.

    With `http`, the task API and the file store are those of the `provider` by it, else Evolink's.
    """

    def __init__(
        self,
        *,
        step: Step = no_step,
        timing: Timing = TIMING,
        limits: Limits = LIMITS,
        rng: random.Random | None = None,
        transport: Transport = Transport.PRESIGNED,
        clock: FakeClock | None = None,
        submissions: MemorySubmissions | None = None,
        callbacks: MemoryCallbacks | None = None,
        pixels: Pixels = Pixels.MODEL,
        recipes: tuple[Recipe, ...] = (),
        preparations: MemoryPreparations | None = None,
        reports: MemoryReports | None = None,
        copies: MemoryCopies | None = None,
        photo_limits: PhotoLimits = PHOTO_LIMITS,
        reuse: bool = False,
        delete_with_source: bool = False,
        tag_sources: bool = False,
        jobs: MemoryJobs | None = None,
        uploads: MemoryUploads | None = None,
        keys: FakeKeys | None = None,
        provider: ProviderModule = chosen_provider,
        http: Http | None = None,
        downloads: Downloads | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.timing = timing
        self.limits = limits
        self.dedup_records = MemoryDedupRecords(step)
        self.jobs = jobs or MemoryJobs(self.clock, step)
        self.jobs.pictures = self.dedup_records
        self.uploads = uploads or MemoryUploads(step)
        self.links = FakeLinks(self.clock)
        self.copies = copies or MemoryCopies(step)
        self.results = MemoryResults(step)
        self.evolink = FakeEvolink(self.clock, step)
        self.files = FakeFiles(step)
        self.downloads = FakeDownloads(self.evolink, step)
        self.pictures = FakePictures()
        self.submissions = submissions or MemorySubmissions(step)
        self.callbacks = callbacks or MemoryCallbacks(step)
        self.preparations = preparations or MemoryPreparations(step)
        self.reports = reports or MemoryReports(step)
        self.announcements = MemoryAnnouncements(step)
        self.telemetry = MemoryTelemetry()
        self.notes = MemoryNotes(step)
        self.cached_results = MemoryCopies(step, "kept")
        keys = keys or FakeKeys()
        settings = SubmitSettings(
            stack="Cutout",
            jobs_table="Cutout-Jobs",
            jobs_table_arn=DEPLOYMENT,
            calls_table="Cutout-Calls",
            uploads_bucket=self.uploads.bucket,
            results_bucket=self.results.bucket,
            work_bucket="work",
            submissions_queue_url="https://sqs.example/submissions",
            callbacks_queue_url="https://sqs.example/callbacks",
            api_key_secret="Cutout/evolink-api-key",
            signing_key_secret="Cutout/callback-signing-key",
            event_bus="default",
            evolink_base_url="https://api.example",
            evolink_files_url="https://files.example",
            model=MODEL,
            callback_url=CALLBACK_URL,
            photo_reader_role_arn="arn:aws:iam::123456789012:role/PhotoReader",
            reuse=reuse,
            pixels=pixels,
            input_transport=transport,
            delete_with_source=delete_with_source,
            tag_source=tag_sources,
            max_in_flight=limits.max_in_flight,
            daily_credit_cap=limits.daily_credit_cap,
            max_bytes=photo_limits.max_bytes,
            max_pixels=photo_limits.max_pixels,
            min_side=photo_limits.min_side,
            max_side=photo_limits.max_side,
            prepare_max_bytes=photo_limits.prepare_max_bytes,
            first_poll_seconds=timing.first_poll,
            poll_interval_seconds=timing.poll_interval,
            lease_seconds=timing.lease,
            unconfirmed_grace_seconds=timing.unconfirmed_grace,
            job_deadline_seconds=timing.job_deadline,
            retention_days=timing.retention,
        )
        ports = JobPorts(
            announcements=self.announcements,
            callbacks=self.callbacks,
            clock=self.clock,
            copies=self.copies,
            files=provider.file_store(http, settings, keys) if http else self.files,
            jobs=self.jobs,
            notes=self.notes,
            preparations=self.preparations,
            provider=provider.tasks(http, settings, keys) if http else self.evolink,
            deduplication=self.dedup_records,
            randomness=(rng or random.Random(0)).random,  # noqa: S311 - reproducible on purpose
            submissions=self.submissions,
            telemetry=self.telemetry,
            terms=provider.terms(),
            uploads=self.uploads,
        )
        submit_ports = SubmitPorts(shared=ports, bodies=self.jobs, links=self.links, signer=keys)
        store_result_ports = StoreResultPorts(
            shared=ports,
            downloads=downloads or self.downloads,
            kept=self.cached_results,
            pictures=self.pictures,
            results=self.results,
        )
        parts = JobParts(ports, settings)
        self.job_writer = parts.job_writer
        self.settlement_effects = self.job_writer.settlement_effects
        self.submit_use_cases = submit_use_cases(submit_ports, settings, recipes)
        self.register_upload = self.submit_use_cases.register_upload
        self.submit = self.submit_use_cases.submit_job
        self.store_result_use_cases = store_result_use_cases(store_result_ports, settings, recipes)
        self.track_task = self.store_result_use_cases.track_task
        self.render = self.store_result_use_cases.render
        self.remove_results = self.store_result_use_cases.remove_results
        self.prepare = PrepareCopy(
            folders=folder,
            uploads=self.uploads,
            copier=FakeCopier(step),
            copies=self.copies,
            reports=self.reports,
            telemetry=self.telemetry,
            limits=photo_limits,
        )
        self.receive_callback = ReceiveCallback(
            keys=keys,
            task_id_in=provider.task_id_of_callback,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        self.sweep = Sweep(
            backlog=self.jobs,
            gates=self.jobs,
            submissions=self.submissions,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
            clock=self.clock,
            limits=limits,
            resend_after=timing.lease,
        )
        self.operate = operate(ports, limits)
        self.reviews = reviews_on(ports, self.jobs, self.callbacks)

    def arrives(self, key: str = "a.jpg", data: bytes | None = None) -> Job:
        """Upload a photo and have Submit take its event."""
        source = self.uploads.add(key, png() if data is None else data)
        registered = self.register_upload.created(source)
        assert registered is not None, "the key is watched"
        self.submit.advance(registered.job, registered.newest)
        return self.job(registered.job)

    def registered(
        self, source: Source, *, at: datetime | None = None, lane: Lane = Lane.LIVE
    ) -> Job | None:
        """Have Submit register an upload; returns its job, if the key is watched."""
        registered = self.register_upload.created(source, at=at, lane=lane)
        return registered.job if registered else None

    def advance(self, job: Job) -> Job:
        """Have Submit advance a job; returns the job as it stands then."""
        self.submit.advance(job)
        return self.job(job)

    def job(self, job: Job) -> Job:
        """Return the present job."""
        return self.jobs.jobs[job.id]

    def held_slots(self) -> int:
        """Return how many jobs hold a slot."""
        return sum(job.state in HOLDING for job in self.jobs.jobs.values())

    def occupy(self, slots: int, *, spent: Decimal | int = 0) -> None:
        """Let other jobs hold so many slots, over all shards, and have spent so much today."""
        now = self.clock.now()
        gate = self.jobs.gate
        count = (gate.limits if gate and gate.limits else self.limits).shards
        for number, name in enumerate(sorted(holders(slots, now))):
            self.jobs.change_shard(ShardChange(shard=number % count, takes=name))
        if spent:
            charges = {now.date(): Decimal(spent)}
            self.jobs.change_shard(ShardChange(shard=0, charges=charges))

    def note_waiting(self) -> None:
        """Let the gate know that jobs wait."""
        change_gate(self.jobs, lambda gate: replace(gate, has_waiting=True))

    def check_task(self, job: Job, **hints: object) -> Job:
        """Send a callback for the job's newest attempt; return the job afterwards."""
        attempt = self.job(job).attempt
        check = {"job_id": job.id, "attempt": attempt.number if attempt else 1, "task_id": None}
        self.track_task.check(TaskCheck(**(check | hints)))  # type: ignore[arg-type]
        return self.job(job)

    def task_of(self, job: Job) -> str:
        """Return the provider's task of the job's newest attempt."""
        attempt = self.job(job).attempt
        assert attempt is not None
        return next(c.task_id for c in self.evolink.charges if c.key == attempt.idempotency_key)

    def passes(self, delta: timedelta, *, swept_every: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass, run Sweep at its times, and deliver all messages."""
        end = self.clock.now() + delta
        while self.clock.now() < end:
            self.clock.advance(min(swept_every, end - self.clock.now()))
            self.sweep.sweep()
            self.deliver_all()

    @property
    def is_anything_queued(self) -> bool:
        """Return whether there are undelivered messages."""
        return bool(
            self.submissions.job_ids
            or self.reports.reports
            or self.preparations.requests
            or self.callbacks.checks
        )

    def accept_report(self, report: PrepareReport) -> None:
        """Give Submit a report, as its handler does."""
        job = self.submit.copy_requests.accept(report)
        if job is not None:
            self.submit.advance(job)

    def deliver_all(self) -> None:
        """Deliver all messages in the queues."""
        while self.is_anything_queued:
            ids, self.submissions.job_ids = self.submissions.job_ids, []
            reports, self.reports.reports = self.reports.reports, []
            wanted, self.preparations.requests = self.preparations.requests, []
            checks, self.callbacks.checks = self.callbacks.checks, []
            for job_id in ids:
                self.submit.advance(self.jobs.jobs[job_id])
            for report in reports:
                self.accept_report(report)
            for request in wanted:
                self.prepare.prepare(request)
            for check in checks:
                self.track_task.check(check)


def token_for(job: Job, attempt: int = 1) -> str:
    """Return the callback token of an attempt that was begun with its job."""
    address = CallbackAddress(job_id=job.id, attempt=attempt)
    life = 2 * TIMING.job_deadline + TIMING.provider.results_last
    return sign(address, SIGNING_KEY, job.created_at + life)
