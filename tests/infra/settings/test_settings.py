"""Settings: what is accepted, and what is refused at synth."""

import re
from typing import Any

import pytest

from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError

DEFAULTS: dict[str, Any] = {
    "stack": "Cutout",
    "stage": None,
    "evolink_base_url": "https://api.evolink.ai",
    "evolink_files_url": "https://files-api.evolink.ai",
    "model": "mj-v7-remove-bg",
    "input_transport": "presigned",
    "reuse": True,
    "callbacks": True,
    "callback_base_url": None,
    "callback_domain": None,
    "callback_certificate": None,
    "allow_loopback": False,
    "uploads_bucket": None,
    "uploads_kms_key": None,
    "results_kms_key": None,
    "old_version_days": 30,
    "results_bucket": None,
    "upload_prefix": "",
    "upload_suffixes": (),
    "result_prefix": "",
    "error_notes": True,
    "pixels": "model",
    "recipes": None,
    "tag_source": False,
    "delete_with_source": False,
    "event_bus": "default",
    "max_in_flight": 3,
    "daily_credit_cap": 5000,
    "max_bytes": 10_000_000,
    "max_pixels": 50_000_000,
    "min_side": 240,
    "max_side": 7680,
    "prepare": True,
    "prepare_max_bytes": 100_000_000,
    "submit_concurrency": 5,
    "store_concurrency": 5,
    "prepare_concurrency": 5,
    "reserved_concurrency": True,
    "first_poll_seconds": 150,
    "poll_interval_seconds": 300,
    "lease_seconds": 120,
    "unconfirmed_grace_seconds": 1200,
    "job_deadline_seconds": 21_600,
    "retention_days": 90,
    "log_retention_days": 90,
    "alarm_email": None,
    "alarm_topic": None,
    "monitoring": "basic",
    "runbook_url": None,
    "kms_key": None,
    "permissions_boundary": None,
    "tags": (),
    "ephemeral": False,
    "asset_platform": "aws",
}


def _values(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.names()}


def test_every_setting_has_a_default() -> None:
    """These are all settings."""
    assert _values(Settings.from_context({})) == DEFAULTS


def test_command_line_passes_strings() -> None:
    """`-c name=value` gives numbers, flags and addresses as text."""
    context = {
        "max_in_flight": "10",
        "ephemeral": "true",
        "reserved_concurrency": "false",
        "alarm_email": "you@example.com",
        "evolink_base_url": "https://evolink.example.com/api/",
    }
    assert _values(Settings.from_context(context)) == DEFAULTS | {
        "max_in_flight": 10,
        "ephemeral": True,
        "reserved_concurrency": False,
        "alarm_email": "you@example.com",
        "evolink_base_url": "https://evolink.example.com/api",
    }


def test_cdk_json_may_have_typed_values() -> None:
    """Typed values in `cdk.json` are accepted."""
    settings = Settings.from_context({"max_in_flight": 10, "ephemeral": True})
    assert (settings.max_in_flight, settings.ephemeral) == (10, True)


def test_cdks_own_context_is_ignored() -> None:
    """Feature flags, look-ups and what its command line adds are not settings."""
    context = {
        "@aws-cdk/core:checkSecretUsage": True,
        "aws:cdk:enable-path-metadata": True,
        "availability-zones:account=1:region=eu-west-1": ["a"],
        "cli-telemetry": False,
        "cdk-migrate": True,
    }
    assert _values(Settings.from_context(context)) == DEFAULTS


def test_several_values_are_passed_with_commas() -> None:
    """The command line has one string for them; code passes a sequence."""
    passed = Settings.from_context({"upload_suffixes": ".jpg, .png,", "tags": "a=1,b=2"})
    assert (passed.upload_suffixes, passed.tags) == ((".jpg", ".png"), ("a=1", "b=2"))
    assert Settings(upload_suffixes=(".jpg",)).upload_suffixes == (".jpg",)


def test_stage_is_the_end_of_the_stacks_name() -> None:
    """Stages are independent deployments in one account."""
    assert Settings(stage="prod").stack_name == "Cutout-prod"
    assert Settings().stack_name == "Cutout"


def test_empty_address_counts_as_none() -> None:
    """`-c alarm_email=` resets a value of `cdk.json`."""
    settings = Settings.from_context({"alarm_email": "", "callback_base_url": ""})
    assert (settings.alarm_email, settings.callback_base_url) == (None, None)


REFUSED = [
    (
        {"max_in_fligt": "3"},
        "there is no setting max_in_fligt: did you mean max_in_flight?",
    ),
    ({"zzz": "1"}, "there is no setting zzz: infra/README.md lists the settings"),
    (
        {"max_in_flight": "x"},
        "max_in_flight must be a whole number from 1 to 1000, got 'x': pass -c max_in_flight=3",
    ),
    ({"max_in_flight": "0"}, "max_in_flight must be a whole number from 1 to 1000, got '0'"),
    (
        {"retention_days": "24"},
        "retention_days must be a whole number from 25 to 3650, got '24'",
    ),
    ({"max_in_flight": "-1"}, "max_in_flight must be a whole number from 1 to 1000, got '-1'"),
    ({"max_in_flight": "1.5"}, "max_in_flight must be a whole number from 1 to 1000, got '1.5'"),
    ({"max_in_flight": "1_0"}, "max_in_flight must be a whole number from 1 to 1000, got '1_0'"),
    ({"max_in_flight": "٣"}, "max_in_flight must be a whole number from 1 to 1000, got '٣'"),
    ({"max_in_flight": True}, "max_in_flight must be a whole number from 1 to 1000, got True"),
    (
        {"submit_concurrency": "1"},
        "submit_concurrency must be a whole number from 2 to 1000, got '1'",
    ),
    ({"log_retention_days": "91"}, "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90"),
    ({"ephemeral": "yes"}, "ephemeral must be true or false, got 'yes': pass -c ephemeral=true"),
    (
        {"input_transport": "ftp"},
        "input_transport must be presigned or files, got 'ftp': pass -c input_transport=presigned",
    ),
    ({"stack": "1st"}, "stack must be letters, digits and hyphens, a letter first, at most 64"),
    ({"stack": "a/b"}, "stack must be letters, digits and hyphens, a letter first, at most 64"),
    ({"stage": "a/b"}, "stage must be letters, digits and hyphens, at most 31, got 'a/b'"),
    ({"upload_suffixes": ".j*"}, "upload_suffixes must be the ends of keys, with commas between"),
    ({"upload_suffixes": "a,b,c,d,e,f,g,h,i"}, "upload_suffixes must be at most 8, got 9"),
    ({"upload_suffixes": 3}, "upload_suffixes must be the ends of keys, with commas between"),
    ({"uploads_bucket": "Ours"}, "uploads_bucket must be the name of an existing bucket"),
    (
        {"uploads_kms_key": "arn:aws:kms:eu-west-1:1:key/a"},
        "uploads_kms_key is the key of an attached bucket: pass -c uploads_bucket=NAME as well",
    ),
    ({"kms_key": "mine"}, "kms_key must be own, or the ARN of a KMS key, got 'mine'"),
    ({"tags": "team"}, "tags must be name=value pairs, with commas between, got 'team'"),
    (
        {"callback_domain": "callbacks.example.com"},
        "callback_domain and callback_certificate go together",
    ),
    ({"alarm_email": "you"}, "alarm_email must be an e-mail address, got 'you'"),
    ({"upload_prefix": "/in"}, "upload_prefix must be a key prefix without a leading slash"),
    ({"result_prefix": "*"}, "result_prefix must be a key prefix without a leading slash"),
    ({"upload_prefix": "${aws:username}/"}, "upload_prefix must be a key prefix without"),
    (
        {"evolink_base_url": "api.evolink.ai"},
        (
            "evolink_base_url must be an https URL without query or credentials "
            "(http only for loopback), got 'api.evolink.ai': "
            "pass -c evolink_base_url=https://api.evolink.ai"
        ),
    ),
    ({"evolink_base_url": "http://evolink.example.com"}, "evolink_base_url must be an https URL"),
    ({"evolink_base_url": "https://me:secret@host"}, "evolink_base_url must be an https URL"),
    ({"evolink_base_url": "https://host?key=1"}, "evolink_base_url must be an https URL"),
    ({"evolink_base_url": "https://host:port"}, "evolink_base_url must be an https URL"),
    ({"evolink_base_url": "https://"}, "evolink_base_url must be an https URL"),
    ({"evolink_base_url": ""}, "evolink_base_url must be an https URL"),
    (
        {"evolink_base_url": "http://127.0.0.1:8080"},
        (
            "evolink_base_url is plain http (http://127.0.0.1:8080): pass an https URL, "
            "or on a local cloud -c allow_loopback=true -c ephemeral=true"
        ),
    ),
    ({"evolink_files_url": "http://localhost:8080"}, "evolink_files_url is plain http"),
    ({"callback_base_url": "http://[::1]:8080"}, "callback_base_url is plain http"),
    (
        {"allow_loopback": "true"},
        "allow_loopback is for a local cloud that is thrown away: pass -c ephemeral=true as well",
    ),
    # The gate takes back a slot that is held for longer than settings allow a task to be tracked.
    ({"job_deadline_seconds": "86401"}, "a whole number from 60 to 86400"),
    ({"poll_interval_seconds": "86401"}, "a whole number from 1 to 86400"),
    ({"first_poll_seconds": "86401"}, "a whole number from 1 to 86400"),
    (
        {"unconfirmed_grace_seconds": "1801"},
        (
            "unconfirmed_grace_seconds must be at most 1800, got 1801: a repeated request sends "
            "the same photo URL again, which is valid for 3000 s"
        ),
    ),
]


@pytest.mark.parametrize(("context", "message"), REFUSED)
def test_invalid_setting_is_refused(context: dict[str, Any], message: str) -> None:
    """The message names the setting and says what to pass instead."""
    with pytest.raises(SettingError, match=re.escape(message)):
        Settings.from_context(context)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://127.8.0.1", "http://localhost:1", "http://[::1]:8080"],
)
def test_local_cloud_may_use_plain_http_to_its_own_machine(url: str) -> None:
    """With both settings, and to this machine only."""
    settings = Settings(allow_loopback=True, ephemeral=True, evolink_base_url=url)
    assert settings.evolink_base_url == url


def test_local_cloud_may_not_use_plain_http_to_other_machines() -> None:
    """The permission is for this machine, not for any."""
    with pytest.raises(SettingError, match="must be an https URL"):
        Settings(allow_loopback=True, ephemeral=True, evolink_base_url="http://10.0.0.1")


def test_local_cloud_may_use_the_real_api() -> None:
    """With a person's key."""
    settings = Settings(allow_loopback=True, ephemeral=True)
    assert settings.evolink_base_url == "https://api.evolink.ai"


def test_settings_made_in_code_are_checked() -> None:
    """By the same rules as those of the command line."""
    with pytest.raises(SettingError, match="max_in_flight must be a whole number from 1 to 1000"):
        Settings(max_in_flight=0)


def test_longest_grace_time_fits_into_a_photos_link() -> None:
    """It is valid for 50 minutes; 20 of them remain for the provider to fetch the photo."""
    assert Settings(unconfirmed_grace_seconds=1800).unconfirmed_grace_seconds == 1800
