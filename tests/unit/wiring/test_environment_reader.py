"""The functions' settings: each from one variable, with an error that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import SettingsError
from cutout.domain.function_settings import (
    PrepareSettings,
    ReceiveSettings,
    Settings,
    StoreSettings,
    SubmitSettings,
    SweepSettings,
)
from cutout.domain.metrics import MonitoringLevel
from cutout.domain.states import Pixels, Transport
from cutout.wiring.environment_reader import read_settings
from tests.support.function_environment import USUAL_SETTINGS

ENVIRONMENT = USUAL_SETTINGS | {
    "CUTOUT_JOBS_TABLE": "Cutout-Jobs",
    "CUTOUT_CALLS_TABLE": "Cutout-Calls",
    "CUTOUT_JOBS_TABLE_ARN": "arn:aws:dynamodb:eu-central-1:111122223333:table/Cutout-Jobs",
    "CUTOUT_UPLOADS_BUCKET": "uploads",
    "CUTOUT_UPLOAD_PREFIX": "incoming/",
    "CUTOUT_RESULTS_BUCKET": "results",
    "CUTOUT_RESULT_PREFIX": "cut-outs/",
    "CUTOUT_WORK_BUCKET": "work",
    "CUTOUT_SUBMISSIONS_QUEUE_URL": "https://sqs.example/submissions",
    "CUTOUT_PREPARATIONS_QUEUE_URL": "https://sqs.example/preparations",
    "CUTOUT_CALLBACKS_QUEUE_URL": "https://sqs.example/callbacks",
    "CUTOUT_CALLBACK_URL": "https://api.example",
    "CUTOUT_PHOTO_READER_ROLE_ARN": "arn:aws:iam::111122223333:role/reader",
    "CUTOUT_EVOLINK_BASE_URL": "https://api.evolink.ai",
    "CUTOUT_EVOLINK_FILES_URL": "https://files-api.evolink.ai",
    "CUTOUT_UPLOAD_SUFFIXES": ".jpg,.png",
    "CUTOUT_DAILY_CREDIT_CAP": "5000.5",
    "POWERTOOLS_SERVICE_NAME": "not ours",
}
LOCAL = ENVIRONMENT | {
    "CUTOUT_ALLOW_LOOPBACK": "true",
    "AWS_ENDPOINT_URL": "https://localhost:4566",
}
SWEEP = SweepSettings(
    stack="Cutout",
    jobs_table="Cutout-Jobs",
    submissions_queue_url="https://sqs.example/submissions",
    callbacks_queue_url="https://sqs.example/callbacks",
    max_in_flight=3,
    daily_credit_cap=Decimal("5000.5"),
    poll_interval_seconds=timedelta(minutes=5),
    lease_seconds=timedelta(minutes=2),
)
RECEIVE = ReceiveSettings(
    stack="Cutout",
    callbacks_queue_url="https://sqs.example/callbacks",
    signing_key_secret="Cutout/callback-signing-key",
)
STORE = StoreSettings(
    stack="Cutout",
    jobs_table="Cutout-Jobs",
    uploads_bucket="uploads",
    upload_prefix="incoming/",
    results_bucket="results",
    result_prefix="cut-outs/",
    work_bucket="work",
    submissions_queue_url="https://sqs.example/submissions",
    callbacks_queue_url="https://sqs.example/callbacks",
    api_key_secret="Cutout/evolink-api-key",
    event_bus="default",
    evolink_base_url="https://api.evolink.ai",
    evolink_files_url="https://files-api.evolink.ai",
    model="mj-v7-remove-bg",
    reuse=True,
    max_in_flight=3,
    daily_credit_cap=Decimal("5000.5"),
    max_pixels=50_000_000,
    first_poll_seconds=timedelta(seconds=150),
    poll_interval_seconds=timedelta(minutes=5),
    lease_seconds=timedelta(minutes=2),
    unconfirmed_grace_seconds=timedelta(minutes=20),
    job_deadline_seconds=timedelta(hours=6),
    retention_days=timedelta(days=90),
    allow_loopback=False,
    pixels=Pixels.MODEL,
    preparations_queue_url="https://sqs.example/preparations",
)
SUBMIT = SubmitSettings(
    **{f.name: getattr(STORE, f.name) for f in fields(STORE)},
    jobs_table_arn="arn:aws:dynamodb:eu-central-1:111122223333:table/Cutout-Jobs",
    calls_table="Cutout-Calls",
    signing_key_secret="Cutout/callback-signing-key",
    callback_url="https://api.example",
    photo_reader_role_arn="arn:aws:iam::111122223333:role/reader",
    prepare_role_id="AROA5TPREPAREOFCUTOUT",
    input_transport=Transport.PRESIGNED,
    upload_suffixes=(".jpg", ".png"),
    max_bytes=10_000_000,
    min_side=240,
    max_side=7680,
    prepare_max_bytes=100_000_000,
)
PREPARE = PrepareSettings(
    stack="Cutout",
    work_bucket="work",
    submissions_queue_url="https://sqs.example/submissions",
    max_bytes=10_000_000,
    max_pixels=50_000_000,
    min_side=240,
    max_side=7680,
    memory_mb=3008,
    disk_mb=512,
    timeout_seconds=timedelta(seconds=110),
)
EACH: list[Settings] = [SWEEP, RECEIVE, STORE, SUBMIT, PREPARE]
KINDS: list[type[Settings]] = [type(settings) for settings in EACH]
OPTIONAL = {
    "upload_prefix": "",
    "upload_suffixes": (),
    "result_prefix": "",
    "callback_url": "",
    "prepare_role_id": "",
    "monitoring": MonitoringLevel.BASIC,
    "error_notes": True,
    "tag_source": False,
    "delete_with_source": False,
    "allow_loopback": False,
    "prepare_max_bytes": 0,
    "preparations_queue_url": "",
}
REQUIRED = [
    (kind, f"CUTOUT_{field.name.upper()}")
    for kind in KINDS
    for field in fields(kind)
    if field.name not in OPTIONAL
]


@dataclass(frozen=True, kw_only=True, slots=True)
class _OtherProvider(StoreSettings):
    other_url: str


def refusal(kind: type[Settings], environment: Mapping[str, str]) -> str:
    """The error for this environment."""
    with pytest.raises(SettingsError) as caught:
        read_settings(kind, environment)
    return str(caught.value)


@pytest.mark.parametrize("settings", EACH)
def test_each_function_reads_its_own_settings(settings: Settings) -> None:
    """Every field gets its value in its own type."""
    assert read_settings(type(settings), ENVIRONMENT) == settings


@pytest.mark.parametrize("settings", EACH)
def test_a_function_needs_only_its_own_variables(settings: Settings) -> None:
    """Each function gets only these."""
    own = {f"CUTOUT_{field.name.upper()}" for field in fields(settings)}
    environment = {name: ENVIRONMENT[name] for name in own & set(ENVIRONMENT)}
    assert read_settings(type(settings), environment) == settings


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_a_missing_variable_is_named(kind: type[Settings], name: str) -> None:
    """In the error."""
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    assert refusal(kind, environment) == f"the environment variable {name} is missing"


@pytest.mark.parametrize(("name", "value"), OPTIONAL.items())
def test_an_optional_variable_has_a_default(name: str, value: object) -> None:
    """No prefix means the whole bucket, no callback URL polling only; other options are off."""
    variable = f"CUTOUT_{name.upper()}"
    environment = {key: text for key, text in ENVIRONMENT.items() if key != variable}
    assert getattr(read_settings(SubmitSettings, environment), name) == value


@pytest.mark.parametrize(
    "name",
    [
        "CUTOUT_MAX_IN_FLIGHT",
        "CUTOUT_MAX_BYTES",
        "CUTOUT_MAX_PIXELS",
        "CUTOUT_FIRST_POLL_SECONDS",
        "CUTOUT_POLL_INTERVAL_SECONDS",
        "CUTOUT_LEASE_SECONDS",
        "CUTOUT_UNCONFIRMED_GRACE_SECONDS",
        "CUTOUT_JOB_DEADLINE_SECONDS",
        "CUTOUT_RETENTION_DAYS",
    ],
)
@pytest.mark.parametrize("text", ["", "many", "0", "-1", "1.5", "1e3"])
def test_an_invalid_number_is_named(name: str, text: str) -> None:
    """Counts and durations are whole numbers above 0."""
    expected = f"{name} must be a whole number above 0, not {text!r}"
    assert refusal(SubmitSettings, ENVIRONMENT | {name: text}) == expected


@pytest.mark.parametrize("text", ["", "much", "NaN", "Infinity", "-Infinity", "-0.01"])
def test_an_invalid_cap_is_refused(text: str) -> None:
    """A cap is a number from 0 up."""
    environment = ENVIRONMENT | {"CUTOUT_DAILY_CREDIT_CAP": text}
    expected = f"CUTOUT_DAILY_CREDIT_CAP must be a number from 0 up, not {text!r}"
    assert refusal(SweepSettings, environment) == expected


@pytest.mark.parametrize("text", ["0", "0.5", "1e4"])
def test_a_cap_may_be_any_amount(text: str) -> None:
    """A cap of 0 closes the gate, which is a way to deploy first and open later."""
    environment = ENVIRONMENT | {"CUTOUT_DAILY_CREDIT_CAP": text, "CUTOUT_MAX_IN_FLIGHT": "1"}
    settings = read_settings(SweepSettings, environment)
    assert (settings.daily_credit_cap, settings.max_in_flight) == (Decimal(text), 1)


def test_a_duration_that_is_too_long_is_named() -> None:
    """Even if it is a whole number."""
    text = "9" * 20
    expected = f"CUTOUT_RETENTION_DAYS must be a whole number above 0, not {text!r}"
    assert refusal(StoreSettings, ENVIRONMENT | {"CUTOUT_RETENTION_DAYS": text}) == expected


@pytest.mark.parametrize("text", ["", "yes", "True", "1"])
def test_an_invalid_flag_is_named(text: str) -> None:
    """Other words are not taken for false."""
    expected = f"CUTOUT_ALLOW_LOOPBACK must be 'true' or 'false', not {text!r}"
    assert refusal(StoreSettings, LOCAL | {"CUTOUT_ALLOW_LOOPBACK": text}) == expected


@pytest.mark.parametrize("text", ["", "Files", "base64"])
def test_an_invalid_transport_is_named(text: str) -> None:
    """There are two."""
    expected = f"CUTOUT_INPUT_TRANSPORT must be 'presigned' or 'files', not {text!r}"
    assert refusal(SubmitSettings, ENVIRONMENT | {"CUTOUT_INPUT_TRANSPORT": text}) == expected


@pytest.mark.parametrize("kind", [SubmitSettings, StoreSettings])
@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "",
        "https://dynamodb.eu-central-1.amazonaws.com",
        "https://localhost.example.com",
        "https://127.0.0.1.example.com",
        "localhost:4566",
    ],
)
def test_loopback_is_refused_outside_the_local_cloud(
    kind: type[Settings], endpoint: str | None
) -> None:
    """A stack on AWS cannot be set to plain http or loopback addresses."""
    environment = {key: text for key, text in LOCAL.items() if key != "AWS_ENDPOINT_URL"}
    if endpoint is not None:
        environment["AWS_ENDPOINT_URL"] = endpoint
    assert refusal(kind, environment) == (
        "CUTOUT_ALLOW_LOOPBACK is only for the local cloud: "
        "it needs AWS_ENDPOINT_URL on a loopback address"
    )


@pytest.mark.parametrize(
    "endpoint", ["https://localhost:4566", "http://127.0.0.1:4566", "https://[::1]:4566"]
)
def test_on_the_local_cloud_plain_http_to_loopback_is_allowed(endpoint: str) -> None:
    """The provider's stand-in uses it."""
    environment = LOCAL | {
        "AWS_ENDPOINT_URL": endpoint,
        "CUTOUT_EVOLINK_BASE_URL": "http://127.0.0.1:9000",
        "CUTOUT_EVOLINK_FILES_URL": "http://localhost:9000",
    }
    settings = read_settings(StoreSettings, environment)
    assert settings.allow_loopback
    assert settings.evolink_base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("name", ["CUTOUT_EVOLINK_BASE_URL", "CUTOUT_EVOLINK_FILES_URL"])
@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (ENVIRONMENT, "http://api.evolink.ai"),
        (ENVIRONMENT, "http://127.0.0.1:9000"),
        (ENVIRONMENT, "api.evolink.ai"),
        (ENVIRONMENT, ""),
        (ENVIRONMENT, "ftp://api.evolink.ai"),
        (LOCAL, "http://api.evolink.ai"),
        (LOCAL, "ftp://127.0.0.1"),
    ],
)
def test_the_api_key_is_never_sent_unencrypted(
    name: str, environment: dict[str, str], url: str
) -> None:
    """The provider's URLs are https; http is for loopback, on the local cloud."""
    expected = f"{url!r} must begin with https:// (http only for loopback, locally)"
    assert refusal(StoreSettings, environment | {name: url}) == expected


def test_the_address_of_another_provider_is_checked() -> None:
    """Without a change of the reader."""
    environment = ENVIRONMENT | {"CUTOUT_OTHER_URL": "http://api.example"}
    expected = "'http://api.example' must begin with https:// (http only for loopback, locally)"
    assert refusal(_OtherProvider, environment) == expected
