"""The environment variables of each function: settings by their names, and derived values.

A function reads no other values from there.
"""

from collections.abc import Mapping
from dataclasses import fields

from cutout.domain.function_settings import variable
from cutout.domain.metrics import NAMESPACE

from ..access.resources import Resources
from ..deployed_functions import FunctionName
from .function import CutoutFunction


def set_environments(
    functions: Mapping[FunctionName, CutoutFunction], resources: Resources
) -> None:
    """Set what each function's settings read, and Powertools' own variables.

    A field that is not in the table of `_values` is the deployment's setting of the same name.
    """
    for one in functions.values():
        values = _values(resources) | {
            "memory_mb": one.shape.memory_mb,
            "disk_mb": one.shape.disk_mb,
            "timeout_seconds": one.timeout_seconds,
        }
        variables = {
            "POWERTOOLS_SERVICE_NAME": one.shape.service,
            "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        for field in fields(one.shape.settings):
            name = field.name
            value = values[name] if name in values else getattr(resources.settings, name)
            if value is not None:
                variables[variable(name)] = _text(value)
        for name, text in variables.items():
            one.function.add_environment(name, text)


def _values(resources: Resources) -> dict[str, str | int | None]:
    """Return what is no setting, or not set as it is; None leaves the variable out."""
    settings = resources.settings
    preparations, prepare_role = resources.preparations, resources.prepare_role
    return {
        "stack": resources.name,
        "jobs_table": resources.jobs.table_name,
        # Not the name: stacks in two regions or accounts may have the same.
        "jobs_table_arn": resources.jobs.table_arn,
        "calls_table": resources.calls.table_name,
        "uploads_bucket": resources.uploads.bucket_name,
        "upload_suffixes": ",".join(settings.upload_suffixes) or None,
        "results_bucket": resources.results.bucket_name,
        "work_bucket": resources.work.bucket_name,
        "submissions_queue_url": resources.submissions.queue_url,
        "preparations_queue_url": preparations.queue_url if preparations else None,
        "callbacks_queue_url": resources.callbacks.queue_url,
        "api_key_secret": resources.api_key_name,
        "signing_key_secret": resources.signing_key_name,
        "callback_url": resources.callback_url if settings.callbacks else None,
        "photo_reader_role_arn": resources.photo_reader.role_arn,
        "prepare_role_id": prepare_role.role_id if prepare_role else None,
        "event_bus": resources.event_bus_id,
        # A default is left out: the variable appears with the first deployment that needs it.
        "tag_source": settings.tag_source or None,
        "delete_with_source": settings.delete_with_source or None,
        "allow_loopback": settings.allow_loopback or None,
        "prepare_max_bytes": settings.prepare_max_bytes if settings.prepare else None,
    }


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
