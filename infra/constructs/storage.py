"""The three buckets, the two tables and the two secrets."""

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, SecretValue
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cutout.domain.job.table_indexes import INDEXES
from cutout.domain.provider_outcomes import API_KEY_NOT_SET

KEPT: Final = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Kept when the stack is deleted, but not when a first deployment fails and is rolled back."""

_STRING = dynamodb.AttributeType.STRING
_TYPES: Final = {"N": dynamodb.AttributeType.NUMBER, "S": _STRING}


def private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    removal_policy: RemovalPolicy,
    old_version_days: int | None = None,
    expiring: Mapping[str, int] | None = None,
) -> s3.Bucket:
    """Make a private, encrypted bucket that answers over TLS only.

    It keeps versions that were overwritten or deleted for `old_version_days`; None makes a bucket
    without versions. `expiring` says by prefix after how many days objects are deleted.
    """
    old_versions = s3.LifecycleRule(
        id="old-versions",
        noncurrent_version_expiration=Duration.days(old_version_days or 1),
        # When its last old version is gone, a delete marker is of no use.
        expired_object_delete_marker=True,
    )
    return s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=old_version_days is not None,
        removal_policy=removal_policy,
        lifecycle_rules=[
            s3.LifecycleRule(
                # Parts of uploads that were not finished are in no listing, and cost as objects do.
                id="abandoned-uploads",
                abort_incomplete_multipart_upload_after=Duration.days(7),
            ),
            *([old_versions] if old_version_days is not None else []),
            *(
                s3.LifecycleRule(
                    id=f"old-{prefix.rstrip('/')}", prefix=prefix, expiration=Duration.days(days)
                )
                for prefix, days in (expiring or {}).items()
            ),
        ],
    )


def send_events(bucket: s3.Bucket) -> s3.Bucket:
    """Have the bucket send the events of its objects to EventBridge."""
    # The construct library's own switch would deploy a helper function to set this property.
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 # what a Bucket is made of
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )
    return bucket


def jobs_table(scope: Construct, removal_policy: RemovalPolicy) -> dynamodb.Table:
    """Make the table of the jobs, the gate and the claims on result keys."""
    is_kept = removal_policy is not RemovalPolicy.DESTROY
    table = _table(
        scope,
        "Jobs",
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        deletion_protection=is_kept,
        # Not KEPT: the roll-back of a failed first deployment cannot delete a protected table and
        # would end as ROLLBACK_FAILED. `infra.deploy` deletes what is left, if it is empty.
        removal_policy=RemovalPolicy.RETAIN if is_kept else removal_policy,
    )
    for name, (partition, sort, letter) in INDEXES.items():
        table.add_global_secondary_index(
            index_name=name,
            partition_key=dynamodb.Attribute(name=partition, type=_STRING),
            sort_key=dynamodb.Attribute(name=sort, type=_TYPES[letter]),
            # A job is read again before it is changed; a copy of it in each index would make every
            # write of a job several times as expensive.
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    return table


def calls_table(scope: Construct) -> dynamodb.Table:
    """Make the table of the bodies of calls."""
    # A body gives access to a photo and to its callback. It is of use for minutes, so the table has
    # no backups, and is deleted with the stack.
    return _table(scope, "Calls", removal_policy=RemovalPolicy.DESTROY)


def _table(scope: Construct, construct_id: str, **properties: Any) -> dynamodb.Table:  # noqa: ANN401 # the table's own
    return dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name="pk", type=_STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.DEFAULT,
        time_to_live_attribute="expires_at",
        **properties,
    )


def api_key_secret(
    scope: Construct, name: str, removal_policy: RemovalPolicy
) -> secretsmanager.Secret:
    """Make the secret for the provider's API key, which a person sets."""
    return secretsmanager.Secret(
        scope,
        "ApiKey",
        secret_name=name,
        description="The Evolink API key that Cutout uses, as a plain string",
        # The value in the template never changes, so later deployments do not overwrite the key.
        secret_string_value=SecretValue.unsafe_plain_text(API_KEY_NOT_SET),
        removal_policy=removal_policy,
    )


def signing_key_secret(
    scope: Construct, name: str, removal_policy: RemovalPolicy
) -> secretsmanager.Secret:
    """Make the key that signs callback URLs; no person needs to see it."""
    return secretsmanager.Secret(
        scope,
        "SigningKey",
        secret_name=name,
        description="Signs the callback URLs of Cutout; the previous version is accepted as well",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=64, exclude_punctuation=True
        ),
        removal_policy=removal_policy,
    )
