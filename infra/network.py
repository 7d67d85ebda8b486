"""Functions inside a network of one's own: only where a rule of the house asks for it.

The provider and AWS's own services are then reached through that network: it needs a NAT gateway
(or another way out) for the provider, and saves traffic with endpoints for S3 and DynamoDB. It
costs per hour and per gigabyte what a public function does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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
