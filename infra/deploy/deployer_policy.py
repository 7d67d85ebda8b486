"""The policy of a role that runs `make deploy` and `make destroy`.

The CDK uses the roles of its bootstrap; the other statements are for the requests of
`infra.deploy`. `python -m infra.deploy policy --stage STAGE` prints it.
"""

from typing import Any, Final

from .aws_account import SECRETS, saved_key_name

_QUALIFIER: Final = "hnb659fds"  # the default of the CDK's bootstrap
BOOTSTRAP_VERSION: Final = f"/cdk-bootstrap/{_QUALIFIER}/version"
"""The parameter that `cdk bootstrap` writes."""
_NAME_PART: Final = 24  # CloudFormation shortens a long stack name in the names of resources


def policy(*, account: str, region: str, stack: str, partition: str = "aws") -> dict[str, Any]:
    """Return the policy document of a role that deploys and destroys one stack.

    It does not allow `cdk bootstrap`, which needs an administrator, once for each region.
    """

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    # CloudFormation names a resource STACK-LOGICALID-RANDOM, and makes a bucket's name lower-case.
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
        # AWS accepts no resource for this action.
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
