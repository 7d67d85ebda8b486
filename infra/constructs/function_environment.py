"""The environment variables of each function: the only values that it reads from there."""

from collections.abc import Iterator

from cutout.domain.environment import (
    PrepareSettings,
    ReceiveSettings,
    StoreSettings,
    SubmitSettings,
    SweepSettings,
    variables,
)
from cutout.domain.environment import Settings as FunctionSettings
from cutout.domain.metrics import NAMESPACE

from ..access.resources import Resources
from ..deployed_functions import SHAPES, FunctionName, FunctionShape
from ..settings.settings import Settings

_SETTINGS: dict[FunctionName, type[FunctionSettings]] = {
    FunctionName.SUBMIT: SubmitSettings,
    FunctionName.PREPARE: PrepareSettings,
    FunctionName.RECEIVE_CALLBACK: ReceiveSettings,
    FunctionName.STORE_RESULT: StoreSettings,
    FunctionName.SWEEP: SweepSettings,
}

Row = tuple[str, str | int]


def environment(function: FunctionName, resources: Resources) -> dict[str, str]:
    """Return the variables of one function: those that its settings read, and Powertools'."""
    read = variables(_SETTINGS[function])
    return {
        "POWERTOOLS_SERVICE_NAME": SHAPES[function].service,
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        **{name: str(value) for name, value in _rows(resources) if name in read},
    }


def own_limits(shape: FunctionShape, timeout_seconds: int) -> dict[str, str]:
    """Return the variables for what a function has; a decoder that it starts gets less."""
    return {
        "CUTOUT_MEMORY_MB": str(shape.memory_mb),
        "CUTOUT_DISK_MB": str(shape.disk_mb),
        "CUTOUT_TIMEOUT_SECONDS": str(timeout_seconds),
    }


def _rows(resources: Resources) -> Iterator[Row]:
    yield "CUTOUT_STACK", resources.name
    yield from _places(resources)
    yield from _provider(resources.settings)
    yield from _limits(resources.settings)
    yield from _times(resources.settings)


def _places(resources: Resources) -> Iterator[Row]:
    settings = resources.settings
    yield "CUTOUT_JOBS_TABLE", resources.jobs.table_name
    yield "CUTOUT_CALLS_TABLE", resources.calls.table_name
    # Not the name: stacks in two regions or accounts may have the same.
    yield "CUTOUT_JOBS_TABLE_ARN", resources.jobs.table_arn
    yield "CUTOUT_UPLOADS_BUCKET", resources.uploads.bucket_name
    yield "CUTOUT_UPLOAD_PREFIX", settings.upload_prefix
    if settings.upload_suffixes:
        yield "CUTOUT_UPLOAD_SUFFIXES", ",".join(settings.upload_suffixes)
    yield "CUTOUT_RESULTS_BUCKET", resources.results.bucket_name
    yield "CUTOUT_RESULT_PREFIX", settings.result_prefix
    yield "CUTOUT_WORK_BUCKET", resources.work.bucket_name
    yield "CUTOUT_SUBMISSIONS_QUEUE_URL", resources.submissions.queue_url
    if resources.preparations:
        yield "CUTOUT_PREPARATIONS_QUEUE_URL", resources.preparations.queue_url
    yield "CUTOUT_CALLBACKS_QUEUE_URL", resources.callbacks.queue_url
    yield "CUTOUT_API_KEY_SECRET", resources.api_key_name
    yield "CUTOUT_SIGNING_KEY_SECRET", resources.signing_key_name
    if settings.callbacks:
        yield "CUTOUT_CALLBACK_URL", resources.callback_url
    yield "CUTOUT_PHOTO_READER_ROLE_ARN", resources.photo_reader.role_arn
    if resources.prepare_role:
        yield "CUTOUT_PREPARE_ROLE_ID", resources.prepare_role.role_id
    yield "CUTOUT_EVENT_BUS", resources.event_bus_id
    yield "CUTOUT_ERROR_NOTES", str(settings.error_notes).lower()
    if settings.tag_source:
        yield "CUTOUT_TAG_SOURCE", "true"
    if settings.delete_with_source:
        yield "CUTOUT_DELETE_WITH_SOURCE", "true"


def _provider(settings: Settings) -> Iterator[Row]:
    yield "CUTOUT_EVOLINK_BASE_URL", settings.evolink_base_url
    yield "CUTOUT_EVOLINK_FILES_URL", settings.evolink_files_url
    yield "CUTOUT_MODEL", settings.model
    yield "CUTOUT_INPUT_TRANSPORT", settings.input_transport
    yield "CUTOUT_PIXELS", settings.pixels
    yield "CUTOUT_REUSE", "true" if settings.reuse else "false"
    if settings.allow_loopback:
        yield "CUTOUT_ALLOW_LOOPBACK", "true"


def _limits(settings: Settings) -> Iterator[Row]:
    yield "CUTOUT_MAX_IN_FLIGHT", settings.max_in_flight
    yield "CUTOUT_DAILY_CREDIT_CAP", settings.daily_credit_cap
    yield "CUTOUT_MAX_BYTES", settings.max_bytes
    yield "CUTOUT_MAX_PIXELS", settings.max_pixels
    yield "CUTOUT_MIN_SIDE", settings.min_side
    yield "CUTOUT_MAX_SIDE", settings.max_side
    if settings.prepare:
        yield "CUTOUT_PREPARE_MAX_BYTES", settings.prepare_max_bytes


def _times(settings: Settings) -> Iterator[Row]:
    yield "CUTOUT_FIRST_POLL_SECONDS", settings.first_poll_seconds
    yield "CUTOUT_POLL_INTERVAL_SECONDS", settings.poll_interval_seconds
    yield "CUTOUT_LEASE_SECONDS", settings.lease_seconds
    yield "CUTOUT_UNCONFIRMED_GRACE_SECONDS", settings.unconfirmed_grace_seconds
    yield "CUTOUT_JOB_DEADLINE_SECONDS", settings.job_deadline_seconds
    yield "CUTOUT_RETENTION_DAYS", settings.retention_days
