"""Making copies of a photo: one that the model takes, and one in full size.

A copy is stored before it is reported, under a key derived from the job: after a crash, everything
can be repeated.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError, SourceGoneError
from cutout.domain.job.source import Photo
from cutout.domain.messages.preparation import (
    CopyKind,
    MadeCopy,
    PrepareReport,
    PrepareRequest,
    copy_key,
    printable,
    version_of,
)
from cutout.domain.messages.upload_marks import read_marks
from cutout.domain.metrics import Metric
from cutout.domain.photo.formats import HEAD_BYTES
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, check_kind, fitting
from cutout.domain.reasons import Reason
from cutout.ports.buckets import Copies, Folders, Uploads
from cutout.ports.pictures import Copier, Copy, PhotoHeader
from cutout.ports.queues import ReportQueue
from cutout.ports.telemetry import Telemetry

_ONLY_TOO_MUCH = frozenset({Reason.CANNOT_BE_PREPARED, Reason.TOO_MANY_PIXELS})
"""The photo is valid, but too large to be decoded in full size; a smaller copy can be made."""


@dataclass(frozen=True, kw_only=True)
class PrepareCopy:
    """Makes the copies of one photo."""

    uploads: Uploads
    copier: Copier
    copies: Copies
    folders: Folders
    reports: ReportQueue
    telemetry: Telemetry
    limits: PhotoLimits

    def prepare(self, request: PrepareRequest) -> PrepareReport:
        """Make the requested copies, and report them if the request asks for a report."""
        version = version_of(request.source)
        report = PrepareReport(job_id=request.job_id, ask=request.ask or 0, version=version)
        try:
            with self.folders() as folder:
                report = self._prepared(report, request, Path(folder))
        except NotAPhotoError as exc:
            report = replace(report, reason=exc.reason, message=printable(str(exc)))
        except SourceGoneError:
            report = replace(report, reason=Reason.SOURCE_DELETED)
        self.telemetry.log("photo prepared", reason=report.reason, problem=report.problem)
        if request.ask is not None:
            self.reports.report(report)
        return report

    def _prepared(
        self, report: PrepareReport, request: PrepareRequest, folder: Path
    ) -> PrepareReport:
        """The report with the photo's properties and the copies that were made."""
        file = folder / "photo"
        fetched = self.uploads.fetch(request.source, file)
        marks = read_marks(fetched.metadata)
        with file.open("rb") as stream:
            check_kind(stream.read(HEAD_BYTES))
        seen = self.copier.look(file)
        copies: list[MadeCopy] = []
        problem = None
        has_alpha = False
        if CopyKind.FOR_MODEL in request.wanted:
            copies.append(self._for_model(request, file, seen))
            has_alpha = copies[0].has_alpha
        # A photo with transparency always gives the cut-out its own pixels.
        if CopyKind.FULL_SIZE in request.wanted or has_alpha:
            try:
                copies.append(self._full_size(request, file))
                has_alpha = copies[-1].has_alpha
            except NotAPhotoError as exc:
                if exc.reason not in _ONLY_TOO_MUCH:
                    raise
                problem = printable(str(exc))
        photo = Photo(
            format=seen.format,
            width=seen.width,
            height=seen.height,
            sha256=fetched.sha256,
            orientation=seen.orientation,
            has_alpha=has_alpha,
        )
        return replace(
            report,
            photo=photo,
            copies=tuple(copies),
            problem=problem,
            is_backfill=marks.is_backfill,
            bypass_cache=marks.bypass_cache,
            recipes=marks.recipes,
        )

    def _for_model(self, request: PrepareRequest, file: Path, seen: PhotoHeader) -> MadeCopy:
        into = file.with_name("copy")
        size = fitting(seen.width, seen.height, self.limits)
        copy = self.copier.copy(file, into, size, self.limits.max_bytes)
        return self._put(request, CopyKind.FOR_MODEL, into, copy)

    def _full_size(self, request: PrepareRequest, file: Path) -> MadeCopy:
        into = file.with_name("full-size")
        return self._put(request, CopyKind.FULL_SIZE, into, self.copier.upright(file, into))

    def _put(self, request: PrepareRequest, kind: CopyKind, file: Path, copy: Copy) -> MadeCopy:
        # The key follows from the job: a repeated request replaces the copy, and leaves no other.
        key = copy_key(request.job_id, kind, copy.format)
        self.copies.put(key, file, content_type=f"image/{copy.format}")
        self.telemetry.metric(Metric.PREPARED)
        return MadeCopy(
            kind=kind,
            format=copy.format,
            size=file.stat().st_size,
            width=copy.width,
            height=copy.height,
            has_alpha=copy.has_alpha,
        )
