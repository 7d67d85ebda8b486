"""Functions inside your own VPC, for companies whose rules require it.

infra/README.md says in "Your own network" what they must reach from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

INTERFACE_ACTIONS: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What the role of a function in a VPC must allow Lambda; AWS accepts no resource for these.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the functions run.

    If left out, the subnets are those with a way out, and a security group allows HTTPS out only.
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()

    def with_groups(self, scope: Construct) -> Self:
        """Return the network with security groups; one is made if none is given."""
        if self.security_groups:
            return self
        group = ec2.SecurityGroup(
            scope,
            "HttpsOnly",
            vpc=self.vpc,
            description="Functions of Cutout: HTTPS out and nothing in",
            # Everything else is refused, DNS excepted, which no security group sees.
            allow_all_outbound=False,
        )
        group.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "The provider and AWS, over HTTPS"
        )
        return replace(self, security_groups=[group])
