"""Functions inside a network of one's own: only where a rule of the house asks for it.

What the network must offer is what functions connect to, all of it on port 443, by names that its
DNS resolves:

- the provider, and wherever the provider's results lie, by a NAT gateway or another way out;
- S3 and DynamoDB, by gateway endpoints (free) or the same way out;
- SQS, Secrets Manager, STS and EventBridge, by interface endpoints with private DNS, whose security
  groups let the functions in, or the same way out.

Logs and metrics are written by Lambda itself, and alarms published by CloudWatch: they need nothing
of the network. It costs per hour and per gigabyte what a public function does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

GATEWAY_SERVICES: Final = ("dynamodb", "s3")
INTERFACE_SERVICES: Final = ("events", "secretsmanager", "sqs", "sts")
"""What functions call, by the names that endpoints are called after."""

INTERFACE_ACTIONS: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda asks of the role of a function in a network; none of it can be narrowed.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the functions run.

    Attributes:
        vpc: The network.
        subnets: Which of its subnets; those with a way out, if left out.
        security_groups: What limits their traffic; one that lets out HTTPS alone, if left out.
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()

    def groups_in(self, scope: Construct) -> Sequence[ec2.ISecurityGroup]:
        """Return the security groups of the functions, and make one if none is given."""
        if self.security_groups:
            return self.security_groups
        group = ec2.SecurityGroup(
            scope,
            "HttpsOnly",
            vpc=self.vpc,
            description="Functions of Cutout: HTTPS out and nothing in",
            allow_all_outbound=False,
        )
        group.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "The provider and AWS, over HTTPS"
        )
        return [group]
