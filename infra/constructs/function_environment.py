"""The environment variables of each function: the only values that it reads from there."""

from collections.abc import Iterator

from cutout.domain.metrics import NAMESPACE

from ..access.resources import Resources
from ..deployed_functions import SHAPES, FunctionName, FunctionShape
from ..settings.settings import Settings

_SUBMIT = frozenset({FunctionName.SUBMIT})
_PREPARE = frozenset({FunctionName.PREPARE})
_STORE = frozenset({FunctionName.STORE_RESULT})
_RECEIVE = frozenset({FunctionName.RECEIVE_CALLBACK})
_SWEEP = frozenset({FunctionName.SWEEP})
_ALL = frozenset(FunctionName)

Row = tuple[str, frozenset[FunctionName], str | int]


def environment(function: FunctionName, resources: Resources) -> dict[str, str]:
    """Return the variables of one function: its own rows of the table and no others."""
    return {
        name: str(value)
        for name, readers, value in _rows(function, resources)
        if function in readers
    }


def own_limits(shape: FunctionShape, timeout_seconds: int) -> dict[str, str]:
    """Return the variables for what a function has; a decoder that it starts gets less."""
    return {
        "CUTOUT_MEMORY_MB": str(shape.memory_mb),
        "CUTOUT_DISK_MB": str(shape.disk_mb),
        "CUTOUT_TIMEOUT_SECONDS": str(timeout_seconds),
    }


def _rows(function: FunctionName, resources: Resources) -> Iterator[Row]:
    settings = resources.settings
    yield "POWERTOOLS_SERVICE_NAME", _ALL, SHAPES[function].service
    yield "POWERTOOLS_METRICS_NAMESPACE", _ALL, NAMESPACE
    yield "POWERTOOLS_LOG_LEVEL", _ALL, "INFO"
    yield "CUTOUT_STACK", _ALL, resources.name
    yield from _places(resources)
    yield from _provider(settings)
    yield from _limits(settings)
    yield from _times(settings)


def _places(resources: Resources) -> Iterator[Row]:
    settings = resources.settings
    working = _SUBMIT | _STORE
    yield "CUTOUT_JOBS_TABLE", working | _SWEEP, resources.jobs.table_name
    yield "CUTOUT_CALLS_TABLE", working, resources.calls.table_name
    # Not the name: stacks in two regions or accounts may have the same.
    yield "CUTOUT_JOBS_TABLE_ARN", _SUBMIT, resources.jobs.table_arn
    yield "CUTOUT_UPLOADS_BUCKET", working, resources.uploads.bucket_name
    yield "CUTOUT_UPLOAD_PREFIX", working, settings.upload_prefix
    if settings.upload_suffixes:
        yield "CUTOUT_UPLOAD_SUFFIXES", _SUBMIT, ",".join(settings.upload_suffixes)
    yield "CUTOUT_RESULTS_BUCKET", working, resources.results.bucket_name
    yield "CUTOUT_RESULT_PREFIX", working, settings.result_prefix
    yield "CUTOUT_WORK_BUCKET", working | _PREPARE, resources.work.bucket_name
    submissions = resources.submissions.queue_url
    yield "CUTOUT_SUBMISSIONS_QUEUE_URL", working | _PREPARE | _SWEEP, submissions
    if resources.preparations:
        yield "CUTOUT_PREPARATIONS_QUEUE_URL", working, resources.preparations.queue_url
    yield "CUTOUT_CALLBACKS_QUEUE_URL", working | _RECEIVE | _SWEEP, resources.callbacks.queue_url
    yield "CUTOUT_API_KEY_SECRET", working, resources.api_key_name
    yield "CUTOUT_SIGNING_KEY_SECRET", _SUBMIT | _RECEIVE, resources.signing_key_name
    if settings.callbacks:
        yield "CUTOUT_CALLBACK_URL", _SUBMIT, resources.callback_url
    yield "CUTOUT_PHOTO_READER_ROLE_ARN", _SUBMIT, resources.photo_reader.role_arn
    if resources.prepare_role:
        yield "CUTOUT_PREPARE_ROLE_ID", _SUBMIT, resources.prepare_role.role_id
    yield "CUTOUT_EVENT_BUS", working, resources.event_bus_id
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
