"""Submit: its ports on AWS, and its use cases on them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.s3.photo_links import S3PhotoLinks
from cutout.adapters.secrets import signing_keys
from cutout.adapters.temp_folder import folder
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import SubmitSettings
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.messages import queue_messages
from cutout.domain.messages.message_parsing import Submission
from cutout.domain.messages.preparation import PrepareReport
from cutout.domain.object_keys import result_keys
from cutout.domain.photo.photo_and_result_checks import PhotoLimits
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.domain.states import SUBMITTED
from cutout.ports.buckets import PhotoLinks
from cutout.ports.jobs_table import CallBodies, Jobs
from cutout.ports.provider_api import Signer
from cutout.ports.telemetry import Telemetry
from cutout.usecases.submit.admit_job import AdmitJob
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.paid_call import PaidCalls
from cutout.usecases.submit.register_upload import RegisterUpload, UploadFilter
from cutout.usecases.submit.repeat_call import RepeatCalls
from cutout.usecases.submit.submit_job import SubmitJob
from cutout.wiring import job_parts
from cutout.wiring.aws_clients import Clients
from cutout.wiring.environment_reader import read_settings


@dataclass(frozen=True, kw_only=True)
class SubmitPorts:
    """The ports of Submit."""

    shared: job_parts.JobPorts
    bodies: CallBodies
    links: PhotoLinks
    signer: Signer


@dataclass(frozen=True, kw_only=True)
class SubmitUseCases:
    """Submit's actions on its messages; those of the sender `prepare_role_id` are Prepare's."""

    jobs: Jobs
    register_upload: RegisterUpload
    submit_job: SubmitJob
    copy_requests: CopyRequests
    telemetry: Telemetry
    prepare_role_id: str

    def take(self, message: Submission) -> None:
        """Act on one message."""
        match message:
            case queue_messages.Uploaded(source=source, at=at, lane=lane):
                registered = self.register_upload.created(source, at=at, lane=lane)
                if registered is not None:
                    self._advance(registered.job, registered.newest)
            case queue_messages.JobDue(job_id=job_id):
                self._advance(self._find(job_id))
            case PrepareReport():
                self._advance(self.copy_requests.accept(message))
            case queue_messages.UnreadableReport(job_id=job_id):
                self.copy_requests.refuse_report(job_id)
            case queue_messages.Deleted(source=source, at=at):
                self.register_upload.deleted(source, at=at)
            case queue_messages.VersionDeleted(source=source):
                self.register_upload.version_deleted(source)

    def _find(self, job_id: str) -> Job | None:
        job = self.jobs.find(job_id)
        if job is None:
            self.telemetry.log("message for an unknown job", due_job=job_id)
        return job

    def _advance(self, job: Job | None, newest: LatestVersion | None = None) -> None:
        if job is not None:
            with self.telemetry.about(job_id=job.id):
                self.submit_job.advance(job, newest)


def build(environment: Mapping[str, str], telemetry: Telemetry) -> SubmitUseCases:
    """Compose Submit on AWS; SettingsError if the environment or the recipes cannot be read."""
    settings = read_settings(SubmitSettings, environment)
    clients = Clients(environment)
    clients.connect("dynamodb", "secretsmanager", "s3", "sts")
    # A copy of a photo is megabytes; a call is a few hundred bytes, and must be decided sooner.
    files_seconds = job_parts.download_seconds(settings.lease_seconds)
    shared = job_parts.job_ports(settings, clients, telemetry, files_seconds=files_seconds)
    ports = SubmitPorts(
        shared=shared,
        bodies=DynamoCallBodies(Table(clients.dynamodb, settings.calls_table)),
        links=S3PhotoLinks(
            clients.sts,
            settings.photo_reader_role_arn,
            settings.work_bucket,
            clients.s3_as,
            shared.clock,
        ),
        signer=signing_keys(clients.secrets, settings.signing_key_secret),
    )
    return submit_use_cases(ports, settings, job_parts.deployed_recipes())


def submit_use_cases(
    ports: SubmitPorts, settings: SubmitSettings, recipes: tuple[Recipe, ...]
) -> SubmitUseCases:
    """Compose the use cases of Submit on its ports."""
    shared, parts = ports.shared, job_parts.JobParts(ports.shared, settings)
    jobs, clock, telemetry = shared.jobs, shared.clock, shared.telemetry
    job_writer, timing = parts.job_writer, parts.timing
    copies_are_made = shared.preparations is not None
    own_pixels = OwnPixels(pixels=settings.pixels, recipes=recipes)
    limits = PhotoLimits(
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        min_side=settings.min_side,
        max_side=settings.max_side,
        prepare_max_bytes=settings.prepare_max_bytes,
    )
    register_upload = RegisterUpload(
        jobs=jobs,
        latest_versions=jobs,
        current_versions=shared.uploads,
        telemetry=telemetry,
        clock=clock,
        timing=timing,
        upload_filter=UploadFilter(
            uploads_bucket=settings.uploads_bucket,
            upload_prefix=settings.upload_prefix,
            upload_suffixes=settings.upload_suffixes,
            results_bucket=settings.results_bucket,
            result_prefix=settings.result_prefix,
        ),
        settlement_effects=parts.settlement_effects,
    )
    copy_requests = CopyRequests(
        job_writer=job_writer,
        jobs=jobs,
        telemetry=telemetry,
        queue=shared.preparations,
        own_pixels=own_pixels,
        limits=limits,
        timing=timing,
    )
    call_outcomes = CallOutcomes(
        job_writer=job_writer,
        gates=jobs,
        clock=clock,
        telemetry=telemetry,
        timing=timing,
        randomness=shared.randomness,
    )
    paid_calls = PaidCalls(
        folders=folder,
        provider=shared.provider,
        uploads=shared.uploads,
        copies=shared.copies,
        links=ports.links,
        files=shared.files,
        bodies=ports.bodies,
        signer=ports.signer,
        clock=clock,
        timing=timing,
        model=settings.model,
        transport=settings.input_transport,
        copies_are_made=copies_are_made,
        deployment=settings.jobs_table_arn,
        callback_base_url=settings.callback_url,
    )
    admit_job = AdmitJob(
        job_writer=job_writer,
        backlog=jobs,
        gates=jobs,
        deduplication=parts.deduplication,
        paid_calls=paid_calls,
        call_outcomes=call_outcomes,
        callbacks=shared.callbacks,
        result_keys=partial(
            result_keys,
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
        ),
        clock=clock,
        randomness=shared.randomness,
        limits=parts.limits,
        timing=timing,
    )
    repeat_calls = RepeatCalls(
        job_writer=job_writer,
        bodies=ports.bodies,
        gates=jobs,
        shown_versions=parts.shown_versions,
        clock=clock,
        timing=timing,
    )
    submit_job = SubmitJob(
        job_writer=job_writer,
        jobs=jobs,
        backlog=jobs,
        shown_versions=parts.shown_versions,
        uploads=shared.uploads,
        clock=clock,
        telemetry=telemetry,
        failures=parts.step_failures(SUBMITTED),
        call_outcomes=call_outcomes,
        repeat_calls=repeat_calls,
        copy_requests=copy_requests,
        admit_job=admit_job,
        provider=shared.provider,
        callbacks=shared.callbacks,
        limits=limits,
        own_pixels=own_pixels,
        copies_are_made=copies_are_made,
    )
    return SubmitUseCases(
        jobs=jobs,
        register_upload=register_upload,
        submit_job=submit_job,
        copy_requests=copy_requests,
        telemetry=telemetry,
        prepare_role_id=settings.prepare_role_id,
    )
