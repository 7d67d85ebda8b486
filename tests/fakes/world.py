from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from cutout.adapters.evolink.answers import task_id_of_callback
from cutout.callback_token import CallbackAddress, sign
from cutout.gate import Limits
from cutout.job import Job
from cutout.keys import REVIEW_FOLDER
from cutout.photo import PhotoLimits
from cutout.ports.queues import Wake
from cutout.ports.telemetry import Clock
from cutout.preparation import PrepareReport
from cutout.recipes import OwnPixels, Recipe
from cutout.source import Source
from cutout.states import Pixels, Transport
from cutout.usecases.aftermath import Aftermath
from cutout.usecases.answer import Answers
from cutout.usecases.arrive import Arrive, Watch
from cutout.usecases.call import Call
from cutout.usecases.checking import Checking
from cutout.usecases.finishing import Finishing
from cutout.usecases.follow import FOLLOWED, Follow
from cutout.usecases.handover import Handover
from cutout.usecases.keeping import Keeping
from cutout.usecases.labelling import Labelling
from cutout.usecases.line import Line
from cutout.usecases.named import NamedTasks
from cutout.usecases.notes import ErrorNotes, NoteBoard
from cutout.usecases.operate import Operate
from cutout.usecases.own_photos import OwnPhotos
from cutout.usecases.preparations import Preparations
from cutout.usecases.prepare import Prepare
from cutout.usecases.publishing import Publishing
from cutout.usecases.purchases import Purchases
from cutout.usecases.receive import Receive
from cutout.usecases.record import Recorder
from cutout.usecases.removing import Removing
from cutout.usecases.render import Render
from cutout.usecases.repeat import Repeats
from cutout.usecases.review_notes import ReviewNotes
from cutout.usecases.step_failures import StepFailures
from cutout.usecases.store import StoreResult
from cutout.usecases.submit import SUBMITTED, Submit
from cutout.usecases.sweep import Sweep
from cutout.usecases.timing import Timing
from cutout.usecases.variants import Variants
from cutout.usecases.wake import Waker
from tests.fakes.buckets import MemoryCopies, MemoryNotes, MemoryResults, MemoryUploads
from tests.fakes.clock import FakeClock
from tests.fakes.copier import FakeCopier
from tests.fakes.evolink import FakeDownloads, FakeEvolink, FakeFiles, FakePictures
from tests.fakes.jobs import MemoryJobs
from tests.fakes.purchases import MemoryKept, MemoryPurchases
from tests.fakes.queues import (
    MemoryAnnouncements,
    MemoryCallbacks,
    MemoryPreparations,
    MemoryReports,
    MemorySubmissions,
    MemoryTelemetry,
)
from tests.fakes.steps import Step, no_step

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
MODEL = "mj-v7-remove-bg"
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
        self.aftermath = Aftermath(
            heads=self.jobs,
            telemetry=self.telemetry,
            notes=ErrorNotes(board=board, upload_prefix="", result_prefix=""),
            tags=self.uploads if tag_sources else None,
            removals=self.callbacks if delete_with_source else None,
        )
        self.bought = MemoryPurchases(step)
        self.kept = MemoryKept(step)
        purchases = Purchases(
            ledger=self.bought,
            jobs=self.jobs,
            submissions=self.submissions,
            clock=self.clock,
            model=MODEL,
            last=timing.retention,
        )
        keeping = Keeping(results=self.kept, purchases=purchases, model=MODEL)
        waker = Waker(
            gates=self.jobs,
            backlog=self.jobs,
            submissions=self.submissions,
            clock=self.clock,
            limits=limits,
        )
        self.recorder = Recorder(
            store=self.jobs,
            waker=waker,
            announcements=self.announcements,
            aftermath=self.aftermath,
            files=self.files,
            telemetry=self.telemetry,
            clock=self.clock,
            limits=limits,
            task_claims_last=timing.retention + 2 * timing.job_deadline,
            purchases=purchases if reuse else None,
        )
        self.arrive = Arrive(
            jobs=self.jobs,
            heads=self.jobs,
            telemetry=self.telemetry,
            clock=self.clock,
            timing=timing,
            watch=Watch(
                uploads_bucket=self.uploads.bucket,
                upload_prefix="",
                results_bucket=self.results.bucket,
                result_prefix="",
                review_prefix=REVIEW_FOLDER,
            ),
            aftermath=self.aftermath,
        )
        answers = Answers(recorder=self.recorder, timing=timing, randomness=rng.random)
        line = Line(recorder=self.recorder, answers=answers, timing=timing)
        own_pixels = OwnPixels(pixels=pixels, recipes=recipes)
        self.submit = Submit(
            recorder=self.recorder,
            failures=StepFailures(recorder=self.recorder, timing=timing, states=SUBMITTED),
            line=line,
            answers=answers,
            repeats=Repeats(recorder=self.recorder, timing=timing),
            checking=Checking(
                uploads=self.uploads,
                result_keys=self.jobs,
                limits=photo_limits,
                upload_prefix="",
                result_prefix="",
            ),
            preparations=Preparations(
                recorder=self.recorder,
                line=line,
                queue=self.preparations,
                own_pixels=own_pixels,
                limits=photo_limits,
                timing=timing,
            ),
            handover=Handover(
                uploads=self.uploads,
                copies=self.copies,
                links=self.links,
                files=self.files,
                transport=transport,
            ),
            evolink=self.evolink,
            callbacks=self.callbacks,
            timing=timing,
            call=Call(
                deployment=DEPLOYMENT,
                model=MODEL,
                callback_url=CALLBACK_URL,
                signer=keys,
                callback_life=timing.callback_life,
            ),
        )
        self.prepare = Prepare(
            uploads=self.uploads,
            copier=FakeCopier(step),
            copies=self.copies,
            reports=self.reports,
            telemetry=self.telemetry,
            limits=photo_limits,
        )
        self.pictures = FakePictures()
        storing_failures = StepFailures(recorder=self.recorder, timing=timing, states=FOLLOWED)
        finishing = Finishing(pictures=self.pictures, pixels=pixels)
        own_photos = OwnPhotos(copies=self.copies, queue=self.preparations)
        publishing = Publishing(results=self.results)
        variants = Variants(
            recipes=recipes,
            pictures=self.pictures,
            publishing=publishing,
            result_keys=self.jobs,
            telemetry=self.telemetry,
            clock=self.clock,
            result_prefix="",
        )
        self.render = Render(
            recorder=self.recorder,
            jobs=self.jobs,
            results=self.results,
            finishing=finishing,
            variants=variants,
            lease=timing.lease,
            keeping=keeping if reuse else None,
            own_photos=own_photos,
            requests=self.callbacks,
        )
        store = StoreResult(
            recorder=self.recorder,
            failures=storing_failures,
            downloads=self.downloads,
            pictures=self.pictures,
            finishing=finishing,
            labelling=Labelling(uploads=self.uploads, telemetry=self.telemetry, model=MODEL),
            publishing=publishing,
            review_notes=ReviewNotes(board=board, results_bucket=self.results.bucket),
            variants=variants,
            timing=timing,
            randomness=rng.random,
            results_bucket=self.results.bucket,
            keeping=keeping if reuse else None,
            own_pixels=own_pixels,
            own_photos=own_photos,
        )
        self.follow = Follow(
            recorder=self.recorder,
            failures=storing_failures,
            jobs=self.jobs,
            evolink=self.evolink,
            named=NamedTasks(recorder=self.recorder, timing=timing, randomness=rng.random),
            store=store.store,
            reuse=store.reuse,
            timing=timing,
            randomness=rng.random,
        )
        self.removing = Removing(
            jobs=self.jobs,
            results=self.results,
            telemetry=self.telemetry,
            results_bucket=self.results.bucket,
            upload_prefix="",
            result_prefix="",
            keeping=keeping if reuse else None,
            recipes=recipes,
        )
        self.operate = Operate(
            jobs=self.jobs,
            gates=self.jobs,
            waker=waker,
            submissions=self.submissions,
            clock=self.clock,
            lease=timing.lease,
        )
        self.receive = Receive(
            keys=keys,
            task_id_in=task_id_of_callback,
            callbacks=self.callbacks,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        self.sweep = Sweep(
            backlog=self.jobs,
            gates=self.jobs,
            waker=waker,
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
        self.follow.wake(Wake(**(wake | hints)))  # type: ignore[arg-type]
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
