"""Making variants of an existing cut-out again; nothing is paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CopyGoneError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, Variant, replaced
from cutout.domain.messages.queue_messages import RenderRequest
from cutout.domain.states import Pixels, State
from cutout.ports.buckets import Folders, Labels, Results
from cutout.ports.jobs_table import JobMovedError, Jobs
from cutout.ports.queues import RenderRequestQueue
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.job_writer import JobWriter
from cutout.usecases.store_result.finish_cutout import NOT_REQUESTED, FullSizePhotos
from cutout.usecases.store_result.publish_with_metadata import sha256
from cutout.usecases.store_result.variants import Variants, VariantSources

_FIRST_WAIT = timedelta(seconds=15)
_MOST_WAITS = 6
"""For a copy of the photo: about 15 minutes in all."""
_RACES = 3
"""Lost races before the message is left to a later delivery."""


@dataclass(frozen=True, kw_only=True)
class Render:
    """Processes requests for variants.

    Attributes:
        requests: the queue where a request waits for a copy of its photo.
    """

    job_writer: JobWriter
    clock: Clock
    telemetry: Telemetry
    jobs: Jobs
    results: Results
    variants: Variants
    lease: timedelta
    folders: Folders
    full_size_photos: FullSizePhotos
    requests: RenderRequestQueue

    def render(self, request: RenderRequest) -> None:
        """Make the requested variants and record them on the job.

        Raises:
            JobMovedError: other workers moved the job again and again; the queue delivers again.
        """
        job = self.jobs.find(request.job_id)
        if job is None or job.state is not State.COMPLETED or job.result is None:
            self.telemetry.log("nothing to render: the job is not completed")
            return
        with self.folders() as folder:
            try:
                sources, labels = self._sources(job, job.result, request, Path(folder))
            except CopyGoneError:
                self._when_copied(request)
                return
            fresh = self.variants.make(
                sources,
                labels,
                until=self.clock.now() + self.lease / 2,
                names=request.recipes,
            )
        self._record(job, fresh)

    def _sources(
        self, job: Job, result: Result, request: RenderRequest, folder: Path
    ) -> tuple[VariantSources, Labels]:
        """What the variants are made from, and the labels that they get.

        Raises:
            CopyGoneError: a recipe needs a copy of the photo, which must be made first.
        """
        asked = {one.pixels for one in self.variants.recipes if one.name in request.recipes}
        own = NOT_REQUESTED
        if result.pixels is Pixels.MODEL and Pixels.SOURCE in asked:
            is_last_try = request.tries >= _MOST_WAITS
            own = self.full_size_photos.fetch(job, folder / "photo", is_last_try=is_last_try)
        file = folder / "cut-out.png"
        labels = self.results.fetch(result.key, file)
        is_there = labels is not None and sha256(file) == result.sha256
        sources = VariantSources(
            job=job,
            published=file,
            pixels=result.pixels,
            own=own,
            problem=None if is_there else "the cut-out no longer exists",
        )
        return sources, self.results.fitted(labels or Labels(metadata={}, tags={}), {})

    def _when_copied(self, request: RenderRequest) -> None:
        """Send the same request again, to be processed once a copy of the photo exists."""
        # A completed job is not due, so Sweep sends nothing: the message alone carries the request.
        again = replace(request, tries=request.tries + 1)
        self.requests.render([again], delay=_FIRST_WAIT * 2**request.tries)

    def _record(self, job: Job, fresh: tuple[Variant, ...]) -> None:
        for _ in range(_RACES):
            try:
                after = replace(job, variants=replaced(job.variants, fresh))
                saved = self.job_writer.record(job, after)
            except JobMovedError as lost:
                if lost.winner is None:
                    return
                job = lost.winner
            else:
                # A deletion that came meanwhile found no variants to remove.
                self.job_writer.reapply_effects(saved)
                return
        raise JobMovedError(job)
