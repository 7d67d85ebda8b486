"""Which uploads a stack takes: Submit's own settings, as it is deployed."""

from collections.abc import Mapping
from datetime import timedelta

from cutout.cli.aws.description import StackOutputs
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import Settings
from cutout.operator.audit import Rules
from cutout.usecases.submit.register_upload import UploadFilter
from cutout.wiring.environment_reader import read_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class _WatchSettings(Settings):
    """Those of Submit's settings that commands read; a stack of another version has them, too."""

    upload_prefix: str = ""
    upload_suffixes: tuple[str, ...] = ()
    result_prefix: str = ""
    max_bytes: int
    prepare_max_bytes: int = 0
    retention_days: timedelta


def read_rules(environment: Mapping[str, str], outputs: StackOutputs) -> Rules:
    """Return which keys the stack watches and what it accepts, by Submit's environment."""
    settings = read_settings(_WatchSettings, environment)
    return Rules(
        upload_filter=UploadFilter(
            uploads_bucket=outputs.uploads_bucket,
            upload_prefix=settings.upload_prefix,
            upload_suffixes=settings.upload_suffixes,
            results_bucket=outputs.results_bucket,
            result_prefix=settings.result_prefix,
        ),
        max_bytes=max(settings.max_bytes, settings.prepare_max_bytes),
        retention=settings.retention_days,
    )
