"""Functions inside your own VPC, for companies whose rules require it.

From the VPC, the functions must reach, on port 443 and by names that its DNS resolves:

- the provider, and the hosts of its results, through a NAT gateway or another way out;
- S3 and DynamoDB, through gateway endpoints (free) or the same way out;
- SQS, Secrets Manager, STS and EventBridge, through interface endpoints with private DNS, whose
  security groups admit the functions, or the same way out.

Lambda writes logs and metrics, and CloudWatch publishes alarms, outside the VPC. Unlike functions
outside a VPC, these cost money per hour and per gigabyte.
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
"""What the role of a function in a VPC must allow Lambda; AWS accepts no resource for these.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the functions run.

    Attributes:
        vpc: The network.
        subnets: Its subnets; those with a way out if left out.
        security_groups: Their security groups; one that allows outgoing HTTPS only, if left out.
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()

    def groups_in(self, scope: Construct) -> Sequence[ec2.ISecurityGroup]:
        """Return the functions' security groups, and make one if none is given."""
        if self.security_groups:
            return self.security_groups
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
        return [group]
