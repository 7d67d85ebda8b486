"""Helpers of tests about the construct in an embedding stack."""

from collections.abc import Callable

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.constructs.cutout import Cutout
from tests.infra.template_view import TemplateView

Make = Callable[..., Cutout]
"""Puts a construct with some properties into that stack."""


def read(stack: Stack) -> TemplateView:
    """Return a view of the stack's template."""
    return TemplateView({"Outputs": {}, **Template.from_stack(stack).to_json()})


def late(cutout: Cutout) -> None:
    """Add resources under the construct after it was made."""
    sqs.Queue(cutout, "LateQueue", enforce_ssl=True)
    iam.Role(cutout, "LateRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
