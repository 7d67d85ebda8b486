"""A deployed stack over the AWS API."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.cli.aws.deployed_stack import Stack, connect
from cutout.cli.aws.target import Target
from cutout.cli.output.problems import Problem
from cutout.cli.photo_files import PhotoFile
from cutout.cli.progress.clock import Clock
from cutout.domain.job.source import Source
from cutout.domain.states import Lane, State
from cutout.ports.listings import ListedObject
from infra.local.sdk_access import sdk_variables
from tests.infra.local.conftest import Cloud
from tests.support.builders import PRICE
from tests.support.cli.jobs import make_job

NAME = "Mine"


def _index(name: str, hash_key: str, range_key: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "Projection": {"ProjectionType": "KEYS_ONLY"},
        "KeySchema": [
            {"AttributeName": hash_key, "KeyType": "HASH"},
            {"AttributeName": range_key, "KeyType": "RANGE"},
        ],
    }


def _template(**outputs: str) -> str:
    attributes = {
        "pk": "S",
        "source_ref": "S",
        "sequencer": "S",
        "state": "S",
        "updated_at": "N",
    }
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            _index("source", "source_ref", "sequencer"),
            _index("state", "state", "updated_at"),
        ],
    }
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/none",
        "Code": {"ZipFile": "def handler(event, context): return None"},
        "Environment": {
            "Variables": {
                "CUTOUT_STACK": "Cutout",
                "CUTOUT_UPLOAD_PREFIX": "in/",
                "CUTOUT_UPLOAD_SUFFIXES": ".jpg,.webp",
                "CUTOUT_MAX_BYTES": "10000",
                "CUTOUT_PREPARE_MAX_BYTES": "30000",
                "CUTOUT_RETENTION_DAYS": "7",
            }
        },
    }
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    resources = {
        "Uploads": {"Type": "AWS::S3::Bucket", "Properties": versioned},
        "Results": {"Type": "AWS::S3::Bucket"},
        "Jobs": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Submissions": {"Type": "AWS::SQS::Queue"},
        "Callbacks": {"Type": "AWS::SQS::Queue"},
        "CutoutSubmitFunction1234": {"Type": "AWS::Lambda::Function", "Properties": function},
    }
    return json.dumps(
        {
            "Resources": resources,
            "Outputs": {name: {"Value": {"Ref": value}} for name, value in outputs.items()},
        }
    )


@pytest.fixture(scope="session")
def target(cloud: Cloud) -> Target:
    """A stack with our outputs, and how to reach it."""
    cloud.client("cloudformation").create_stack(
        StackName=NAME,
        TemplateBody=_template(
            UploadsBucketName="Uploads",
            ResultsBucketName="Results",
            JobsTableName="Jobs",
            SubmissionsQueueUrl="Submissions",
            CallbacksQueueUrl="Callbacks",
        ),
    )
    return Target(stack=NAME, variables=sdk_variables(cloud.endpoint, cloud.operator))


@pytest.fixture(scope="session")
def stack(target: Target) -> Stack:
    """The stack of the target."""
    return connect(target, Clock())


@pytest.fixture
def jobs(cloud: Cloud, stack: Stack) -> DynamoJobs:
    """The jobs table, to write to as the functions do."""
    return DynamoJobs(Table(cloud.client("dynamodb"), stack.outputs.jobs_table), PRICE)


def _photo(folder: Path, key: str) -> PhotoFile:
    path = folder / "photo"
    path.write_bytes(b"a photo")
    return PhotoFile(path=path, key=key, content_type="image/webp")


def test_parts_of_the_stack_are_found_by_its_outputs(stack: Stack, cloud: Cloud) -> None:
    """Only the stack's name has to be known."""
    buckets = [one["Name"] for one in cloud.client("s3").list_buckets()["Buckets"]]
    assert {stack.outputs.uploads_bucket, stack.outputs.results_bucket} <= set(buckets)
    assert stack.where == "the local cloud"


def test_missing_stack_is_a_problem_with_advice(target: Target) -> None:
    """Deploy it, start a local cloud, or name another."""
    with pytest.raises(Problem, match="There is no stack Nowhere on the local cloud") as caught:
        _ = connect(replace(target, stack="Nowhere"), Clock()).outputs
    assert "`make deploy`" in caught.value.advice


def test_foreign_stack_is_a_problem(cloud: Cloud, target: Target) -> None:
    """It has other outputs."""
    cloud.client("cloudformation").create_stack(
        StackName="Blog", TemplateBody=_template(Posts="Uploads")
    )
    with pytest.raises(Problem, match="it is not a Cutout stack"):
        _ = connect(replace(target, stack="Blog"), Clock()).outputs


def test_upload_prefix_is_read_from_submits_settings(stack: Stack) -> None:
    """So that uploads have a watched key."""
    assert stack.upload_prefix() == "in/"


def test_upload_has_its_content_type_and_the_id_of_its_job(
    stack: Stack, cloud: Cloud, tmp_path: Path
) -> None:
    """The job's id follows from the version that S3 gave."""
    sent = stack.upload(_photo(tmp_path, "in/a b+ü.webp"))

    stored = cloud.client("s3").get_object(Bucket=stack.outputs.uploads_bucket, Key="in/a b+ü.webp")
    assert (stored["ContentType"], stored["Body"].read()) == ("image/webp", b"a photo")
    source = Source(
        bucket=stack.outputs.uploads_bucket,
        key="in/a b+ü.webp",
        version_id=stored["VersionId"],
        etag="another",
        sequencer="another",
        size=7,
    )
    assert sent.job_id == source.job_id


def test_upload_that_must_be_paid_for_anew_has_metadata(
    stack: Stack, cloud: Cloud, tmp_path: Path
) -> None:
    """Submit reads it there; others have none."""
    for is_fresh in (True, False):
        stack.upload(replace(_photo(tmp_path, "in/f.webp"), bypass_cache=is_fresh))
        head = cloud.client("s3").head_object(Bucket=stack.outputs.uploads_bucket, Key="in/f.webp")
        assert head["Metadata"] == ({"cutout-fresh": "true"} if is_fresh else {})


def test_jobs_of_uploads_are_found_as_soon_as_they_exist(
    stack: Stack, jobs: DynamoJobs, tmp_path: Path
) -> None:
    """Uploads without a job are left out."""
    first, second = (stack.upload(_photo(tmp_path, f"in/{name}.webp")) for name in "ab")
    assert first.job_id is not None
    assert stack.find([first, second]) == {}
    job = jobs.claim(replace(make_job("in/a.webp"), id=first.job_id))
    assert stack.find([first, second]) == {"in/a.webp": job}


def test_upload_without_a_version_has_the_newest_job_of_its_bytes(
    stack: Stack, jobs: DynamoJobs, tmp_path: Path
) -> None:
    """An older job of the key, with other bytes, is not this upload's."""
    sent = replace(stack.upload(_photo(tmp_path, "in/u.webp")), job_id=None)
    job = make_job("in/u.webp")
    source = replace(job.source, bucket=stack.outputs.uploads_bucket)
    jobs.claim(replace(job, id="older", source=source))
    assert stack.find([sent]) == {}
    source = replace(source, etag=sent.etag, sequencer="0B")
    newer = jobs.claim(replace(job, id="newer", source=source))
    assert stack.find([sent]) == {"in/u.webp": newer}
    assert stack.newest("in/u.webp") == newer
    assert stack.newest("in/nothing.webp") is None


def test_cut_out_is_downloaded_whole(stack: Stack, cloud: Cloud, tmp_path: Path) -> None:
    """Into folders that are made as needed, over an earlier file."""
    bucket = stack.outputs.results_bucket
    cloud.client("s3").put_object(Bucket=bucket, Key="a/b.png", Body=b"pixels" * 1000)
    target = tmp_path / "new" / "b.png"
    for _ in range(2):
        stack.ports.store.download("a/b.png", target)
    assert target.read_bytes() == b"pixels" * 1000
    assert [path.name for path in target.parent.iterdir()] == ["b.png"]


def test_upload_rules_are_submits_settings(stack: Stack) -> None:
    """The watched prefix, where results go, the largest size."""
    rules = stack.rules()
    assert rules.upload_filter.uploads_bucket == stack.outputs.uploads_bucket
    assert rules.upload_filter.results_bucket == stack.outputs.results_bucket
    assert (rules.upload_filter.upload_prefix, rules.upload_filter.upload_suffixes) == (
        "in/",
        (".jpg", ".webp"),
    )
    assert rules.max_bytes == 30_000
    assert rules.retention == timedelta(days=7)


def test_many_jobs_are_read_with_few_requests_and_those_are_counted(
    stack: Stack, jobs: DynamoJobs
) -> None:
    """A hundred jobs a request; every page of an index is one."""
    made = [jobs.claim(replace(make_job(f"many/{n}.jpg"), id=f"many-{n}")) for n in range(120)]
    before = Counter(stack.requests())
    records = stack.index
    assert len(records.find_all([job.id for job in made])) == 120
    found = {entry.job_id for entry in records.moved(State.COMPLETED, since=made[0].updated_at)}
    assert {job.id for job in made} <= found
    assert Counter(stack.requests()) - before == {"BatchGetItem": 2, "Query": 1}


def test_buckets_are_listed_copied_and_queued_as_on_aws(stack: Stack, cloud: Cloud) -> None:
    """The newest version of a key; a copy with its mark; a message."""
    s3 = cloud.client("s3")
    uploads = stack.outputs.uploads_bucket
    s3.create_bucket(Bucket="elsewhere")
    for body in (b"older", b"newest"):
        s3.put_object(Bucket="elsewhere", Key="a b+ü.jpg", Body=body, Metadata={"owner": "ann"})
    ((listed,),) = stack.ports.objects("elsewhere").pages("a")
    assert (listed.size, listed.version_id) == (6, None)
    assert stack.ports.transfers("elsewhere").copy(
        listed, "in/copied.jpg", {"cutout-lane": "backfill"}
    )
    copy = stack.ports.objects(uploads).newest("in/copied.jpg")
    assert copy is not None
    assert [copy.is_same(one) for one in _listed(stack, uploads, "in/copied")] == [True]
    metadata = s3.head_object(Bucket=uploads, Key="in/copied.jpg")["Metadata"]
    assert metadata == {"owner": "ann", "cutout-lane": "backfill"}
    upload_queue = stack.ports.upload_queue
    upload_queue.queue([copy.source(uploads)], Lane.BACKFILL)
    assert upload_queue.length() == 1


def _listed(stack: Stack, bucket: str, prefix: str) -> list[ListedObject]:
    return [one for page in stack.ports.objects(bucket).pages(prefix) for one in page]


def test_attached_bucket_with_a_key_that_the_stack_does_not_name_is_locked(
    cloud: Cloud, target: Target
) -> None:
    """The stack's own buckets, and those without a key of their own, are open."""
    s3, kms = cloud.client("s3"), cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    }
    s3.create_bucket(Bucket="locked-photos")
    s3.put_bucket_encryption(
        Bucket="locked-photos", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    s3.create_bucket(Bucket="open-photos")
    stack = connect(target, Clock())
    own = stack.outputs.uploads_bucket
    found = {
        name: stack.resources.ungranted_key(name) for name in ("locked-photos", "open-photos", own)
    }
    assert found == {"locked-photos": key, "open-photos": None, own: None}
