"""What the tests about the construct in somebody else's stack share."""

from collections.abc import Callable

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.constructs.cutout import Cutout
from tests.infra.reading import Reading

Make = Callable[..., Cutout]
"""Puts a construct with some properties into that stack."""


def read(stack: Stack) -> Reading:
    """Return the stack's template, as people read it."""
    return Reading({"Outputs": {}, **Template.from_stack(stack).to_json()})


def late(cutout: Cutout) -> None:
    """Add, under the construct, what was not there when it was made."""
    sqs.Queue(cutout, "LateQueue", enforce_ssl=True)
    iam.Role(cutout, "LateRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
