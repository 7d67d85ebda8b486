"""What is left of an earlier deployment, and what goes with this one."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.deploy.aws_account import Account, StillThereError, is_created
from infra.deploy.command import main, session_of, stack_name

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


def test_secrets_of_a_stack_that_there_is_are_its_own(left: Account) -> None:
    """A second deployment is an update, in whose way they are not."""
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
def test_a_stack_whose_creation_was_undone_never_came_to_be(
    status: str | None, *, is_there: bool
) -> None:
    """One whose update was undone did, and its secrets are its own."""
    assert is_created(status) is is_there


def test_the_api_key_outlives_the_taking_away_of_the_secrets(left: Account) -> None:
    """It is laid aside until it is in its new place, whatever happens in between."""
    left.delete_secrets("Shop")
    assert _names(left) == [f"{API_KEY}-laid-aside"]
    assert left.saved_api_key("Shop") == "sk-1"
    left.delete_secrets("Shop")
    assert left.saved_api_key("Shop") == "sk-1"
    left.delete_saved_api_key("Shop")
    assert (left.saved_api_key("Shop"), _names(left)) == (None, [])


def test_a_key_that_nobody_set_is_not_laid_aside(session: boto3.Session) -> None:
    """The placeholder is no key."""
    session.client("secretsmanager").create_secret(Name=API_KEY, SecretString="not-set")
    Account(session).delete_secrets("Shop")
    assert _names(Account(session)) == []


def test_deploying_says_which_secrets_are_in_the_way_and_what_to_do(
    left: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is made, and with nothing taken away unasked."""
    status = main(["deploy", "--region", "eu-west-1", "-c", "stack=Shop"])
    told = capsys.readouterr().err
    assert status == 1
    assert f"Secrets {API_KEY} and {SIGNING_KEY} from an earlier deployment of Shop" in told
    assert "--replace-secrets" in told
    assert _names(left) == [SIGNING_KEY, API_KEY]


def test_only_buckets_that_go_with_the_stack_are_emptied(session: boto3.Session) -> None:
    """Every version in them, and nothing of what is kept: photos outlive the stack."""
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


def test_nothing_is_emptied_of_a_stack_that_is_not_there(session: boto3.Session) -> None:
    """Destroying twice is no error."""
    assert Account(session).empty_deleted_buckets("Shop") == []


def test_a_stage_names_the_stack_that_is_meant() -> None:
    """`--stage prod` and `-c stage=prod` mean the same deployment."""
    assert stack_name(["stage=prod", "max_in_flight=5"]) == "Cutout-prod"
    assert stack_name([]) == "Cutout"


def test_the_region_may_come_from_where_the_aws_cli_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the message tells people to set is read: boto3 does not by itself."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert session_of(None, None).region_name == "eu-west-1"
    assert session_of(None, "us-east-2").region_name == "us-east-2"


@pytest.mark.parametrize("action", ["deploy", "destroy"])
def test_a_profile_that_there_is_not_is_told_in_a_sentence(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is mistyped more often than not."""
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
    """Tables that are left after a look at a stack of this status, whose table has these rows."""
    session.client("cloudformation").create_stack(StackName="Shop", TemplateBody=TABLE)
    dynamodb = session.client("dynamodb")
    dynamodb.update_table(TableName="jobs", DeletionProtectionEnabled=True)
    for number in range(rows):
        dynamodb.put_item(TableName="jobs", Item={"pk": {"S": str(number)}})
    Account(_Standing(session, status)).delete_empty_table("Shop")  # type: ignore[arg-type]
    return dynamodb.list_tables()["TableNames"]


class _Standing:
    """A session whose stack has a status that moto does not come to by itself."""

    def __init__(self, session: boto3.Session, status: str) -> None:
        self._session = session
        self._status = status

    def client(self, service: str) -> object:
        client = self._session.client(service)  # type: ignore[call-overload]
        if service == "cloudformation":
            client.meta.events.register("after-call.cloudformation.DescribeStacks", self._tell)
        return client

    def _tell(self, parsed: dict[str, list[dict[str, str]]], **_: object) -> None:
        for stack in parsed.get("Stacks", []):
            stack["StackStatus"] = self._status


def test_the_empty_table_of_a_first_deployment_that_failed_is_deleted(
    session: boto3.Session,
) -> None:
    """Its protection keeps the roll-back from deleting it, and each new try would leave another."""
    assert _tables(session, "ROLLBACK_COMPLETE", rows=0) == []


@pytest.mark.parametrize(("status", "rows"), [("ROLLBACK_COMPLETE", 1), ("UPDATE_COMPLETE", 0)])
def test_a_table_that_holds_rows_or_is_in_use_is_never_deleted(
    session: boto3.Session, status: str, rows: int
) -> None:
    """Whatever became of the stack."""
    assert _tables(session, status, rows=rows) == ["jobs"]


def test_a_secret_is_waited_for_until_it_is_gone(session: boto3.Session) -> None:
    """Deletion takes a while, and until it ends nothing can be made under the name."""
    client = session.client("secretsmanager")
    client.create_secret(Name=SIGNING_KEY, SecretString="x")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    Account(session, sleep=sleep).delete_secrets("Shop")
    assert (_names(Account(session)), waits) == ([], [])
    client.create_secret(Name=SIGNING_KEY, SecretString="x")
    with pytest.raises(StillThereError, match="still deleting Shop/callback-signing-key"):
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


def test_the_policy_of_a_deploying_role_is_printed_for_one_stack(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the resources of that stack; what AWS does not narrow is named here."""
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
