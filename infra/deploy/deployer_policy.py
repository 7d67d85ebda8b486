"""What the role that runs `make deploy` and `make destroy` must be allowed to do.

The CDK works through the roles of its bootstrap; the rest is what `infra.deploy` asks of AWS
itself. `python -m infra.deploy policy --stage STAGE` prints it as a policy document.
"""

from typing import Any, Final

from .aws_account import SECRETS, saved_key_name

_QUALIFIER: Final = "hnb659fds"
"""Of the CDK's bootstrap, by default."""
BOOTSTRAP_VERSION: Final = f"/cdk-bootstrap/{_QUALIFIER}/version"
"""The parameter that `cdk bootstrap` leaves."""
_NAME_PART: Final = 24
"""CloudFormation cuts a long stack name where it names a resource after it."""


def policy(*, account: str, region: str, stack: str, partition: str = "aws") -> dict[str, Any]:
    """Return the policy document of a role that deploys and destroys one stack.

    The account is bootstrapped for the CDK already: that takes an administrator, once a region.
    """

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    named = f"{stack[:_NAME_PART]}*"
    secrets = [f"{stack}/{name}" for name in SECRETS] + [saved_key_name(stack)]
    buckets = f"arn:{partition}:s3:::{named.lower()}"
    statements = {
        "DeployThroughTheCdk": (
            ["sts:AssumeRole"],
            [f"arn:{partition}:iam::{account}:role/cdk-{_QUALIFIER}-*-{account}-{region}"],
        ),
        "FindTheBootstrap": (["ssm:GetParameter"], [arn("ssm", f"parameter{BOOTSTRAP_VERSION}")]),
        "ReadTheStack": (
            [
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackResources",
            ],
            [arn("cloudformation", f"stack/{stack}/*")],
        ),
        # An action on the account, which no resource narrows.
        "ReadTheConcurrencyOfTheAccount": (["lambda:GetAccountSettings"], ["*"]),
        "ReadTheConcurrencyOfFunctions": (
            ["lambda:GetFunctionConcurrency"],
            [arn("lambda", f"function:{named}")],
        ),
        "KeepTheApiKey": (
            [
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
            ],
            [arn("secretsmanager", f"secret:{name}*") for name in secrets],
        ),
        "DeleteTheTableOfAFailedDeployment": (
            ["dynamodb:DeleteTable", "dynamodb:Scan", "dynamodb:UpdateTable"],
            [arn("dynamodb", f"table/{named}")],
        ),
        "EmptyEphemeralBuckets": (["s3:ListBucketVersions"], [buckets]),
        "EmptyEphemeralBucketsOfObjects": (
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            [f"{buckets}/*"],
        ),
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
            for sid, (actions, resources) in statements.items()
        ],
    }
