from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from cutout.adapters.evolink.json_answers import task_id_of_callback
from cutout.domain.callback_token import CallbackAddress, sign
from cutout.domain.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.messages import TaskCheck
from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.photo.inspection import PhotoLimits
from cutout.domain.preparation import PrepareReport
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.domain.states import Pixels, Transport
from cutout.domain.timing import Timing
from cutout.operator.control import Operate
from cutout.ports.telemetry import Clock
from cutout.usecases.callback.receive_callback import ReceiveCallback
from cutout.usecases.prepare.prepare_copy import PrepareCopy
from cutout.usecases.shared.admission import AdmissionScheduler
from cutout.usecases.shared.deduplication import Deduplication
from cutout.usecases.shared.error_notes import ErrorNotes, NoteBoard
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.shared.settlement_effects import SettlementEffects
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.store_result.finish_cutout import FinishCutout
from cutout.usecases.store_result.full_size_photo import FullSizePhotos
from cutout.usecases.store_result.object_metadata import ObjectMetadata
from cutout.usecases.store_result.publish import Publisher
from cutout.usecases.store_result.remove import RemoveResults
from cutout.usecases.store_result.render import Render
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.review import ReviewNotes
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import FOLLOWED, TrackTask
from cutout.usecases.store_result.unverified_task import UnverifiedTasks
from cutout.usecases.store_result.variants import Variants
from cutout.usecases.submit.call_identity import CallIdentity
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.photo_access import PhotoAccess
from cutout.usecases.submit.precheck import Precheck
from cutout.usecases.submit.register_upload import RegisterUpload, UploadFilter
from cutout.usecases.submit.repeat_call import RepeatCalls
from cutout.usecases.submit.submit_job import SUBMITTED, SubmitJob
from cutout.usecases.submit.waiting_jobs import WaitingJobs
from cutout.usecases.sweep.sweep import Sweep
from tests.support.fakes.buckets import MemoryCopies, MemoryNotes, MemoryResults, MemoryUploads
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.copier import FakeCopier
from tests.support.fakes.evolink import (
    MODEL,
    FakeDownloads,
    FakeEvolink,
    FakeFiles,
    FakePictures,
)
from tests.support.fakes.jobs import MemoryJobs
from tests.support.fakes.purchases import MemoryKept, MemoryPurchases
from tests.support.fakes.queues import (
    MemoryAnnouncements,
    MemoryCallbacks,
    MemoryPreparations,
    MemoryReports,
    MemorySubmissions,
    MemoryTelemetry,
)
from tests.support.fakes.steps import Step, no_step

TIMING = Timing(
    first_poll=timedelta(seconds=150),
    poll_interval=timedelta(seconds=300),
    lease=timedelta(seconds=120),
    unconfirmed_grace=timedelta(seconds=1200),
    job_deadline=timedelta(hours=6),
    retention=timedelta(days=90),
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
    """A small PNG file of a size, whose structure is whole; `salt` makes files differ."""

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
    """One signing key."""

    def signing_key(self) -> bytes:
        return SIGNING_KEY

    def accepted_keys(self) -> Iterator[bytes]:
        yield SIGNING_KEY


class World:
    """All use cases on in-memory ports."""

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
    ) -> None:
        rng = rng or random.Random(0)  # noqa: S311 - reproducible on purpose
        self.clock = clock or FakeClock()
        self.timing = timing
        self.limits = limits
        self.jobs = jobs or MemoryJobs(self.clock, step)
        self.uploads = uploads or MemoryUploads(step)
        self.links = FakeLinks(self.clock)
        keys = keys or FakeKeys()
        self.copies = copies or MemoryCopies(step)
        self.results = MemoryResults(step)
        self.evolink = FakeEvolink(self.clock, step)
        self.files = FakeFiles(step)
        self.downloads = FakeDownloads(self.evolink, step)
        self.submissions = submissions or MemorySubmissions(step)
        self.callbacks = callbacks or MemoryCallbacks(step)
        self.preparations = preparations or MemoryPreparations(step)
        self.reports = reports or MemoryReports(step)
        self.announcements = MemoryAnnouncements(step)
        self.telemetry = MemoryTelemetry()
        self.notes = MemoryNotes(step)
        board = NoteBoard(notes=self.notes, telemetry=self.telemetry)
        self.settlement_effects = SettlementEffects(
            heads=self.jobs,
            telemetry=self.telemetry,
            notes=ErrorNotes(board=board, upload_prefix="", result_prefix=""),
            tags=self.uploads if tag_sources else None,
            removals=self.callbacks if delete_with_source else None,
        )
        self.bought = MemoryPurchases(step)
        self.kept = MemoryKept(step)
        purchases = Deduplication(
            ledger=self.bought,
            jobs=self.jobs,
            submissions=self.submissions,
            clock=self.clock,
            model=MODEL,
            last=timing.retention,
        )
        result_cache = ResultCache(results=self.kept, purchases=purchases, model=MODEL)
        admission = AdmissionScheduler(
            gates=self.jobs,
            backlog=self.jobs,
            submissions=self.submissions,
            clock=self.clock,
            limits=limits,
        )
        self.job_writer = JobWriter(
            store=self.jobs,
            admission=admission,
            announcements=self.announcements,
            settlement_effects=self.settlement_effects,
            files=self.files,
            telemetry=self.telemetry,
            clock=self.clock,
            limits=limits,
            task_claims_last=timing.retention + 2 * timing.job_deadline,
            purchases=purchases if reuse else None,
        )
        self.arrive = RegisterUpload(
            jobs=self.jobs,
            heads=self.jobs,
            telemetry=self.telemetry,
            clock=self.clock,
            timing=timing,
            watch=UploadFilter(
                uploads_bucket=self.uploads.bucket,
                upload_prefix="",
                results_bucket=self.results.bucket,
                result_prefix="",
                review_prefix=REVIEW_FOLDER,
            ),
            settlement_effects=self.settlement_effects,
        )
        answers = CallOutcomes(job_writer=self.job_writer, timing=timing, randomness=rng.random)
        line = WaitingJobs(job_writer=self.job_writer, answers=answers, timing=timing)
        own_pixels = OwnPixels(pixels=pixels, recipes=recipes)
        self.submit = SubmitJob(
            job_writer=self.job_writer,
            failures=StepFailures(job_writer=self.job_writer, timing=timing, states=SUBMITTED),
            line=line,
            answers=answers,
            repeat_calls=RepeatCalls(job_writer=self.job_writer, timing=timing),
            precheck=Precheck(
                uploads=self.uploads,
                result_keys=self.jobs,
                limits=photo_limits,
                upload_prefix="",
                result_prefix="",
            ),
            preparations=CopyRequests(
                job_writer=self.job_writer,
                line=line,
                queue=self.preparations,
                own_pixels=own_pixels,
                limits=photo_limits,
                timing=timing,
            ),
            photo_access=PhotoAccess(
                uploads=self.uploads,
                copies=self.copies,
                links=self.links,
                files=self.files,
                transport=transport,
            ),
            provider=self.evolink,
            callbacks=self.callbacks,
            timing=timing,
            call_identity=CallIdentity(
                deployment=DEPLOYMENT,
                base_url=CALLBACK_URL,
                signer=keys,
                callback_life=timing.callback_life,
            ),
        )
        self.prepare = PrepareCopy(
            uploads=self.uploads,
            copier=FakeCopier(step),
            copies=self.copies,
            reports=self.reports,
            telemetry=self.telemetry,
            limits=photo_limits,
        )
        self.pictures = FakePictures()
        storing_failures = StepFailures(job_writer=self.job_writer, timing=timing, states=FOLLOWED)
        finish_cutout = FinishCutout(pictures=self.pictures, pixels=pixels)
        full_size_photos = FullSizePhotos(copies=self.copies, queue=self.preparations)
        publisher = Publisher(results=self.results)
        variants = Variants(
            recipes=recipes,
            pictures=self.pictures,
            publisher=publisher,
            result_keys=self.jobs,
            telemetry=self.telemetry,
            clock=self.clock,
            result_prefix="",
        )
        self.render = Render(
            job_writer=self.job_writer,
            jobs=self.jobs,
            results=self.results,
            finish_cutout=finish_cutout,
            variants=variants,
            lease=timing.lease,
            result_cache=result_cache if reuse else None,
            full_size_photos=full_size_photos,
            requests=self.callbacks,
        )
        store = StoreResult(
            job_writer=self.job_writer,
            failures=storing_failures,
            downloads=self.downloads,
            pictures=self.pictures,
            finish_cutout=finish_cutout,
            object_metadata=ObjectMetadata(
                uploads=self.uploads, telemetry=self.telemetry, model=MODEL
            ),
            publisher=publisher,
            review_notes=ReviewNotes(board=board, results_bucket=self.results.bucket),
            variants=variants,
            timing=timing,
            randomness=rng.random,
            results_bucket=self.results.bucket,
            result_cache=result_cache if reuse else None,
            own_pixels=own_pixels,
            full_size_photos=full_size_photos,
        )
        self.follow = TrackTask(
            job_writer=self.job_writer,
            failures=storing_failures,
            jobs=self.jobs,
            provider=self.evolink,
            named=UnverifiedTasks(job_writer=self.job_writer, timing=timing, randomness=rng.random),
            store=store.store,
            reuse=store.reuse,
            timing=timing,
            randomness=rng.random,
        )
        self.removing = RemoveResults(
            jobs=self.jobs,
            results=self.results,
            telemetry=self.telemetry,
            results_bucket=self.results.bucket,
            upload_prefix="",
            result_prefix="",
            result_cache=result_cache if reuse else None,
            recipes=recipes,
        )
        self.operate = Operate(
            jobs=self.jobs,
            gates=self.jobs,
            admission=admission,
            submissions=self.submissions,
            clock=self.clock,
            lease=timing.lease,
        )
        self.receive = ReceiveCallback(
            keys=keys,
            task_id_in=task_id_of_callback,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        self.sweep = Sweep(
            backlog=self.jobs,
            gates=self.jobs,
            admission=admission,
            submissions=self.submissions,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
            clock=self.clock,
            resend_after=timing.lease,
        )

    def arrives(self, key: str = "a.jpg", data: bytes | None = None) -> Job:
        """Upload a photo and have Submit take its event."""
        source = self.uploads.add(key, png() if data is None else data)
        job = self.arrive.created(source)
        assert job is not None, "the key is watched"
        return self.submit.advance(job)

    def job(self, job: Job) -> Job:
        """The job as it stands now."""
        return self.jobs.jobs[job.id]

    def holding(self) -> int:
        """How many jobs hold a slot."""
        return sum(job.state.holds_slot for job in self.jobs.jobs.values())

    def wake(self, job: Job, **hints: object) -> Job:
        """A callback for the job's newest attempt; returns the job as it stands then."""
        attempt = self.job(job).attempt
        wake = {"job_id": job.id, "attempt": attempt.number if attempt else 1, "task_id": None}
        self.follow.wake(TaskCheck(**(wake | hints)))  # type: ignore[arg-type]
        return self.job(job)

    def task_of(self, job: Job) -> str:
        """The task that the provider made for the job's newest attempt."""
        attempt = self.job(job).attempt
        assert attempt is not None
        return next(c.task_id for c in self.evolink.charges if c.key == attempt.idempotency_key)

    def passes(self, delta: timedelta) -> None:
        """Let time pass, a sweep a minute, and everything be delivered as it comes."""
        end = self.clock.now() + delta
        while self.clock.now() < end:
            self.clock.advance(min(timedelta(minutes=1), end - self.clock.now()))
            self.sweep.sweep()
            self.settles()

    @property
    def is_anything_queued(self) -> bool:
        """A message is yet to be delivered."""
        return bool(
            self.submissions.job_ids
            or self.reports.reports
            or self.preparations.requests
            or self.callbacks.wakes
        )

    def hears(self, report: PrepareReport) -> None:
        """Submit takes a report, as its handler does."""
        job = self.submit.preparations.take(report)
        if job is not None:
            self.submit.advance(job)

    def settles(self) -> None:
        """Deliver everything that is in the queues."""
        while self.is_anything_queued:
            ids, self.submissions.job_ids = self.submissions.job_ids, []
            reports, self.reports.reports = self.reports.reports, []
            wanted, self.preparations.requests = self.preparations.requests, []
            wakes, self.callbacks.wakes = self.callbacks.wakes, []
            for job_id in ids:
                self.submit.wake(self.jobs.jobs[job_id])
            for report in reports:
                self.hears(report)
            for request in wanted:
                self.prepare.prepare(request)
            for wake in wakes:
                self.follow.wake(wake)


def token_for(job: Job, attempt: int = 1) -> str:
    """The callback token of an attempt that was begun when its job was."""
    address = CallbackAddress(job_id=job.id, attempt=attempt)
    return sign(address, SIGNING_KEY, job.created_at + TIMING.callback_life)
