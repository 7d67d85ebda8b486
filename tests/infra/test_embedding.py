"""The construct in somebody else's stack: what it takes, and what it gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.callback_api import CallbackDomain
from infra.cutout import Cutout
from infra.inventory import Asset, FunctionName
from infra.network import Network
from infra.rules import SettingError
from infra.settings import Settings
from tests.infra.reading import Reading, many

KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CERTIFICATE_ARN = (
    "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
)
BOUNDARY_ARN = "arn:aws:iam::111122223333:policy/Boundary"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
FUNCTIONS = {name.value for name in FunctionName}

Make = Callable[..., Cutout]


@pytest.fixture
def stack(feature_flags: dict[str, Any]) -> Stack:
    """Return somebody else's stack."""
    return Stack(App(context=feature_flags, analytics_reporting=False), "Elsewhere")


@pytest.fixture
def make(stack: Stack, stand_in_assets: dict[FunctionName, Asset]) -> Make:
    """Return what puts a Cutout into that stack."""

    def put(construct_id: str = "Cutout", **properties: Any) -> Cutout:
        return Cutout(stack, construct_id, assets=stand_in_assets, **properties)

    return put


def read(stack: Stack) -> Reading:
    """Return the stack's template, as people read it."""
    return Reading({"Outputs": {}, **Template.from_stack(stack).to_json()})


def late(cutout: Cutout) -> None:
    """Add, under the construct, what was not there when it was made."""
    sqs.Queue(cutout, "LateQueue", enforce_ssl=True)
    iam.Role(cutout, "LateRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


# Where each type keeps the key, as far as it keeps data at all.
ENCRYPTED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "AWS::S3::Bucket": lambda it: it["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ],
    "AWS::SQS::Queue": lambda it: it["KmsMasterKeyId"],
    "AWS::DynamoDB::Table": lambda it: it["SSESpecification"],
    "AWS::SecretsManager::Secret": lambda it: it["KmsKeyId"],
    "AWS::Logs::LogGroup": lambda it: it["KmsKeyId"],
    "AWS::SNS::Topic": lambda it: it["KmsMasterKeyId"],
}
HOLDS_NO_DATA_OF_ITS_OWN = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


def test_everything_that_keeps_data_is_encrypted_with_the_customers_key(
    stack: Stack, make: Make
) -> None:
    """Every resource of the template, added later or not, keeps data under the key, or keeps none.

    What a function's environment holds is names and limits; no secret is among them.
    """
    late(make(kms_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN)))
    reading = read(stack)
    kept = {
        name: json.dumps(ENCRYPTED[one["Type"]](one["Properties"]))
        for name, one in reading.resources.items()
        if one["Type"] not in HOLDS_NO_DATA_OF_ITS_OWN
    }
    assert len(kept) >= 17
    assert [name for name, encryption in kept.items() if KEY_ARN not in encryption] == []
    managed = [
        one.get("SqsManagedSseEnabled") for one in reading.of_type("AWS::SQS::Queue").values()
    ]
    assert set(managed) == {None}


USES_KEY = {
    "SubmitRole": {"dynamodb", "s3", "secretsmanager", "sqs"},
    "ReceiveCallbackRole": {"secretsmanager", "sqs"},
    "StoreResultRole": {"dynamodb", "s3", "secretsmanager", "sqs"},
    "SweepRole": {"dynamodb", "sqs"},
    "PhotoReader": {"s3"},
}


def test_each_role_may_use_the_key_through_the_services_that_it_uses(
    stack: Stack, make: Make
) -> None:
    """Nobody may decrypt anything by calling KMS, nor through a service it has no business with."""
    make(kms_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    may = {
        role: {
            service.partition(".")[0]
            for policy in read(stack).of_type("AWS::IAM::Policy").values()
            if f"<{role}>" in policy["Roles"]
            for one in policy["PolicyDocument"]["Statement"]
            if one["Resource"] == KEY_ARN
            for service in many(one["Condition"]["StringEquals"]["kms:ViaService"])
        }
        for role in USES_KEY
    }
    assert may == USES_KEY


def test_a_key_of_the_stack_lets_alarms_rules_and_logs_use_it(stack: Stack, make: Make) -> None:
    """Each has one statement; without it alarms and uploads would be dropped without a word."""
    make(kms_key=kms.Key(stack, "Key"))
    [key] = read(stack).of_type("AWS::KMS::Key").values()
    services = {
        service
        for one in key["KeyPolicy"]["Statement"]
        for service in many(one["Principal"].get("Service", []))
    }
    assert services == {
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "logs.here.amazonaws.com",
    }


def test_the_keys_of_buckets_that_there_are_can_be_used(stack: Stack, make: Make) -> None:
    """Photos in a bucket with a key of its own can be read, though the rest has none."""
    key = kms.Key.from_key_arn(stack, "Theirs", KEY_ARN)
    photos = s3.Bucket.from_bucket_attributes(
        stack, "Photos", bucket_name="photos", encryption_key=key
    )
    make(uploads_bucket=photos)
    reading = read(stack)
    able = {
        role
        for role in reading.of_type("AWS::IAM::Role")
        if ("kms:Decrypt", KEY_ARN) in reading.granted(role)
    }
    assert able == {"SubmitRole", "PrepareRole", "StoreResultRole", "PhotoReader"}


def test_every_role_is_bounded_and_everything_is_tagged(stack: Stack, make: Make) -> None:
    """A boundary and tags reach every resource that takes them, those added later as well."""
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
    "AWS::CloudWatch::Dashboard",
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
def test_what_becomes_of_data_is_the_embedding_stacks_choice(
    stack: Stack, make: Make, chosen: RemovalPolicy, expected: str
) -> None:
    """The property wins over what the settings say of ephemeral deployments."""
    make(removal_policy=chosen, settings=Settings(ephemeral=chosen != RemovalPolicy.DESTROY))
    reading = read(stack)
    kept = ("Uploads", "Results", "Jobs", "ApiKey", "SigningKey")
    assert {reading.resources[name]["DeletionPolicy"] for name in kept} == {expected}


def test_functions_run_in_a_network_that_lets_out_https_alone(stack: Stack, make: Make) -> None:
    """All of them; each role may then handle interfaces, which AWS cannot narrow."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=SUBNETS,
    )
    make(network=Network(vpc=vpc))
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


def test_callbacks_come_in_at_a_host_name_of_ones_own(stack: Stack, make: Make) -> None:
    """The API's own address is switched off, and the name points at the API."""
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


def test_alarms_go_to_a_topic_that_there_is(stack: Stack, make: Make) -> None:
    """No topic is made then, and every alarm tells that one."""
    make(alarm_topic=sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:here:mine:pager"))
    reading = read(stack)
    told = {
        tuple(one["AlarmActions"]) for one in reading.of_type("AWS::CloudWatch::Alarm").values()
    }
    assert reading.of_type("AWS::SNS::Topic") == {}
    assert told == {("arn:aws:sns:here:mine:pager",)}


def test_word_goes_to_a_bus_of_ones_own(stack: Stack, make: Make) -> None:
    """Functions name it, and may put events there and nowhere else."""
    make(event_bus=events.EventBus(stack, "Ours"))
    reading = read(stack)
    granted = {
        resource for action, resource in reading.granted("SubmitRole") if "events:" in action
    }
    environment = reading.properties("SubmitFunction")["Environment"]["Variables"]
    assert environment["CUTOUT_EVENT_BUS"] == "<Ours.Arn>"
    assert granted == {"<Ours.Arn>"}


def test_others_may_upload_and_read_what_they_are_granted(stack: Stack, make: Make) -> None:
    """A web shop's role uploads under the prefix, reads results and rows, and no more."""
    cutout = make(settings=Settings(upload_prefix="in/"), kms_key=kms.Key(stack, "Key"))
    shop = iam.Role(stack, "Shop", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    cutout.grant_upload(shop).assert_success()
    cutout.grant_read_results(shop)
    cutout.grant_read_jobs(shop)
    reading = read(stack)
    granted = reading.granted("Shop")
    assert {one for one in granted if not one[0].startswith("kms:")} == {
        ("s3:PutObject", "<Uploads.Arn>/in/*"),
        ("s3:PutObjectTagging", "<Uploads.Arn>/in/*"),
        ("s3:AbortMultipartUpload", "<Uploads.Arn>/in/*"),
        ("s3:GetObject", "<Results.Arn>/*"),
        ("s3:GetObjectVersion", "<Results.Arn>/*"),
        ("s3:GetObjectTagging", "<Results.Arn>/*"),
        ("dynamodb:GetItem", "<Jobs.Arn>"),
        ("dynamodb:BatchGetItem", "<Jobs.Arn>"),
        ("dynamodb:Query", "<Jobs.Arn>"),
        ("dynamodb:GetItem", "<Jobs.Arn>/index/*"),
        ("dynamodb:BatchGetItem", "<Jobs.Arn>/index/*"),
        ("dynamodb:Query", "<Jobs.Arn>/index/*"),
    }
    assert ("kms:GenerateDataKey", "<Key.Arn>") in granted


def test_others_are_told_of_each_cut_out_of_this_deployment(stack: Stack, make: Make) -> None:
    """A rule on the deployment's bus, for its bucket and prefix alone."""
    cutout = make(settings=Settings(upload_prefix="in/"))
    cutout.on_completed("Tell", targets.SqsQueue(sqs.Queue(stack, "Shop")))
    cutout.on_completed("Regret", targets.SqsQueue(sqs.Queue(stack, "Desk")), is_failure=True)
    rules = read(stack).of_type("AWS::Events::Rule")
    source = {"bucket": ["<Uploads>"], "key": [{"prefix": "in/"}]}
    assert {name: rules[name]["EventPattern"] for name in ("Tell", "Regret")} == {
        "Tell": {
            "source": ["cutout"],
            "detail-type": ["Cutout Completed"],
            "detail": {"source": source},
        },
        "Regret": {
            "source": ["cutout"],
            "detail-type": ["Cutout Failed"],
            "detail": {"source": source},
        },
    }


def test_others_draw_its_metrics(make: Make) -> None:
    """Each is found where the functions publish it."""
    cutout = make(name="Shop")
    found = {
        (one.metric_name, one.statistic, one.dimensions["service"], one.dimensions["stack"])
        for one in (
            cutout.metric_completed(),
            cutout.metric_credits(),
            cutout.metric_tasks_in_flight(),
        )
        if one.dimensions
    }
    assert found == {
        ("JobsCompleted", "Sum", "store-result", "Shop"),
        ("CreditsCharged", "Sum", "store-result", "Shop"),
        ("TasksInFlight", "Maximum", "sweep", "Shop"),
    }


def test_a_bucket_that_there_is_keeps_its_own_notifications(stack: Stack, make: Make) -> None:
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
def test_only_keys_that_begin_and_end_so_are_told_of(
    stack: Stack, make: Make, prefix: str, suffixes: tuple[str, ...], keys: list[Any]
) -> None:
    """Whatever else lies in the bucket costs no message."""
    make(settings=Settings(upload_prefix=prefix, upload_suffixes=suffixes))
    [rule] = read(stack).of_type("AWS::Events::Rule").values()
    assert rule["EventPattern"]["detail"]["object"] == {"key": keys}


UP, OUT, UP2, OUT2 = "photos", "results", "more-photos", "more-results"
REFUSED = [
    # first: uploads, results; second: uploads, results; what is said
    (
        (UP, "a/", OUT, "a/"),
        (UP, "a/b/", OUT, "b/"),
        "a photo in both would be paid for twice",
    ),
    ((UP, "a/", OUT, "x/"), (UP, "b/", OUT, "x/y/"), "one's could overwrite the other's"),
    ((UP, "a/", OUT, ""), (UP, "b/", OUT, "b/"), "one's could overwrite the other's"),
    ((UP, "a/", OUT, "a/"), (OUT, "a/", OUT2, ""), "every cut-out would be cut out again"),
    (
        (UP, "a/", OUT, "a/"),
        (UP2, "a/", UP, "a/"),
        "every cut-out would be cut out again",
    ),
    (
        (UP, "a/", OUT, "a/"),
        (OUT, "review/", OUT2, ""),
        "every cut-out would be cut out again",
    ),
]


@pytest.mark.parametrize(("first", "second", "said"), REFUSED)
def test_two_may_not_get_in_each_others_way(
    stack: Stack,
    make: Make,
    first: tuple[str, ...],
    second: tuple[str, ...],
    said: str,
) -> None:
    """Photos taken by both, results over results, and results as photos are refused at synth."""

    def put(construct_id: str, uploads: str, prefix: str, results: str, result_prefix: str) -> None:
        buckets = [
            s3.Bucket.from_bucket_name(stack, f"{construct_id}{end}", name)
            for end, name in (("In", uploads), ("Out", results))
        ]
        make(
            construct_id,
            name=construct_id,
            settings=Settings(upload_prefix=prefix, result_prefix=result_prefix),
            uploads_bucket=buckets[0],
            results_bucket=buckets[1],
        )

    put("First", *first)
    with pytest.raises(SettingError, match=said):
        put("Second", *second)


def test_two_of_one_name_are_refused(make: Make) -> None:
    """Their secrets would be one."""
    make("First")
    with pytest.raises(SettingError, match="both named 'Elsewhere'"):
        make("Second")


def test_a_bucket_of_the_same_stack_is_known_by_what_it_is(stack: Stack, make: Make) -> None:
    """A bucket whose name is not known before it is made is still the same bucket."""
    ours = s3.Bucket(stack, "Ours")
    make("First", name="First", settings=Settings(upload_prefix="a/"), uploads_bucket=ours)
    with pytest.raises(SettingError, match="paid for twice"):
        make("Second", name="Second", settings=Settings(upload_prefix="a/b"), uploads_bucket=ours)
