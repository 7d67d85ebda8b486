"""Buckets, tables and secrets."""

from typing import Any

import pytest

from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize, TemplateView, refuses_plain_http

KEPT = ("Uploads", "Results", "Work", "Jobs", "ApiKey", "SigningKey")


@pytest.mark.parametrize("bucket", ["Uploads", "Results"])
def test_bucket_is_private_encrypted_and_has_versioning(
    template: TemplateView, bucket: str
) -> None:
    """Only the account reads photos, and an overwritten photo is still there."""
    properties = template.properties(bucket)
    assert {name: properties[name] for name in properties if not _is_of_one(name)} == {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "abandoned-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {
                    "Id": "old-versions",
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "ExpiredObjectDeleteMarker": True,
                },
            ]
        },
    }


def test_old_versions_are_kept_for_the_set_time(synthesize: Synthesize) -> None:
    """Otherwise a deleted photo would be stored, and paid for, for ever."""
    reading = synthesize(Settings(old_version_days=7))
    kept = [
        rule["NoncurrentVersionExpiration"]
        for bucket in ("Uploads", "Results")
        for rule in reading.properties(bucket)["LifecycleConfiguration"]["Rules"]
        if rule["Id"] == "old-versions"
    ]
    assert kept == [{"NoncurrentDays": 7}] * 2


def test_copies_and_cached_results_expire(synthesize: Synthesize) -> None:
    """Copies of photos after a day, cached results with the jobs; there are no old versions."""
    work = synthesize(Settings(retention_days=30)).properties("Work")
    rules = work["LifecycleConfiguration"]["Rules"]
    assert "VersioningConfiguration" not in work
    assert {one["Prefix"]: one["ExpirationInDays"] for one in rules if "Prefix" in one} == {
        "prepared/": 1,
        "kept/": 30,
    }


def test_work_bucket_is_as_private_as_the_others(template: TemplateView) -> None:
    """It holds photos as well."""
    alike = ("PublicAccessBlockConfiguration", "OwnershipControls", "BucketEncryption")
    work, uploads = template.properties("Work"), template.properties("Uploads")
    assert {name: work[name] for name in alike} == {name: uploads[name] for name in alike}


def _is_of_one(name: str) -> bool:
    return name in {"NotificationConfiguration", "Tags"}


@pytest.mark.parametrize("bucket", ["Uploads", "Results", "Work"])
def test_bucket_answers_over_tls_only(template: TemplateView, bucket: str) -> None:
    """Plain HTTP is refused, and so is TLS older than 1.2."""
    statements = template.statements_about("AWS::S3::BucketPolicy", f"<{bucket}>")
    conditions = [one["Condition"] for one in statements if one["Effect"] == "Deny"]
    assert refuses_plain_http(statements)
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions
    assert [one for one in statements if one["Effect"] == "Allow"] == []


def test_only_the_uploads_bucket_sends_events(template: TemplateView) -> None:
    """By the bucket's own property."""
    heard = {
        bucket: template.properties(bucket).get("NotificationConfiguration")
        for bucket in ("Uploads", "Results", "Work")
    }
    assert heard == {
        "Uploads": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "Results": None,
        "Work": None,
    }


def _index(name: str, partition: str, sort: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def test_table_has_four_indexes(template: TemplateView) -> None:
    """By due time, lane, photo and state; an index holds keys only."""
    table = template.properties("Jobs")
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table["GlobalSecondaryIndexes"] == [
        _index("due", "due_shard", "due_at"),
        _index("lane", "lane", "lane_at"),
        _index("source", "source_ref", "sequencer"),
        _index("state", "state", "updated_at"),
    ]
    assert {name for name, kind in types.items() if kind == "N"} == {
        "due_at",
        "lane_at",
        "updated_at",
    }


def test_table_is_on_demand_and_can_be_restored(template: TemplateView) -> None:
    """On demand, recoverable to any second, ended jobs expire, and it cannot be deleted."""
    table = template.properties("Jobs")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["DeletionProtectionEnabled"] is True


def test_table_of_calls_has_no_backup_and_is_deleted_with_the_stack(template: TemplateView) -> None:
    """A body gives access to a photo."""
    table = template.properties("Calls")
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert not table.keys() & {
        "PointInTimeRecoverySpecification",
        "GlobalSecondaryIndexes",
        "DeletionProtectionEnabled",
        "StreamSpecification",
    }


def test_signing_key_is_random_and_the_api_key_is_a_placeholder(template: TemplateView) -> None:
    """A person replaces the placeholder."""
    signing, api = template.properties("SigningKey"), template.properties("ApiKey")
    assert signing["Name"] == "Cutout/callback-signing-key"
    assert signing["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert api["Name"] == "Cutout/evolink-api-key"
    assert api["SecretString"] == "not-set"


@pytest.mark.parametrize("name", KEPT)
def test_photos_jobs_and_keys_are_kept_when_the_stack_is_deleted(
    template: TemplateView, name: str
) -> None:
    """Deleting the stack, or a change that replaces one of these, deletes none of them.

    The roll-back of a first deployment does, but for the table, which is protected from deletion.
    """
    resource = template.resources[name]
    policy = "Retain" if name == "Jobs" else "RetainExceptOnCreate"
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, "Retain")


@pytest.mark.parametrize("name", KEPT)
def test_ephemeral_resources_are_deleted_with_the_stack(ephemeral: TemplateView, name: str) -> None:
    """Only in an ephemeral deployment."""
    resource = ephemeral.resources[name]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_ephemeral_table_may_be_deleted(ephemeral: TemplateView) -> None:
    """Deletion protection would make the stack undeletable."""
    assert ephemeral.properties("Jobs")["DeletionProtectionEnabled"] is False


def test_no_other_resource_is_kept(template: TemplateView) -> None:
    """Those hold no photo, job or key."""
    kept = {
        name
        for name, one in template.resources.items()
        if one.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == set(KEPT)
