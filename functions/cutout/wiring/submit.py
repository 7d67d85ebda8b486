"""Submit, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.s3.photo_links import PhotoLinks
from cutout.adapters.s3.prepared_copies import S3Copies
from cutout.adapters.s3.uploads_bucket import S3Uploads
from cutout.adapters.sqs import SqsCallbacks
from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.photo.inspection import PhotoLimits
from cutout.ports.jobs_table import Jobs
from cutout.ports.telemetry import Telemetry
from cutout.usecases.shared.step_failures import StepFailures
from cutout.usecases.submit.call_identity import CallIdentity
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.copy_requests import CopyRequests
from cutout.usecases.submit.photo_access import PhotoAccess
from cutout.usecases.submit.precheck import Precheck
from cutout.usecases.submit.register_upload import RegisterUpload, UploadFilter
from cutout.usecases.submit.repeat_call import RepeatCalls
from cutout.usecases.submit.submit_job import SUBMITTED, SubmitJob
from cutout.usecases.submit.waiting_jobs import WaitingJobs
from cutout.wiring import shared
from cutout.wiring.aws_clients import Clients
from cutout.wiring.secrets import secret, signing_keys
from cutout.wiring.settings import SubmitSettings


@dataclass(frozen=True, kw_only=True)
class SubmitApp:
    """What the handler calls.

    Attributes:
        prepare_role_id: the id of Prepare's role, which SQS notes on what it sends; "" if there is
            no Prepare.
    """

    jobs: Jobs
    arrive: RegisterUpload
    submit: SubmitJob
    preparations: CopyRequests
    prepare_role_id: str


def build(
    environment: Mapping[str, str], telemetry: Telemetry, recipes: Path = shared.RECIPES
) -> SubmitApp:
    """Everything Submit needs, from its environment and the recipes in its asset.

    Raises:
        SettingsError: the environment is incomplete, or the recipes cannot be read.
    """
    settings = SubmitSettings.from_environment(environment)
    clients = Clients(environment)
    api_key = secret(clients, settings.api_key_secret)
    files = shared.evolink_files(settings, api_key, shared.download_seconds(settings.lease_seconds))
    job_writer = shared.job_writer(settings, clients, telemetry, files)
    uploads = S3Uploads(clients.s3())
    timing = shared.timing(settings)
    jobs = DynamoJobs(Table(clients.dynamodb(), settings.jobs_table))
    watch = UploadFilter(
        uploads_bucket=settings.uploads_bucket,
        upload_prefix=settings.upload_prefix,
        upload_suffixes=settings.upload_suffixes,
        results_bucket=settings.results_bucket,
        result_prefix=settings.result_prefix,
        review_prefix=REVIEW_FOLDER,
    )
    arrive = RegisterUpload(
        jobs=jobs,
        heads=jobs,
        telemetry=telemetry,
        clock=job_writer.clock,
        timing=timing,
        watch=watch,
        settlement_effects=job_writer.settlement_effects,
    )
    answers = CallOutcomes(job_writer=job_writer, timing=timing, randomness=shared.randomness)
    line = WaitingJobs(job_writer=job_writer, answers=answers, timing=timing)
    preparations = CopyRequests(
        job_writer=job_writer,
        line=line,
        queue=shared.preparations(settings, clients),
        own_pixels=shared.own_pixels(settings, recipes),
        limits=_photo_limits(settings),
        timing=timing,
    )
    submit = SubmitJob(
        job_writer=job_writer,
        failures=StepFailures(job_writer=job_writer, timing=timing, states=SUBMITTED),
        line=line,
        answers=answers,
        repeat_calls=RepeatCalls(job_writer=job_writer, timing=timing),
        precheck=Precheck(
            uploads=uploads,
            result_keys=jobs,
            limits=_photo_limits(settings),
            upload_prefix=settings.upload_prefix,
            result_prefix=settings.result_prefix,
        ),
        preparations=preparations,
        photo_access=PhotoAccess(
            uploads=uploads,
            copies=S3Copies(clients.s3(), settings.work_bucket),
            links=PhotoLinks(
                clients.sts(),
                settings.photo_reader_role_arn,
                settings.work_bucket,
                clients.s3_as,
                job_writer.clock,
            ),
            files=files,
            transport=settings.input_transport,
        ),
        provider=shared.provider(settings, api_key),
        callbacks=SqsCallbacks(clients.sqs(), settings.callbacks_queue_url),
        timing=timing,
        call_identity=CallIdentity(
            deployment=settings.jobs_table_arn,
            base_url=settings.callback_url,
            signer=signing_keys(clients, settings.signing_key_secret),
            callback_life=timing.callback_life,
        ),
    )
    return SubmitApp(
        jobs=jobs,
        arrive=arrive,
        submit=submit,
        preparations=preparations,
        prepare_role_id=settings.prepare_role_id,
    )


def _photo_limits(settings: SubmitSettings) -> PhotoLimits:
    return PhotoLimits(
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        min_side=settings.min_side,
        max_side=settings.max_side,
        prepare_max_bytes=settings.prepare_max_bytes,
    )
