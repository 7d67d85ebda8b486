"""How the functions run, and what they are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutout.domain.environment import (
    PrepareSettings,
    ReceiveSettings,
    StoreSettings,
    SubmitSettings,
    SweepSettings,
)
from cutout.domain.environment import Settings as RuntimeSettings
from cutout.wiring.settings import read_settings
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError
from tests.infra.reading import Reading, Synthesize

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
}
WORKING = {
    "CUTOUT_JOBS_TABLE": "<Jobs>",
    "CUTOUT_CALLS_TABLE": "<Calls>",
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


def _function(reading: Reading, name: str) -> dict[str, Any]:
    return reading.properties(f"{name}Function")


def _environment(reading: Reading, name: str) -> dict[str, str]:
    variables: dict[str, str] = _function(reading, name)["Environment"]["Variables"]
    return variables


def test_there_are_five_functions(template: Reading) -> None:
    """No helper function is deployed besides ours."""
    deployed = set(template.of_type("AWS::Lambda::Function"))
    assert deployed == {f"{name}Function" for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_as_large_as_its_work(template: Reading, name: str) -> None:
    """Handler, memory and time-out are those of the design."""
    properties = _function(template, name)
    handler, memory, timeout = HOW[name]
    assert properties["Handler"] == handler
    assert properties["MemorySize"] == memory
    assert properties["Timeout"] == timeout


@pytest.mark.parametrize("by", ["setting", "recipe"])
def test_who_wants_the_photos_own_pixels_gets_room_for_the_largest_photo(
    synthesize: Synthesize, tmp_path: Path, by: str
) -> None:
    """Memory to turn 200 megapixels in, and a disk for their cut-out; nobody else pays for it."""
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
def test_a_function_runs_on_what_its_asset_is_built_for(template: Reading, name: str) -> None:
    """Python 3.13 on arm64, with its own role and log group, and without tracing."""
    properties = _function(template, name)
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Role"] == f"<{name}Role.Arn>"
    assert properties["LoggingConfig"] == {"LogGroup": f"<{name}Logs>"}
    assert "TracingConfig" not in properties


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_exactly_this(template: Reading, name: str) -> None:
    """Each function gets its own lines of the table and no other function's."""
    assert _environment(template, name) == TOLD[name]


SETTINGS: dict[str, type[RuntimeSettings]] = {
    "Submit": SubmitSettings,
    "Prepare": PrepareSettings,
    "ReceiveCallback": ReceiveSettings,
    "StoreResult": StoreSettings,
    "Sweep": SweepSettings,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_runtime_takes_what_it_is_told(template: Reading, name: str) -> None:
    """The runtime's own settings accept each environment, and know the stack by its name."""
    assert read_settings(SETTINGS[name], _environment(template, name)).stack == "Cutout"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_runtime_takes_what_it_is_told_on_a_local_cloud(ephemeral: Reading, name: str) -> None:
    """Plain http to this machine is taken where the AWS endpoint is on this machine too."""
    told = _environment(ephemeral, name) | {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566"}
    assert read_settings(SETTINGS[name], told).stack == "Cutout"


def test_loopback_is_mentioned_on_a_local_cloud_only(template: Reading, ephemeral: Reading) -> None:
    """On AWS the very name of the permission is absent."""
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


def test_no_function_outlives_the_lease_it_holds(synthesize: Synthesize) -> None:
    """With a short lease the time-outs shrink: who takes a job over finds nobody still at it."""
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
def test_a_worker_takes_one_message_and_says_which_failed(
    template: Reading, name: str, queue: str
) -> None:
    """A slow photo takes no other with it, and no more than five run at once."""
    assert template.properties(f"{name}Messages") == {
        "EventSourceArn": f"<{queue}.Arn>",
        "FunctionName": f"<{name}Function>",
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
        "Tags": [{"Key": "cutout:stack", "Value": "Cutout"}],
    }


def test_concurrency_of_the_workers_is_a_setting(synthesize: Synthesize) -> None:
    """Each worker is bounded by its own."""
    reading = synthesize(Settings(submit_concurrency=7, prepare_concurrency=8, store_concurrency=9))
    bounds = {name: reading.properties(f"{name}Messages")["ScalingConfig"] for name in MESSAGES}
    assert bounds == {
        "Submit": {"MaximumConcurrency": 7},
        "Prepare": {"MaximumConcurrency": 8},
        "StoreResult": {"MaximumConcurrency": 9},
    }


def test_a_flood_of_callbacks_cannot_starve_the_account(template: Reading) -> None:
    """What the world can call, and what must run once at a time, have concurrency of their own."""
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
    """An account whose quota is ten cannot set any concurrency aside."""
    reading = synthesize(Settings(reserved_concurrency=False))
    reserved = [
        name for name in FUNCTIONS if "ReservedConcurrentExecutions" in _function(reading, name)
    ]
    assert reserved == []


def test_only_submit_may_wake_itself_without_end_and_prepare_on_its_way(template: Reading) -> None:
    """A freed slot wakes the next photo; Lambda would drop that chain at its sixteenth link."""
    loops = {name: _function(template, name)["RecursiveLoop"] for name in FUNCTIONS}
    assert loops == {
        "Submit": "Allow",
        "Prepare": "Allow",
        "ReceiveCallback": "Terminate",
        "StoreResult": "Terminate",
        "Sweep": "Terminate",
    }


def test_logs_are_kept_for_ninety_days_unless_told(
    template: Reading, synthesize: Synthesize
) -> None:
    """Every log group has an end, which is a setting."""
    groups = {f"{name}Logs" for name in FUNCTIONS} | {"CallbackApiAccessLogs"}
    kept = {
        name: one["RetentionInDays"]
        for name, one in template.of_type("AWS::Logs::LogGroup").items()
    }
    shorter = synthesize(Settings(log_retention_days=7)).of_type("AWS::Logs::LogGroup")
    assert kept == dict.fromkeys(groups, 90)
    assert {one["RetentionInDays"] for one in shorter.values()} == {7}


def test_where_nothing_is_prepared_nothing_is_there_for_it(synthesize: Synthesize) -> None:
    """No function, no queue, no permission and no output; the runtime takes what it is told."""
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
def test_photos_own_pixels_are_refused_where_nothing_is_prepared(
    synthesize: Synthesize, tmp_path: Path, by: str
) -> None:
    """Prepare alone opens photos: each cut-out would quietly have the model's pixels."""
    recipes = tmp_path / "recipes.toml"
    recipes.write_text('[[recipe]]\nname = "own"\npixels = "source"\n', encoding="utf-8")
    make: dict[str, Callable[[], object]] = {
        "setting": lambda: Settings(prepare=False, pixels="source"),
        "recipe": lambda: synthesize(Settings(prepare=False, recipes=str(recipes))),
    }
    with pytest.raises(SettingError, match="leave out -c prepare=false"):
        make[by]()


def test_submit_is_told_no_role_of_prepares_where_there_is_no_prepare(
    synthesize: Synthesize,
) -> None:
    """Nobody's messages are read as reports alone."""
    told = _environment(synthesize(Settings(prepare=False)), "Submit")
    assert read_settings(SubmitSettings, told).prepare_role_id == ""
