"""What each function is told: the only values that the runtime reads from its environment."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..deployed_functions import SHAPES, FunctionName, FunctionShape
from ..monitoring.metrics import NAMESPACE
from ..settings.settings import Settings

_SUBMIT = frozenset({FunctionName.SUBMIT})
_PREPARE = frozenset({FunctionName.PREPARE})
_STORE = frozenset({FunctionName.STORE_RESULT})
_RECEIVE = frozenset({FunctionName.RECEIVE_CALLBACK})
_SWEEP = frozenset({FunctionName.SWEEP})
_ALL = frozenset(FunctionName)

Row = tuple[str, frozenset[FunctionName], str | int]


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the deployment's resources are called where the functions look for them."""

    stack: str
    jobs_table: str
    calls_table: str
    jobs_table_arn: str
    uploads_bucket: str
    results_bucket: str
    work_bucket: str
    submissions_queue_url: str
    preparations_queue_url: str | None
    callbacks_queue_url: str
    api_key_secret: str
    signing_key_secret: str
    callback_url: str
    photo_reader_role_arn: str
    prepare_role_id: str | None
    event_bus: str


def environment(function: FunctionName, settings: Settings, names: Names) -> dict[str, str]:
    """Return the environment of one function: its own lines of the table and no others."""
    return {
        name: str(value)
        for name, readers, value in _rows(settings, names, function)
        if function in readers
    }


def bounds(shape: FunctionShape, timeout_seconds: int) -> dict[str, str]:
    """Say what a function has, which what it decodes may not use up."""
    return {
        "CUTOUT_MEMORY_MB": str(shape.memory_mb),
        "CUTOUT_DISK_MB": str(shape.disk_mb),
        "CUTOUT_TIMEOUT_SECONDS": str(timeout_seconds),
    }


def _rows(settings: Settings, names: Names, function: FunctionName) -> Iterator[Row]:
    yield "POWERTOOLS_SERVICE_NAME", _ALL, SHAPES[function].service
    yield "POWERTOOLS_METRICS_NAMESPACE", _ALL, NAMESPACE
    yield "POWERTOOLS_LOG_LEVEL", _ALL, "INFO"
    yield "CUTOUT_STACK", _ALL, names.stack
    yield from _places(settings, names)
    yield from _provider(settings)
    yield from _limits(settings)
    yield from _times(settings)


def _places(settings: Settings, names: Names) -> Iterator[Row]:
    working = _SUBMIT | _STORE
    yield "CUTOUT_JOBS_TABLE", working | _SWEEP, names.jobs_table
    yield "CUTOUT_CALLS_TABLE", working, names.calls_table
    # The name alone is not enough: stacks in two regions or accounts may have it.
    yield "CUTOUT_JOBS_TABLE_ARN", _SUBMIT, names.jobs_table_arn
    yield "CUTOUT_UPLOADS_BUCKET", working, names.uploads_bucket
    yield "CUTOUT_UPLOAD_PREFIX", working, settings.upload_prefix
    if settings.upload_suffixes:
        yield "CUTOUT_UPLOAD_SUFFIXES", _SUBMIT, ",".join(settings.upload_suffixes)
    yield "CUTOUT_RESULTS_BUCKET", working, names.results_bucket
    yield "CUTOUT_RESULT_PREFIX", working, settings.result_prefix
    yield "CUTOUT_WORK_BUCKET", working | _PREPARE, names.work_bucket
    yield "CUTOUT_SUBMISSIONS_QUEUE_URL", working | _PREPARE | _SWEEP, names.submissions_queue_url
    if names.preparations_queue_url:
        yield "CUTOUT_PREPARATIONS_QUEUE_URL", working, names.preparations_queue_url
    yield "CUTOUT_CALLBACKS_QUEUE_URL", working | _RECEIVE | _SWEEP, names.callbacks_queue_url
    yield "CUTOUT_API_KEY_SECRET", working, names.api_key_secret
    yield "CUTOUT_SIGNING_KEY_SECRET", _SUBMIT | _RECEIVE, names.signing_key_secret
    if settings.callbacks:
        yield "CUTOUT_CALLBACK_URL", _SUBMIT, names.callback_url
    yield "CUTOUT_PHOTO_READER_ROLE_ARN", _SUBMIT, names.photo_reader_role_arn
    if names.prepare_role_id:
        yield "CUTOUT_PREPARE_ROLE_ID", _SUBMIT, names.prepare_role_id
    yield "CUTOUT_EVENT_BUS", working, names.event_bus
    yield "CUTOUT_ERROR_NOTES", working, str(settings.error_notes).lower()
    if settings.tag_source:
        yield "CUTOUT_TAG_SOURCE", working, "true"
    if settings.delete_with_source:
        yield "CUTOUT_DELETE_WITH_SOURCE", working, "true"


def _provider(settings: Settings) -> Iterator[Row]:
    working = _SUBMIT | _STORE
    yield "CUTOUT_EVOLINK_BASE_URL", working, settings.evolink_base_url
    yield "CUTOUT_EVOLINK_FILES_URL", working, settings.evolink_files_url
    yield "CUTOUT_MODEL", working, settings.model
    yield "CUTOUT_INPUT_TRANSPORT", _SUBMIT, settings.input_transport
    yield "CUTOUT_PIXELS", working, settings.pixels
    yield "CUTOUT_REUSE", working, "true" if settings.reuse else "false"
    if settings.allow_loopback:
        yield "CUTOUT_ALLOW_LOOPBACK", working, "true"


def _limits(settings: Settings) -> Iterator[Row]:
    yield "CUTOUT_MAX_IN_FLIGHT", _SUBMIT | _STORE | _SWEEP, settings.max_in_flight
    yield "CUTOUT_DAILY_CREDIT_CAP", _SUBMIT | _STORE | _SWEEP, settings.daily_credit_cap
    yield "CUTOUT_MAX_BYTES", _SUBMIT | _PREPARE, settings.max_bytes
    yield "CUTOUT_MAX_PIXELS", _SUBMIT | _PREPARE | _STORE, settings.max_pixels
    yield "CUTOUT_MIN_SIDE", _SUBMIT | _PREPARE, settings.min_side
    yield "CUTOUT_MAX_SIDE", _SUBMIT | _PREPARE, settings.max_side
    if settings.prepare:
        yield "CUTOUT_PREPARE_MAX_BYTES", _SUBMIT, settings.prepare_max_bytes


def _times(settings: Settings) -> Iterator[Row]:
    working = _SUBMIT | _STORE
    yield "CUTOUT_FIRST_POLL_SECONDS", working, settings.first_poll_seconds
    yield "CUTOUT_POLL_INTERVAL_SECONDS", working | _SWEEP, settings.poll_interval_seconds
    yield "CUTOUT_LEASE_SECONDS", working | _SWEEP, settings.lease_seconds
    yield "CUTOUT_UNCONFIRMED_GRACE_SECONDS", working, settings.unconfirmed_grace_seconds
    yield "CUTOUT_JOB_DEADLINE_SECONDS", working, settings.job_deadline_seconds
    yield "CUTOUT_RETENTION_DAYS", working, settings.retention_days
