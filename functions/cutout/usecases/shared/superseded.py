"""Whether a newer upload or a deletion of its key supersedes a job."""

from __future__ import annotations

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.ports.jobs_table import LatestVersion, LatestVersions


def why_superseded(latest_versions: LatestVersions, job: Job) -> Reason | None:
    """Why a newer upload or a deletion supersedes the job; None if it is the newest."""
    return reason_of(latest_versions.newest(job.source.ref), job)


def reason_of(head: LatestVersion | None, job: Job) -> Reason | None:
    """The reason that the newest upload or deletion of the job's key is, if it is another."""
    if head is None or head.order <= job.source.order or head.job_id == job.id:
        return None
    return Reason.SOURCE_DELETED if head.job_id is None else Reason.NEWER_UPLOAD
