"""A change of settings replaces no resource that has state."""

from typing import Any

import pytest

from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize

# CloudFormation replaces a resource if one of these changes; the rest it changes in place.
REPLACED_FOR: dict[str, tuple[str, ...]] = {
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema"),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
}

CHANGED = Settings(
    evolink_base_url="https://evolink.example.com",
    evolink_files_url="https://files.example.com",
    model="other-model",
    input_transport="files",
    callbacks=False,
    callback_base_url="https://callbacks.example.com",
    upload_prefix="photos/",
    upload_suffixes=(".jpg",),
    result_prefix="cut-outs/",
    event_bus="ours",
    max_in_flight=9,
    daily_credit_cap=1,
    lease_seconds=60,
    retention_days=30,
    log_retention_days=30,
    submit_concurrency=9,
    store_concurrency=9,
    reserved_concurrency=False,
    kms_key="own",
    alarm_email="ops@example.com",
    permissions_boundary="arn:aws:iam::111122223333:policy/Boundary",
    tags=("team=imaging",),
)


def _what_is_kept(settings: Settings, synthesize: Synthesize) -> dict[str, Any]:
    resources = synthesize(settings).resources
    return {
        name: {key: one["Properties"].get(key) for key in REPLACED_FOR[one["Type"]]}
        for name, one in resources.items()
        if one["Type"] in REPLACED_FOR
    }


def test_no_change_of_settings_replaces_resources_that_hold_data(synthesize: Synthesize) -> None:
    """Buckets, table, secrets, queues, logs and the topic keep their ids."""
    before = _what_is_kept(Settings(), synthesize)
    after = _what_is_kept(CHANGED, synthesize)
    assert len(before) >= 17
    assert after == before


def test_each_stage_has_its_own_secrets(synthesize: Synthesize) -> None:
    """Stages are independent deployments in one account."""
    names = [
        one["Properties"]["Name"]
        for stage in ("test", "prod")
        for one in synthesize(Settings(stage=stage)).resources.values()
        if one["Type"] == "AWS::SecretsManager::Secret"
    ]
    assert len(names) == len(set(names)) == 4


@pytest.mark.parametrize("name", sorted(REPLACED_FOR))
def test_each_type_in_the_table_is_in_the_template(name: str, synthesize: Synthesize) -> None:
    """Each type of the table exists in the template."""
    assert name in {one["Type"] for one in synthesize(Settings()).resources.values()}
