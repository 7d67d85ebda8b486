"""What keeps data: the three buckets, the two tables and the two secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, RemovalPolicy, SecretValue
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cutout.domain.object_keys import KEPT_FOLDER, PREPARED_FOLDER
from cutout.domain.provider import API_KEY_NOT_SET

KEPT: Final = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Outlives the stack, but not a first deployment that failed: the roll-back deletes it."""

_STRING = dynamodb.AttributeType.STRING
_NUMBER = dynamodb.AttributeType.NUMBER


@dataclass(frozen=True, kw_only=True)
class Index:
    """One index of the jobs table; all of them hold keys only."""

    name: str
    partition: str
    sort: str
    sort_type: dynamodb.AttributeType


INDEXES = (
    Index(name="due", partition="due_shard", sort="due_at", sort_type=_NUMBER),
    Index(name="lane", partition="lane", sort="lane_at", sort_type=_NUMBER),
    Index(name="source", partition="source_ref", sort="sequencer", sort_type=_STRING),
    Index(name="state", partition="state", sort="updated_at", sort_type=_NUMBER),
)


def photo_bucket(
    scope: Construct,
    construct_id: str,
    *,
    removal_policy: RemovalPolicy,
    sends_events: bool,
    old_version_days: int,
) -> s3.Bucket:
    """Make a private, versioned, encrypted bucket that answers over TLS only.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        removal_policy: What becomes of it when the stack goes.
        sends_events: Whether EventBridge hears of its objects. Set by the bucket's own property:
            the construct library would deploy a helper function for it.
        old_version_days: How long versions are kept that were overwritten or deleted.
    """
    bucket = _private_bucket(
        scope,
        construct_id,
        removal_policy=removal_policy,
        old_version_days=old_version_days,
        expiring={},
    )
    if sends_events:
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 # what a Bucket is made of
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
    return bucket


def work_bucket(
    scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy, kept_days: int
) -> s3.Bucket:
    """Make the private bucket for what Cutout makes for itself; nobody hears of its objects.

    A bucket of its own, so that buckets of somebody else's can be watched and written to without
    a change to their lifecycle rules.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        removal_policy: What becomes of it when the stack goes.
        kept_days: How long results are kept for use again. Copies of photos are made for one task
            each, and go after a day.
    """
    return _private_bucket(
        scope,
        construct_id,
        removal_policy=removal_policy,
        old_version_days=None,
        expiring={PREPARED_FOLDER: 1, KEPT_FOLDER: kept_days},
    )


def _private_bucket(
    scope: Construct,
    construct_id: str,
    *,
    removal_policy: RemovalPolicy,
    old_version_days: int | None,
    expiring: Mapping[str, int],
) -> s3.Bucket:
    """Make a bucket that deletes objects by prefix, and old versions, after so many days.

    It keeps versions if `old_version_days` says for how long.
    """
    old_versions = s3.LifecycleRule(
        id="old-versions",
        noncurrent_version_expiration=Duration.days(old_version_days or 1),
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
                id="abandoned-uploads", abort_incomplete_multipart_upload_after=Duration.days(7)
            ),
            *([old_versions] if old_version_days is not None else []),
            *(
                s3.LifecycleRule(
                    id=f"old-{prefix.rstrip('/')}", prefix=prefix, expiration=Duration.days(days)
                )
                for prefix, days in expiring.items()
            ),
        ],
    )


def jobs_table(
    scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy
) -> dynamodb.Table:
    """Make the table that holds every job, the gate and the claims on result keys.

    A protected table cannot be deleted by the roll-back of a first deployment either, which would
    end as ROLLBACK_FAILED: it is kept instead, and `infra.deploy` deletes it while it is empty.
    """
    is_kept = removal_policy is not RemovalPolicy.DESTROY
    table = dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name="pk", type=_STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.DEFAULT,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute="expires_at",
        deletion_protection=is_kept,
        removal_policy=RemovalPolicy.RETAIN if is_kept else removal_policy,
    )
    for index in INDEXES:
        table.add_global_secondary_index(
            index_name=index.name,
            partition_key=dynamodb.Attribute(name=index.partition, type=_STRING),
            sort_key=dynamodb.Attribute(name=index.sort, type=index.sort_type),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    return table


def calls_table(scope: Construct, construct_id: str) -> dynamodb.Table:
    """Make the table of the bodies of calls that were not answered yet.

    A body lets its reader read a photo and call back. It is of use for minutes, so the table has
    no backups that would keep it, and goes with the stack.
    """
    return dynamodb.Table(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name="pk", type=_STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.DEFAULT,
        time_to_live_attribute="expires_at",
        removal_policy=RemovalPolicy.DESTROY,
    )


def api_key_secret(
    scope: Construct, construct_id: str, *, name: str, removal_policy: RemovalPolicy
) -> secretsmanager.Secret:
    """Make the place for the provider's API key; it says `not-set` until someone sets it.

    The stack never writes it again: the value in the template stays as it is.
    """
    return secretsmanager.Secret(
        scope,
        construct_id,
        secret_name=name,
        description="The Evolink API key that Cutout uses, as a plain string",
        secret_string_value=SecretValue.unsafe_plain_text(API_KEY_NOT_SET),
        removal_policy=removal_policy,
    )


def signing_key_secret(
    scope: Construct, construct_id: str, *, name: str, removal_policy: RemovalPolicy
) -> secretsmanager.Secret:
    """Make the key that signs callback URLs; nobody ever needs to see it."""
    return secretsmanager.Secret(
        scope,
        construct_id,
        secret_name=name,
        description="Signs the callback URLs of Cutout; the previous version is accepted as well",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=64, exclude_punctuation=True
        ),
        removal_policy=removal_policy,
    )
