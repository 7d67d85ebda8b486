"""A second stage in the account: deployed, destroyed, deployed again, destroyed for good."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.job.job import Job
from tests.e2e.deployed import Deployed
from tests.e2e.deploying import Checkout, Ran, exists, on_the_local_cloud, stack_of
from tests.e2e.photos import Photos
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn
from tests.support.whole_table import WholeTable

STAGE = "shop"
REGION = "eu-west-1"
STACK = f"Cutout-{STAGE}"
KEY = "stages/same-key.jpg"
_RESULT_KEY = "stages/same-key.png"
_ITS_NUMBER = 401
_OUT_OF_REACH = "https://127.0.0.1:9"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The resources of a stack, or what is left of them.

    Attributes:
        is_there: Whether CloudFormation knows the stack.
        photo: What stands at the key in its uploads bucket; None without the bucket.
        rows: The ids of the jobs in its table; None without the table.
        api_key: The API key in its secret; None without the secret.
        has_signing_key: Whether its other secret is there.
    """

    is_there: bool
    photo: bytes | None
    rows: tuple[str, ...] | None
    api_key: str | None
    has_signing_key: bool


@dataclass(frozen=True, kw_only=True)
class Stages:
    """What was seen, in this order.

    Attributes:
        deployed: The stage, which keeps its data, with a photo that cannot be sent anywhere.
        destroyed: What is left of it.
        again: What a deployment of the same name said.
        completed: The photo's job in the stage that was deployed in its place; that one has a
            customer's key and goes for good.
        charges: How often the photo was paid for there.
        key: The ARN of that key.
        encrypted_with: The key that each resource that keeps data says it has, by logical id.
        stored_with: The key that the upload and the cut-out say they have.
        gone: What is left of that one.
        left: The first photo, which was kept, at the very end.
        neighbour: The stack beside them, with a photo under the same key, before and after.
    """

    deployed: Kept
    destroyed: Kept
    again: Ran
    completed: Job
    charges: int
    key: str
    encrypted_with: Mapping[str, str | None]
    stored_with: tuple[str | None, str | None]
    gone: Kept
    left: bytes
    neighbour: tuple[Kept, Kept]


@dataclass(frozen=True, kw_only=True)
class Story:
    """The story; `tell` is all that there is to call.

    Attributes:
        cloud: The stack beside the stage.
        checkout: What is deployed, with nothing but a profile.
        profile: Its name.
        deployer: The profile of a role that may deploy this stack and nothing else; it acts once
            the account is bootstrapped.
    """

    cloud: Deployed
    checkout: Checkout
    profile: str
    deployer: str

    def tell(self) -> Stages:
        """Deploy, destroy, deploy again, destroy with all data."""
        beside = _photos(self.cloud)
        beside.settled(beside.put(KEY, small_photo(_ITS_NUMBER)))
        neighbour = _kept(self.cloud)
        first = self._deploy_to_keep()
        deployed = _kept(first)
        self._forget_what_was_synthesized()
        self.checkout.must("destroy", "--yes", *self._who())
        destroyed = _kept(first)
        again = self.checkout.run("deploy", *self._who(self.deployer))
        second, completed = self._deploy_in_its_place()
        key = _arn_of_key(second)
        seen = _keys(second)
        stored = _keys_of_objects(second)
        charges = _stand_in(second).charges(KEY)
        self.checkout.must("destroy", "--yes", *self._who(self.deployer), *self._passing())
        return Stages(
            deployed=deployed,
            destroyed=destroyed,
            again=again,
            completed=completed,
            charges=charges,
            key=key,
            encrypted_with=seen,
            stored_with=stored,
            gone=_kept(second),
            left=_object(first, first.cloud.outputs["UploadsBucketName"]) or b"",
            neighbour=(neighbour, _kept(self.cloud)),
        )

    def _forget_what_was_synthesized(self) -> None:
        """Return the sources as in another clone than the one that deployed."""
        shutil.rmtree(self.cloud.place.source / ".cutout" / "cdk" / STACK)

    def _who(self, profile: str | None = None) -> tuple[str, ...]:
        return ("--stage", STAGE, "--profile", profile or self.profile, "--region", REGION)

    def _passing(self) -> list[str]:
        return on_the_local_cloud(self.cloud, kms_key="own", min_side="1")

    def _deploy_to_keep(self) -> Deployed:
        """Deploy as on AWS; the provider cannot be reached, so that the photo stays queued."""
        settings = (
            *("-c", "asset_platform=local", "-c", "min_side=1"),
            *(
                "-c",
                f"evolink_base_url={_OUT_OF_REACH}",
                "-c",
                f"evolink_files_url={_OUT_OF_REACH}",
            ),
        )
        self.checkout.must("deploy", *self._who(), *settings, key=self.cloud.cloud.api.key)
        stack = stack_of(self.cloud, STACK, REGION)
        photos = _photos(stack)
        upload = photos.put(KEY, small_photo(_ITS_NUMBER))
        photos.reached(upload, lambda job: bool(job.attempts), "to be tried")
        return stack

    def _deploy_in_its_place(self) -> tuple[Deployed, Job]:
        """Deploy under the same name, with the kept key."""
        who = self._who(self.deployer)
        self.checkout.must("deploy", "--replace-secrets", *who, *self._passing())
        stack = stack_of(self.cloud, STACK, REGION)
        photos = _photos(stack)
        return stack, photos.settled(photos.put(KEY, small_photo(_ITS_NUMBER)))


def _photos(stack: Deployed) -> Photos:
    return Photos(stack, _jobs(stack))


def _jobs(stack: Deployed) -> WholeTable:
    return WholeTable(Table(stack.client("dynamodb"), stack.cloud.outputs["JobsTableName"]))


def _stand_in(stack: Deployed) -> StandIn:
    return StandIn(
        url=stack.evolink_url,
        token=stack.cloud.api.control_token,
        bucket=stack.cloud.outputs["UploadsBucketName"],
    )


def _kept(stack: Deployed) -> Kept:
    """Find all resources by the names that the stack had."""
    outputs = stack.cloud.outputs
    secrets, table = stack.client("secretsmanager"), outputs["JobsTableName"]
    api_key = {"SecretId": outputs["ApiKeySecretName"]}
    has_key = exists(secrets.describe_secret, **api_key)
    has_table = exists(stack.client("dynamodb").describe_table, TableName=table)
    rows = _jobs(stack).of_source(outputs["UploadsBucketName"], KEY, 10) if has_table else ()
    return Kept(
        is_there=exists(stack.client("cloudformation").describe_stacks, StackName=stack.stack),
        photo=_object(stack, outputs["UploadsBucketName"]),
        rows=tuple(job.id for job in rows) if has_table else None,
        api_key=secrets.get_secret_value(**api_key)["SecretString"] if has_key else None,
        has_signing_key=exists(secrets.describe_secret, SecretId=stack.signing_key_name),
    )


def _object(stack: Deployed, bucket: str) -> bytes | None:
    s3 = stack.client("s3")
    if not exists(s3.head_bucket, Bucket=bucket):
        return None
    return bytes(s3.get_object(Bucket=bucket, Key=KEY)["Body"].read())


def _arn_of_key(stack: Deployed) -> str:
    key = stack.resource("AWS::KMS::Key", "Key")
    return str(stack.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"])


def _keys_of_objects(stack: Deployed) -> tuple[str | None, str | None]:
    s3, outputs = stack.client("s3"), stack.cloud.outputs
    upload = s3.head_object(Bucket=outputs["UploadsBucketName"], Key=KEY)
    result = s3.head_object(Bucket=outputs["ResultsBucketName"], Key=_RESULT_KEY)
    return upload.get("SSEKMSKeyId"), result.get("SSEKMSKeyId")


def _keys(stack: Deployed) -> dict[str, str | None]:
    """Ask each service which key encrypts the stack's resources."""
    asks = {
        "AWS::S3::Bucket": _key_of_bucket,
        "AWS::SQS::Queue": _key_of_queue,
        "AWS::DynamoDB::Table": _key_of_table,
        "AWS::SecretsManager::Secret": _key_of_secret,
        "AWS::Logs::LogGroup": _key_of_log_group,
        "AWS::SNS::Topic": _key_of_topic,
    }
    return {
        name: asks[kind](stack, physical_id)
        for name, physical_id in stack.resources.items()
        if (kind := name.rpartition("/")[0]) in asks
    }


def _key_of_bucket(stack: Deployed, name: str) -> str | None:
    answer = stack.client("s3").get_bucket_encryption(Bucket=name)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return _text(rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"))


def _key_of_queue(stack: Deployed, url: str) -> str | None:
    sqs = stack.client("sqs")
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"])
    return _text(answer.get("Attributes", {}).get("KmsMasterKeyId"))


def _key_of_table(stack: Deployed, name: str) -> str | None:
    table = stack.client("dynamodb").describe_table(TableName=name)["Table"]
    return _text(table.get("SSEDescription", {}).get("KMSMasterKeyArn"))


def _key_of_secret(stack: Deployed, name: str) -> str | None:
    return _text(stack.client("secretsmanager").describe_secret(SecretId=name).get("KmsKeyId"))


def _key_of_log_group(stack: Deployed, name: str) -> str | None:
    found = stack.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (group,) = (one for one in found if one["logGroupName"] == name)
    return _text(group.get("kmsKeyId"))


def _key_of_topic(stack: Deployed, arn: str) -> str | None:
    attributes = stack.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return _text(attributes.get("KmsMasterKeyId"))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
