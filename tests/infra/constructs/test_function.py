"""How the functions run, and their variables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutout.domain.function_settings import (
    PrepareSettings,
    ReceiveSettings,
    StoreSettings,
    SubmitSettings,
    SweepSettings,
)
from cutout.domain.function_settings import Settings as RuntimeSettings
from cutout.wiring.environment_reader import read_settings
from infra.deployed_functions import FunctionName, shape_of
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError
from tests.infra.template_view import Synthesize, TemplateView

FUNCTIONS = ("Submit", "Prepare", "ReceiveCallback", "StoreResult", "Sweep")

HOW = {
    "Submit": ("submit.handler.handler", 256, 100),
    "Prepare": ("prepare.handler.handler", 3008, 110),
    "ReceiveCallback": ("callback.receive.handler", 256, 10),
    "StoreResult": ("callback.store.handler", 1769, 110),
    "Sweep": ("sweep.handler.handler", 256, 55),
}

EVERY = {
    "POWERTOOLS_METRICS_NAMESPACE": "Cutout",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "CUTOUT_STACK": "Cutout",
    "CUTOUT_MONITORING": "basic",
}
WORKING = {
    "CUTOUT_JOBS_TABLE": "<Jobs>",
    "CUTOUT_UPLOADS_BUCKET": "<Uploads>",
    "CUTOUT_UPLOAD_PREFIX": "",
    "CUTOUT_RESULTS_BUCKET": "<Results>",
    "CUTOUT_RESULT_PREFIX": "",
    "CUTOUT_WORK_BUCKET": "<Work>",
    "CUTOUT_SUBMISSIONS_QUEUE_URL": "<SubmissionsQueue>",
    "CUTOUT_API_KEY_SECRET": "Cutout/evolink-api-key",
    "CUTOUT_EVENT_BUS": "default",
    "CUTOUT_ERROR_NOTES": "true",
    "CUTOUT_CALLBACKS_QUEUE_URL": "<CallbacksQueue>",
    "CUTOUT_EVOLINK_BASE_URL": "https://api.evolink.ai",
    "CUTOUT_EVOLINK_FILES_URL": "https://files-api.evolink.ai",
    "CUTOUT_MODEL": "mj-v7-remove-bg",
    "CUTOUT_PIXELS": "model",
    "CUTOUT_PREPARATIONS_QUEUE_URL": "<PreparationsQueue>",
    "CUTOUT_REUSE": "true",
    "CUTOUT_MAX_IN_FLIGHT": "3",
    "CUTOUT_DAILY_CREDIT_CAP": "5000",
    "CUTOUT_MAX_PIXELS": "50000000",
    "CUTOUT_FIRST_POLL_SECONDS": "150",
    "CUTOUT_POLL_INTERVAL_SECONDS": "300",
    "CUTOUT_LEASE_SECONDS": "120",
    "CUTOUT_UNCONFIRMED_GRACE_SECONDS": "1200",
    "CUTOUT_JOB_DEADLINE_SECONDS": "21600",
    "CUTOUT_RETENTION_DAYS": "90",
}
TOLD = {
    "Submit": EVERY
    | WORKING
    | {
        "POWERTOOLS_SERVICE_NAME": "submit",
        "CUTOUT_CALLS_TABLE": "<Calls>",
        "CUTOUT_JOBS_TABLE_ARN": "<Jobs.Arn>",
        "CUTOUT_SIGNING_KEY_SECRET": "Cutout/callback-signing-key",
        "CUTOUT_CALLBACK_URL": "<CallbackApi.ApiEndpoint>",
        "CUTOUT_PHOTO_READER_ROLE_ARN": "<PhotoReader.Arn>",
        "CUTOUT_PREPARE_ROLE_ID": "<PrepareRole.RoleId>",
        "CUTOUT_INPUT_TRANSPORT": "presigned",
        "CUTOUT_CALLBACKS_QUEUE_URL": "<CallbacksQueue>",
        "CUTOUT_MAX_BYTES": "10000000",
        "CUTOUT_MIN_SIDE": "240",
        "CUTOUT_MAX_SIDE": "7680",
        "CUTOUT_PREPARE_MAX_BYTES": "100000000",
    },
    "Prepare": EVERY
    | {
        "POWERTOOLS_SERVICE_NAME": "prepare",
        "CUTOUT_WORK_BUCKET": "<Work>",
        "CUTOUT_SUBMISSIONS_QUEUE_URL": "<SubmissionsQueue>",
        "CUTOUT_MAX_BYTES": "10000000",
        "CUTOUT_MAX_PIXELS": "50000000",
        "CUTOUT_MIN_SIDE": "240",
        "CUTOUT_MAX_SIDE": "7680",
        "CUTOUT_MEMORY_MB": "3008",
        "CUTOUT_DISK_MB": "512",
        "CUTOUT_TIMEOUT_SECONDS": "110",
    },
    "ReceiveCallback": EVERY
    | {
        "POWERTOOLS_SERVICE_NAME": "receive-callback",
        "CUTOUT_CALLBACKS_QUEUE_URL": "<CallbacksQueue>",
        "CUTOUT_SIGNING_KEY_SECRET": "Cutout/callback-signing-key",
    },
    "StoreResult": EVERY
    | WORKING
    | {
        "POWERTOOLS_SERVICE_NAME": "store-result",
    },
    "Sweep": EVERY
    | {
        "POWERTOOLS_SERVICE_NAME": "sweep",
        "CUTOUT_JOBS_TABLE": "<Jobs>",
        "CUTOUT_SUBMISSIONS_QUEUE_URL": "<SubmissionsQueue>",
        "CUTOUT_CALLBACKS_QUEUE_URL": "<CallbacksQueue>",
        "CUTOUT_MAX_IN_FLIGHT": "3",
        "CUTOUT_DAILY_CREDIT_CAP": "5000",
        "CUTOUT_POLL_INTERVAL_SECONDS": "300",
        "CUTOUT_LEASE_SECONDS": "120",
    },
}


def _function(reading: TemplateView, name: str) -> dict[str, Any]:
    return reading.properties(f"{name}Function")


def _environment(reading: TemplateView, name: str) -> dict[str, str]:
    variables: dict[str, str] = _function(reading, name)["Environment"]["Variables"]
    return variables


def test_there_are_five_functions(template: TemplateView) -> None:
    """No helper function is deployed besides ours."""
    deployed = set(template.of_type("AWS::Lambda::Function"))
    assert deployed == {f"{name}Function" for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_the_handler_memory_and_time_out_of_the_design(
    template: TemplateView, name: str
) -> None:
    """Handler, memory and time-out are those of the design."""
    properties = _function(template, name)
    handler, memory, timeout = HOW[name]
    assert properties["Handler"] == handler
    assert properties["MemorySize"] == memory
    assert properties["Timeout"] == timeout


@pytest.mark.parametrize(
    ("max_bytes", "memory_mb"), [(32_000_000, 256), (50_000_000, 328), (100_000_000, 528)]
)
def test_submit_has_memory_for_the_largest_file_that_it_reads(
    max_bytes: int, memory_mb: int
) -> None:
    """It peaked at 248 MB for 100 MB, and at 344 MB when it sent them to the Files API."""
    shape = shape_of(FunctionName.SUBMIT, uses_source_pixels=True, max_bytes=max_bytes)
    assert shape.memory_mb == memory_mb


@pytest.mark.parametrize("by", ["setting", "recipe"])
def test_source_pixels_get_memory_and_disk_for_the_largest_photo(
    synthesize: Synthesize, tmp_path: Path, by: str
) -> None:
    """Memory to rotate 200 megapixels, and disk for their cut-out; the default has less."""
    recipes = tmp_path / "recipes.toml"
    recipes.write_text('[[recipe]]\nname = "own"\npixels = "source"\n', encoding="utf-8")
    settings = Settings(pixels="source") if by == "setting" else Settings(recipes=str(recipes))
    reading = synthesize(settings)
    properties = _function(reading, "StoreResult")
    assert properties["MemorySize"] == 3008
    assert properties["EphemeralStorage"] == {"Size": 2048}
    assert _function(reading, "Prepare")["EphemeralStorage"] == {"Size": 2048}
    assert _function(reading, "Submit")["MemorySize"] == 256


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_runs_on_the_platform_of_its_asset(template: TemplateView, name: str) -> None:
    """Python 3.13 on arm64, with its own role and log group, and without tracing."""
    properties = _function(template, name)
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Role"] == f"<{name}Role.Arn>"
    assert properties["LoggingConfig"] == {"LogGroup": f"<{name}Logs>"}
    assert "TracingConfig" not in properties


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_exactly_these_variables(template: TemplateView, name: str) -> None:
    """Each function gets its own variables and no others."""
    assert _environment(template, name) == TOLD[name]


SETTINGS: dict[str, type[RuntimeSettings]] = {
    "Submit": SubmitSettings,
    "Prepare": PrepareSettings,
    "ReceiveCallback": ReceiveSettings,
    "StoreResult": StoreSettings,
    "Sweep": SweepSettings,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_runtime_accepts_the_variables_of_each_function(template: TemplateView, name: str) -> None:
    """The runtime's own settings accept each environment, and know the stack by its name."""
    assert read_settings(SETTINGS[name], _environment(template, name)).stack == "Cutout"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_runtime_accepts_the_variables_on_a_local_cloud(ephemeral: TemplateView, name: str) -> None:
    """Plain http to this machine is accepted if the AWS endpoint is on this machine."""
    told = _environment(ephemeral, name) | {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566"}
    assert read_settings(SETTINGS[name], told).stack == "Cutout"


def test_loopback_variable_is_set_on_a_local_cloud_only(
    template: TemplateView, ephemeral: TemplateView
) -> None:
    """On AWS it is not set."""
    name = "CUTOUT_ALLOW_LOOPBACK"
    assert [one for one in FUNCTIONS if name in _environment(template, one)] == []
    told = {one: _environment(ephemeral, one).get(name) for one in FUNCTIONS}
    assert told == {
        "Submit": "true",
        "Prepare": None,
        "ReceiveCallback": None,
        "StoreResult": "true",
        "Sweep": None,
    }


def test_no_function_runs_longer_than_its_lease(synthesize: Synthesize) -> None:
    """A short lease shortens the time-outs, so that a lease never expires under a worker."""
    reading = synthesize(Settings(lease_seconds=30))
    timeouts = {name: _function(reading, name)["Timeout"] for name in FUNCTIONS}
    assert timeouts == {
        "Submit": 30,
        "Prepare": 30,
        "ReceiveCallback": 10,
        "StoreResult": 30,
        "Sweep": 30,
    }


MESSAGES = {
    "Submit": "SubmissionsQueue",
    "Prepare": "PreparationsQueue",
    "StoreResult": "CallbacksQueue",
}


@pytest.mark.parametrize(("name", "queue"), MESSAGES.items())
def test_worker_gets_one_message_and_reports_failures(
    template: TemplateView, name: str, queue: str
) -> None:
    """A slow photo delays no other, and at most five run at once."""
    assert template.properties(f"{name}Messages") == {
        "EventSourceArn": f"<{queue}.Arn>",
        "FunctionName": f"<{name}Function>",
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
        "Tags": [{"Key": "cutout:stack", "Value": "Cutout"}],
    }


def test_concurrency_of_the_workers_is_a_setting(synthesize: Synthesize) -> None:
    """Each worker has its own."""
    reading = synthesize(Settings(submit_concurrency=7, prepare_concurrency=8, store_concurrency=9))
    bounds = {name: reading.properties(f"{name}Messages")["ScalingConfig"] for name in MESSAGES}
    assert bounds == {
        "Submit": {"MaximumConcurrency": 7},
        "Prepare": {"MaximumConcurrency": 8},
        "StoreResult": {"MaximumConcurrency": 9},
    }


def test_public_and_scheduled_functions_reserve_their_concurrency(template: TemplateView) -> None:
    """ReceiveCallback, which is public, cannot use up the account's concurrency."""
    reserved = {
        name: _function(template, name).get("ReservedConcurrentExecutions") for name in FUNCTIONS
    }
    assert reserved == {
        "Submit": None,
        "Prepare": None,
        "ReceiveCallback": 10,
        "StoreResult": None,
        "Sweep": 1,
    }


def test_small_accounts_reserve_nothing(synthesize: Synthesize) -> None:
    """An account with a quota of ten cannot reserve any."""
    reading = synthesize(Settings(reserved_concurrency=False))
    reserved = [
        name for name in FUNCTIONS if "ReservedConcurrentExecutions" in _function(reading, name)
    ]
    assert reserved == []


def test_only_submit_and_prepare_may_call_themselves_in_a_loop(template: TemplateView) -> None:
    """A freed slot admits the next job; Lambda would stop this loop at about the sixteenth call."""
    loops = {name: _function(template, name)["RecursiveLoop"] for name in FUNCTIONS}
    assert loops == {
        "Submit": "Allow",
        "Prepare": "Allow",
        "ReceiveCallback": "Terminate",
        "StoreResult": "Terminate",
        "Sweep": "Terminate",
    }


def test_logs_are_kept_for_ninety_days_by_default(
    template: TemplateView, synthesize: Synthesize
) -> None:
    """Every log group has this retention, which is a setting."""
    groups = {f"{name}Logs" for name in FUNCTIONS} | {"CallbackApiAccessLogs"}
    kept = {
        name: one["RetentionInDays"]
        for name, one in template.of_type("AWS::Logs::LogGroup").items()
    }
    shorter = synthesize(Settings(log_retention_days=7)).of_type("AWS::Logs::LogGroup")
    assert kept == dict.fromkeys(groups, 90)
    assert {one["RetentionInDays"] for one in shorter.values()} == {7}


def test_deployment_without_prepare_has_none_of_its_resources(synthesize: Synthesize) -> None:
    """No function, queue, permission or output; the runtime accepts its variables."""
    reading = synthesize(Settings(prepare=False))
    told = _environment(reading, "Submit")
    copies = {
        (role, action)
        for role in reading.of_type("AWS::IAM::Role")
        for action, resource in reading.granted(role)
        if "prepared" in resource.lower()
    }
    assert [name for name in reading.resources if name.startswith("Prepar")] == []
    assert [name for name in reading.outputs if name.startswith("Prepar")] == []
    # Where the bucket keeps no versions, Submit copies photos for the provider to read.
    assert copies == {("SubmitRole", "s3:PutObject"), ("PhotoReader", "s3:GetObject")}
    assert read_settings(SubmitSettings, told).preparations_queue_url == ""
    assert read_settings(SubmitSettings, told).prepare_max_bytes == 0


@pytest.mark.parametrize("by", ["setting", "recipe"])
def test_source_pixels_are_refused_without_prepare(
    synthesize: Synthesize, tmp_path: Path, by: str
) -> None:
    """Only Prepare opens photos: each cut-out would silently have the model's pixels."""
    recipes = tmp_path / "recipes.toml"
    recipes.write_text('[[recipe]]\nname = "own"\npixels = "source"\n', encoding="utf-8")
    make: dict[str, Callable[[], object]] = {
        "setting": lambda: Settings(prepare=False, pixels="source"),
        "recipe": lambda: synthesize(Settings(prepare=False, recipes=str(recipes))),
    }
    with pytest.raises(SettingError, match="leave out -c prepare=false"):
        make[by]()


def test_submit_has_no_id_of_prepares_role_without_prepare(
    synthesize: Synthesize,
) -> None:
    """Then no message is read as a report."""
    told = _environment(synthesize(Settings(prepare=False)), "Submit")
    assert read_settings(SubmitSettings, told).prepare_role_id == ""
