"""What an embedding stack can pass to the construct."""

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.constructs.callback_api import CallbackDomain
from infra.deployed_functions import SHAPES, FunctionName
from infra.settings.settings import Settings
from tests.infra.embedding_stack import Make, late, read
from tests.infra.static_checks import network_in
from tests.support.pages import section

CERTIFICATE_ARN = (
    "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
)
BOUNDARY_ARN = "arn:aws:iam::111122223333:policy/Boundary"
FUNCTIONS = {name.value for name in FunctionName}


def test_every_role_has_the_boundary_and_every_resource_the_tags(stack: Stack, make: Make) -> None:
    """Also resources that are added later."""
    boundary = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", BOUNDARY_ARN)
    late(make(permissions_boundary=boundary, tags={"team": "imaging"}))
    reading = read(stack)
    roles = reading.of_type("AWS::IAM::Role")
    untagged = {
        one["Type"]
        for one in reading.resources.values()
        if "imaging" not in json.dumps(one.get("Properties", {}).get("Tags", []))
    }
    assert {one.get("PermissionsBoundary") for one in roles.values()} == {BOUNDARY_ARN}
    assert len(roles) >= 7
    assert untagged <= TAKES_NO_TAGS


TAKES_NO_TAGS = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::IAM::Policy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [(RemovalPolicy.DESTROY, "Delete"), (RemovalPolicy.RETAIN, "Retain")],
)
def test_embedding_stack_chooses_the_removal_policy(
    stack: Stack, make: Make, chosen: RemovalPolicy, expected: str
) -> None:
    """The property overrides the settings of ephemeral deployments."""
    make(removal_policy=chosen, settings=Settings(ephemeral=chosen != RemovalPolicy.DESTROY))
    reading = read(stack)
    kept = ("Uploads", "Results", "Jobs", "ApiKey", "SigningKey")
    assert {reading.resources[name]["DeletionPolicy"] for name in kept} == {expected}


def test_functions_in_a_vpc_may_only_send_https(stack: Stack, make: Make) -> None:
    """All of them; each role may handle network interfaces."""
    make(network=network_in(stack))
    reading = read(stack)
    functions = reading.of_type("AWS::Lambda::Function")
    [group] = reading.of_type("AWS::EC2::SecurityGroup").values()
    assert {json.dumps(one.get("VpcConfig")) for one in functions.values()} == {
        json.dumps(
            {
                "SecurityGroupIds": ["<HttpsOnly.GroupId>"],
                "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            }
        )
    }
    assert [(one["IpProtocol"], one["ToPort"]) for one in group["SecurityGroupEgress"]] == [
        ("tcp", 443)
    ]
    wide = {
        name: {action for action, resource in reading.granted(f"{name}Role") if resource == "*"}
        for name in FUNCTIONS
    }
    assert {len(one) for one in wide.values()} == {6}
    assert {action.partition(":")[0] for one in wide.values() for action in one} == {"ec2"}


def test_code_of_the_functions_may_not_manage_network_interfaces(stack: Stack, make: Make) -> None:
    """Otherwise compromised code could create and delete network interfaces of the account."""
    make(network=network_in(stack))
    reading = read(stack)
    for name in FUNCTIONS:
        [statement] = reading.properties(f"{name}LambdaAlone")["PolicyDocument"]["Statement"]
        allowed = {it for it, resource in reading.granted(f"{name}Role") if resource == "*"}
        assert reading.properties(f"{name}LambdaAlone")["Roles"] == [f"<{name}Role>"]
        assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
        assert set(statement["Action"]) == allowed
        assert statement["Condition"] == {
            "ArnEquals": {"lambda:SourceFunctionArn": f"<{name}Function.Arn>"}
        }


def test_given_security_groups_replace_the_default_one(stack: Stack, make: Make) -> None:
    """For networks with their own rules."""
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    make(network=replace(network_in(stack), security_groups=[group]))
    reading = read(stack)
    used = [one["VpcConfig"] for one in reading.of_type("AWS::Lambda::Function").values()]
    assert reading.of_type("AWS::EC2::SecurityGroup") == {}
    assert {tuple(one["SecurityGroupIds"]) for one in used} == {("sg-0123456789abcdef0",)}


def test_document_lists_the_endpoints_that_functions_need() -> None:
    """One for each service that a function has a client of."""
    called = {service for shape in SHAPES.values() for service in shape.aws_services}
    told = section("infra/README.md", "Your own network")
    assert called == {"dynamodb", "events", "s3", "secretsmanager", "sqs", "sts"}
    assert [one for one in called if f"`{one}`" not in told] == []


def test_callbacks_can_have_their_own_host_name(stack: Stack, make: Make) -> None:
    """The API's own address is switched off, and the name leads to the API."""
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
    )
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    domain = CallbackDomain(name="callbacks.example.com", certificate=certificate, zone=zone)
    cutout = make(callback_domain=domain)
    reading = read(stack)
    [api] = reading.of_type("AWS::ApiGatewayV2::Api").values()
    [mapping] = reading.of_type("AWS::ApiGatewayV2::ApiMapping").values()
    [record] = reading.of_type("AWS::Route53::RecordSet").values()
    submit = reading.properties("SubmitFunction")["Environment"]["Variables"]
    assert cutout.callback_url == "https://callbacks.example.com"
    assert submit["CUTOUT_CALLBACK_URL"] == cutout.callback_url
    assert api["DisableExecuteApiEndpoint"] is True
    assert mapping["Stage"] == "$default"
    assert record["Name"] == "callbacks.example.com."


def test_alarms_can_use_an_existing_topic(stack: Stack, make: Make) -> None:
    """No topic is made then, and every alarm notifies that one."""
    make(alarm_topic=sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:here:mine:pager"))
    reading = read(stack)
    told = {
        tuple(one["AlarmActions"]) for one in reading.of_type("AWS::CloudWatch::Alarm").values()
    }
    assert reading.of_type("AWS::SNS::Topic") == {}
    assert told == {("arn:aws:sns:here:mine:pager",)}


def test_events_can_go_to_another_bus(stack: Stack, make: Make) -> None:
    """The functions may put events on that bus and no other."""
    make(event_bus=events.EventBus(stack, "Ours"))
    reading = read(stack)
    granted = {
        resource for action, resource in reading.granted("SubmitRole") if "events:" in action
    }
    environment = reading.properties("SubmitFunction")["Environment"]["Variables"]
    assert environment["CUTOUT_EVENT_BUS"] == "<Ours.Arn>"
    assert granted == {"<Ours.Arn>"}


def test_existing_bucket_keeps_its_notifications(stack: Stack, make: Make) -> None:
    """It is attached by a rule; nothing of the bucket itself is set, and no helper is deployed."""
    make(uploads_bucket=s3.Bucket.from_bucket_name(stack, "Photos", "photos"))
    reading = read(stack)
    assert [one for one in reading.types() if "Custom" in one] == []
    assert set(reading.of_type("AWS::S3::Bucket")) == {"Results", "Work"}


@pytest.mark.parametrize(
    ("prefix", "suffixes", "keys"),
    [
        ("in/", (), [{"prefix": "in/"}]),
        ("", (".jpg",), [{"suffix": {"equals-ignore-case": ".jpg"}}]),
        ("in/", (".Jpg",), [{"wildcard": "in/*.jpg"}, {"wildcard": "in/*.JPG"}]),
        ("a\\b/", ("_1",), [{"wildcard": "a\\\\b/*_1"}]),
    ],
)
def test_only_keys_with_prefix_and_suffix_send_events(
    stack: Stack, make: Make, prefix: str, suffixes: tuple[str, ...], keys: list[Any]
) -> None:
    """Other objects of the bucket cost no message."""
    make(settings=Settings(upload_prefix=prefix, upload_suffixes=suffixes))
    [rule] = read(stack).of_type("AWS::Events::Rule").values()
    assert rule["EventPattern"]["detail"]["object"] == {"key": keys}
