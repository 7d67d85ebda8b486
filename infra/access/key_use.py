"""What a role must be allowed to do with KMS keys, so that services can use the keys for it."""

from collections.abc import Iterable, Sequence
from typing import Final

from aws_cdk import aws_iam as iam

READ: Final = ("kms:Decrypt",)
READ_AND_WRITE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
ALL_USES: Final = (
    *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
)


def key_statements(
    keys: Iterable[str], actions: Iterable[str], region: str
) -> Sequence[iam.PolicyStatement]:
    """Return the statements that a role with these actions needs on the keys of the data.

    There is one for each set of key actions; none without keys, or where no action touches
    encrypted data.
    """
    resources = sorted(set(keys))
    if not resources:
        return []
    allowed = set(actions)
    by_service = {
        # DynamoDB uses the caller's permissions to manage the key of the table.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        "dynamodb": ALL_USES,
        "s3": READ_AND_WRITE if "s3:PutObject" in allowed else READ,
        "secretsmanager": READ,
        "sqs": READ_AND_WRITE if "sqs:SendMessage" in allowed else READ,
    }
    services = sorted({one.partition(":")[0] for one in allowed} & set(by_service))
    endpoints: dict[tuple[str, ...], list[str]] = {}
    for service in services:
        endpoints.setdefault(by_service[service], []).append(f"{service}.{region}.amazonaws.com")
    return [
        iam.PolicyStatement(
            actions=list(uses),
            resources=resources,
            # Through the service only: the role itself cannot decrypt anything with the key.
            conditions={"StringEquals": {"kms:ViaService": through}},
        )
        for uses, through in endpoints.items()
    ]
