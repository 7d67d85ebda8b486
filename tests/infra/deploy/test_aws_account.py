"""What an earlier deployment left, and what is deleted with the stack."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from infra.deploy.__main__ import main, session_of
from infra.deploy.aws_account import Account, DeployError, is_created
from infra.settings.settings import Settings
from infra.settings.value_rules import pairs

API_KEY, SIGNING_KEY = "Shop/evolink-api-key", "Shop/callback-signing-key"


def _bucket(policy: str) -> dict[str, object]:
    return {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy}


TEMPLATE = json.dumps({"Resources": {"Goes": _bucket("Delete"), "Stays": _bucket("Retain")}})


@pytest.fixture
def session() -> Iterator[boto3.Session]:
    """An empty account."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            environment.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield boto3.Session(region_name="eu-west-1")


@pytest.fixture
def left(session: boto3.Session) -> Account:
    """An account in which the secrets of a destroyed stack are left."""
    secrets = session.client("secretsmanager")
    secrets.create_secret(Name=API_KEY, SecretString="sk-1")
    secrets.create_secret(Name=SIGNING_KEY, SecretString="x")
    return Account(session)


def _names(account: Account) -> list[str]:
    secrets = account.session.client("secretsmanager")
    return sorted(one["Name"] for one in secrets.list_secrets()["SecretList"])


def test_secrets_of_a_destroyed_stack_are_found(left: Account) -> None:
    """CloudFormation would fail with `already exists`, minutes later."""
    assert left.leftover_secrets("Shop") == [API_KEY, SIGNING_KEY]
    assert left.leftover_secrets("Other") == []


def test_secrets_of_an_existing_stack_are_not_leftovers(left: Account) -> None:
    """A second deployment is an update and keeps them."""
    left.session.client("cloudformation").create_stack(StackName="Shop", TemplateBody=TEMPLATE)
    assert left.leftover_secrets("Shop") == []


def test_secrets_of_a_first_deployment_that_failed_are_found(left: Account) -> None:
    """CloudFormation keeps them even when it undoes a creation, and they are in the next one's way.

    Here the creation was prepared and never begun.
    """
    left.session.client("cloudformation").create_change_set(
        StackName="Shop", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=TEMPLATE
    )
    assert left.leftover_secrets("Shop") == [API_KEY, SIGNING_KEY]


@pytest.mark.parametrize(
    ("status", "is_there"),
    [
        (None, False),
        ("REVIEW_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", False),
        ("ROLLBACK_FAILED", False),
        ("CREATE_COMPLETE", True),
        ("CREATE_IN_PROGRESS", True),
        ("UPDATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("UPDATE_ROLLBACK_FAILED", True),
        ("DELETE_FAILED", True),
    ],
)
def test_a_stack_whose_creation_was_rolled_back_is_not_created(
    status: str | None, *, is_there: bool
) -> None:
    """A stack whose update was rolled back is, and has its secrets."""
    assert is_created(status) is is_there


def test_api_key_is_kept_when_the_secrets_are_replaced(left: Account) -> None:
    """It is saved until it is in the new secret, whatever happens in between."""
    left.delete_secrets("Shop")
    assert _names(left) == [f"{API_KEY}-laid-aside"]
    assert left.saved_api_key("Shop") == "sk-1"
    left.delete_secrets("Shop")
    assert left.saved_api_key("Shop") == "sk-1"
    left.delete_saved_api_key("Shop")
    assert (left.saved_api_key("Shop"), _names(left)) == (None, [])


def test_a_key_that_was_never_set_is_not_saved(session: boto3.Session) -> None:
    """The placeholder is no key."""
    session.client("secretsmanager").create_secret(Name=API_KEY, SecretString="not-set")
    Account(session).delete_secrets("Shop")
    assert _names(Account(session)) == []


def test_deploying_names_secrets_of_an_earlier_deployment_and_what_to_do(
    left: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is created or deleted."""
    status = main(["deploy", "--region", "eu-west-1", "-c", "stack=Shop"])
    told = capsys.readouterr().err
    assert status == 1
    assert f"Secrets {API_KEY} and {SIGNING_KEY} from an earlier deployment of Shop" in told
    assert "--replace-secrets" in told
    assert _names(left) == [SIGNING_KEY, API_KEY]


def test_only_buckets_that_are_deleted_with_the_stack_are_emptied(session: boto3.Session) -> None:
    """Every version in them; buckets that are kept are not touched."""
    client = session.client("cloudformation")
    client.create_stack(StackName="Shop", TemplateBody=TEMPLATE)
    resources = client.list_stack_resources(StackName="Shop")["StackResourceSummaries"]
    names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    s3 = session.client("s3")
    for name in names.values():
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="a.jpg", Body=b"1")
        s3.put_object(Bucket=name, Key="a.jpg", Body=b"2")
    assert Account(session).empty_deleted_buckets("Shop") == [names["Goes"]]
    left = {key: s3.list_object_versions(Bucket=name) for key, name in names.items()}
    assert len(left["Goes"].get("Versions", [])) == 0
    assert len(left["Stays"].get("Versions", [])) == 2


def test_nothing_is_emptied_without_a_stack(session: boto3.Session) -> None:
    """Destroying twice is no error."""
    assert Account(session).empty_deleted_buckets("Shop") == []


def test_a_stage_is_part_of_the_stacks_name() -> None:
    """`--stage prod` and `-c stage=prod` mean the same deployment."""
    staged = Settings.from_context(pairs(["stage=prod", "max_in_flight=5"]))
    assert (staged.stack_name, Settings.from_context({}).stack_name) == ("Cutout-prod", "Cutout")


def test_region_is_read_where_the_aws_cli_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS_REGION, which boto3 does not read by itself."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert session_of(None, None).region_name == "eu-west-1"
    assert session_of(None, "us-east-2").region_name == "us-east-2"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "why"),
    [(_Terminal("n\n"), "nothing was destroyed"), (io.StringIO(), "without --yes")],
    ids=["no", "no terminal"],
)
def test_destroying_lists_what_is_deleted_and_what_is_kept_and_asks(
    session: boto3.Session, capsys: pytest.CaptureFixture[str], stdin: io.StringIO, why: str
) -> None:
    """Account, region, stack, and each resource that holds data. Only a yes destroys."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}
    names = {"Goes": "our-copies", "Stays": "our-photos"}
    buckets = {
        name: one | {"Properties": {"BucketName": names[name]}}
        for name, one in json.loads(TEMPLATE)["Resources"].items()
    }
    template = json.dumps({"Resources": {"Queue": queue, **buckets}})
    session.client("cloudformation").create_stack(StackName="Shop", TemplateBody=template)
    session.client("s3").put_object(Bucket="our-copies", Key="a", Body=b"x")
    assert main(["destroy", "--region", "eu-west-1", "-c", "stack=Shop"], stdin) == 1
    told = capsys.readouterr().err
    assert "Destroying Shop in account 123456789012, eu-west-1:\n" in told
    assert "  goes   S3 Bucket our-copies, with everything in it\n" in told
    assert "  goes   functions, queues, logs, alarms and the rest: 1 in all\n" in told
    assert "  stays  S3 Bucket our-photos\n" in told
    assert why in told
    assert session.client("s3").list_objects_v2(Bucket="our-copies")["KeyCount"] == 1
    assert Account(session).resources("Shop")


def test_destroying_a_missing_stack_is_an_error(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name is mistyped, or the region is another's."""
    assert main(["destroy", "--region", session.region_name, "--stage", "prdo", "--yes"]) == 1
    assert "there is no stack Cutout-prdo in account 1234" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["deploy", "destroy"])
def test_missing_profile_is_reported_in_one_sentence(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is often mistyped."""
    assert main([action, "--profile", "nobodys"]) == 1
    assert "The config profile (nobodys) could not be found" in capsys.readouterr().err


TABLE = json.dumps(
    {
        "Resources": {
            "Jobs": {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "Properties": {
                    "TableName": "jobs",
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "BillingMode": "PAY_PER_REQUEST",
                },
            },
        },
    },
)


def _tables(session: boto3.Session, status: str, *, rows: int) -> list[str]:
    """Return the tables that are left by a stack of this status, whose table has these items."""
    session.client("cloudformation").create_stack(StackName="Shop", TemplateBody=TABLE)
    dynamodb = session.client("dynamodb")
    dynamodb.update_table(TableName="jobs", DeletionProtectionEnabled=True)
    for number in range(rows):
        dynamodb.put_item(TableName="jobs", Item={"pk": {"S": str(number)}})
    Account(_Standing(session, status)).delete_empty_table("Shop")  # type: ignore[arg-type]
    return dynamodb.list_tables()["TableNames"]


class _Standing:
    """A session whose stack has a status that moto never reaches, or resources."""

    def __init__(
        self,
        session: boto3.Session,
        status: str,
        resources: Sequence[Mapping[str, object]] | None = None,
    ) -> None:
        self._session = session
        self._status = status
        self._resources = resources

    def client(self, service: str) -> object:
        client = self._session.client(service)  # type: ignore[call-overload]
        if service == "cloudformation":
            client.meta.events.register("after-call.cloudformation.DescribeStacks", self._tell)
            client.meta.events.register("after-call.cloudformation.ListStackResources", self._list)
        return client

    def _list(self, parsed: dict[str, Sequence[Mapping[str, object]]], **_: object) -> None:
        if self._resources is not None:
            parsed["StackResourceSummaries"] = self._resources

    def _tell(self, parsed: dict[str, list[dict[str, str]]], **_: object) -> None:
        for stack in parsed.get("Stacks", []):
            stack["StackStatus"] = self._status


def test_empty_table_of_a_failed_first_deployment_is_deleted(
    session: boto3.Session,
) -> None:
    """Its protection keeps the roll-back from deleting it, and each new try would leave another."""
    assert _tables(session, "ROLLBACK_COMPLETE", rows=0) == []


@pytest.mark.parametrize(("status", "rows"), [("ROLLBACK_COMPLETE", 1), ("UPDATE_COMPLETE", 0)])
def test_table_that_has_items_or_is_in_use_is_never_deleted(
    session: boto3.Session, status: str, rows: int
) -> None:
    """Whatever the stack's status."""
    assert _tables(session, status, rows=rows) == ["jobs"]


def test_functions_that_a_roll_back_deleted_reserve_nothing(session: boto3.Session) -> None:
    """Lambda knows them no longer: asking for their concurrency would end the deployment."""
    session.client("cloudformation").create_stack(StackName="Shop", TemplateBody=TEMPLATE)
    listed = [
        {
            "LogicalResourceId": f"{kind} {status}",
            "PhysicalResourceId": status,
            "ResourceType": kind,
            "ResourceStatus": status,
            "LastUpdatedTimestamp": datetime.now(UTC),
        }
        for kind in ("AWS::Lambda::Function", "AWS::SQS::Queue")
        for status in ("DELETE_COMPLETE", "CREATE_COMPLETE")
    ]
    stack = _Standing(session, "ROLLBACK_COMPLETE", listed)
    assert Account(stack).functions("Shop") == ["CREATE_COMPLETE"]  # type: ignore[arg-type]


def test_deletion_of_a_secret_is_waited_for(session: boto3.Session) -> None:
    """Until the deletion ends, the name cannot be used."""
    client = session.client("secretsmanager")
    client.create_secret(Name=SIGNING_KEY, SecretString="x")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    Account(session, sleep=sleep).delete_secrets("Shop")
    assert (_names(Account(session)), waits) == ([], [])
    client.create_secret(Name=SIGNING_KEY, SecretString="x")
    with pytest.raises(DeployError, match="still deleting Shop/callback-signing-key"):
        Account(_Slow(session), sleep=sleep).delete_secrets("Shop")  # type: ignore[arg-type]
    assert sum(waits) >= 120


class _Slow:
    """A session in which no deletion of a secret ends."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def client(self, service: str) -> object:
        client = self._session.client(service)  # type: ignore[call-overload]
        client.meta.events.register(
            "before-call.secrets-manager.DeleteSecret", lambda **_: (_Done(), {})
        )
        return client


class _Done:
    status_code = 200


def test_policy_of_a_deploying_role_is_printed_for_one_stack(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the resources of that stack, except for actions without resources."""
    assert session.region_name == "eu-west-1"
    assert main(["policy", "--region", "eu-west-1", "--stage", "prod"]) == 0
    document = json.loads(capsys.readouterr().out)
    told = {one["Sid"]: one["Resource"] for one in document["Statement"]}
    assert [sid for sid, on in told.items() if "*" in on] == ["ReadTheConcurrencyOfTheAccount"]
    assert told["ReadTheStack"] == [
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/Cutout-prod/*"
    ]
    assert told["DeployThroughTheCdk"] == [
        "arn:aws:iam::123456789012:role/cdk-hnb659fds-*-123456789012-eu-west-1"
    ]
