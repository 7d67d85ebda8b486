"""No permission is there for nothing: without any one of them, something that happens would fail.

The local cloud writes down each request that a role makes and what IAM decides. Run after the
others, as it is by its name, this takes each action on each resource out of each role's policies in
turn, and looks for a request of theirs that would then be refused. What the local cloud is not
asked for, and what other settings add, `tests/infra/test_removal.py` looks at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from cutout.adapters.sqs import SqsCallbacks
from cutout.domain.messages import RenderRequest
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.door import Door
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import opened, saved, small_photo
from tests.e2e.stand_in import StandIn

_ROLES = (
    "SubmitRole",
    "PrepareRole",
    "ReceiveCallbackRole",
    "StoreResultRole",
    "SweepRole",
    "PhotoReader",
    "EveryMinuteRole",
)

_OF_NO_OTHER_TEST = 975

_LAMBDA_DOES_IT = "Lambda does this with the role; the local cloud does it by itself"
_NO_VERSIONS = "For a bucket of one's own that keeps no versions; the stack's own keeps them"
_404_NOT_403 = "Makes S3 say 404 and not 403; the local cloud says 404 to everybody"
_A_HEADER = "Tags are a header of PutObject, for which S3 asks it too"
_NO_COPY = "only where a photo's copy is gone, which tests/functions/everything.py sees to"
_NOT_SEEN_HERE = {
    # role, action, a part of the resource: why the local cloud is not asked for it, though AWS is
    ("", "logs:CreateLogStream", ""): _LAMBDA_DOES_IT,
    ("", "logs:PutLogEvents", ""): _LAMBDA_DOES_IT,
    ("", "sqs:ReceiveMessage", ""): _LAMBDA_DOES_IT,
    ("", "sqs:DeleteMessage", ""): _LAMBDA_DOES_IT,
    ("", "sqs:GetQueueAttributes", ""): _LAMBDA_DOES_IT,
    ("", "lambda:InvokeFunction", ""): "Scheduler does this; the local cloud does it by itself",
    ("", "s3:ListBucket", ""): _404_NOT_403,
    ("", "s3:GetObject", "uploads"): _NO_VERSIONS,
    ("", "s3:GetObjectTagging", "uploads"): _NO_VERSIONS,
    ("", "s3:PutObjectTagging", "uploads"): _NO_VERSIONS,
    ("", "s3:PutObjectTagging", "results"): _A_HEADER,
    ("SubmitRole", "s3:PutObject", "/prepared/"): _NO_VERSIONS,
    ("StoreResultRole", "sqs:SendMessage", "Preparations"): _NO_COPY,
    ("StoreResultRole", "sqs:SendMessage", "Callbacks"): _NO_COPY,
}


@dataclass(frozen=True)
class Permission:
    """One action on one resource."""

    action: str
    resource: str

    def allows(self, request: Permission) -> bool:
        """Say whether a request is covered: `*` is any text, `?` any character."""
        pattern = re.escape(self.resource).replace(r"\*", ".*").replace(r"\?", ".")
        return self.action == request.action and bool(
            re.fullmatch(pattern, request.resource, re.DOTALL)
        )


@pytest.fixture(scope="module", autouse=True)
def _something_happened(photos: Photos, stand_in: StandIn, door: Door, deployed: Deployed) -> None:
    """Something of every kind, should these tests be the only ones."""
    stand_in.commit("callback:lost", "needed/lost", times=1)
    copies = replace(stand_in, bucket=photos.copies_bucket)
    copies.commit("task:unreachable-input", "prepared/", times=1)
    stand_in.commit("create:accept-then-500", "needed/unanswered", times=1)
    stand_in.commit("create:accept-then-500", "needed/repeated", times=1)
    stand_in.commit("callback:lost", "needed/repeated", times=1)
    stand_in.commit("create:400", "needed/crowd-1", times=1)  # so that Submit itself frees a slot
    uploads = [
        photos.put("needed/tagged.jpg", tags={"season": "summer"}, metadata={"shelf": "3"}),
        photos.put("needed/noted.jpg", b"no photo"),
        photos.put("needed/junk.jpg", b"no photo"),
        photos.put("needed/bought.jpg", _picture(), bypass_cache=False),
        photos.put("needed/lost.jpg"),
        photos.put("needed/unanswered.jpg"),
        # One whose copy cannot be fetched goes through the Files API; the other's is fetched.
        photos.put("needed/prepared.tif", saved(opened(small_photo()), "TIFF")),
        photos.put("needed/fetched.tif", saved(opened(small_photo(1)), "TIFF")),
        # More than are let in at once, so that some wait and are woken.
        *photos.put_all([f"needed/crowd-{number}.jpg" for number in range(8)]),
    ]
    repeated = photos.put("needed/repeated.jpg")
    photos.in_state(repeated, State.UNCONFIRMED)
    photos.age(repeated, timedelta(minutes=3))
    uploads.append(repeated)
    gone = photos.put("needed/gone.jpg")
    photos.delete(gone.key)
    photos.all_settled(uploads, is_swept=True)
    photos.delete("needed/junk.jpg")
    later = [
        photos.put("needed/noted.jpg"),
        photos.put("needed/bought-before.jpg", _picture(), bypass_cache=False),
    ]
    photos.all_settled(later, is_swept=True)
    callbacks = SqsCallbacks(deployed.client("sqs"), deployed.cloud.outputs["CallbacksQueueUrl"])
    callbacks.render([RenderRequest(job_id=uploads[0].job_id, recipes=("none",))])
    deployed.wait(lambda: _has_variants(photos, uploads[0]), "an answer to the request")
    door.knock("/callbacks/nonsense")


def _picture() -> bytes:
    return small_photo(_OF_NO_OTHER_TEST)


def _granted(deployed: Deployed, role: str) -> Iterator[Permission]:
    iam = deployed.client("iam")
    name = deployed.resource("AWS::IAM::Role", role)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for statement in document["Statement"]:
            for action in _many(statement["Action"]):
                for resource in _many(statement["Resource"]):
                    yield Permission(action, resource)


def _many(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _requests(deployed: Deployed, role: str) -> set[Permission]:
    name = deployed.resource("AWS::IAM::Role", role)
    lines = deployed.place.decisions_file.read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return {
        Permission(one["action"], one["resource"])
        for one in told
        if one["role"] == name and one["decision"] == "Allow"
    }


@pytest.mark.parametrize("role", _ROLES)
def test_without_any_one_permission_some_request_would_be_refused(
    role: str, deployed: Deployed
) -> None:
    """Each action on each resource is needed by a request that nothing else allows."""
    granted = list(_granted(deployed, role))
    requests = _requests(deployed, role)
    needless = {
        (one.action, one.resource)
        for one in granted
        if not any(
            one.allows(request)
            and not any(other.allows(request) for other in granted if other != one)
            for request in requests
        )
    }
    unseen = sorted(
        f"{one} on {where}" for one, where in needless if not _is_unseen(role, one, where)
    )
    assert not unseen, "\n".join(unseen)


def test_every_role_of_the_stack_is_looked_at(deployed: Deployed) -> None:
    """A role that is added is not passed over."""
    roles = deployed.logical_ids("AWS::IAM::Role")
    assert len(roles) == len(_ROLES)
    assert [role for role in roles if not role.startswith(_ROLES)] == []


def _is_unseen(role: str, action: str, resource: str) -> bool:
    return any(
        whose in {"", role} and action == one and part in resource
        for whose, one, part in _NOT_SEEN_HERE
    )


def test_the_search_would_find_a_needless_permission(deployed: Deployed) -> None:
    """A permission that nobody uses is allowed by none of what was asked for."""
    needless = Permission("sqs:PurgeQueue", "*")
    requests = _requests(deployed, "SubmitRole")
    assert requests
    assert not any(needless.allows(one) for one in requests)


def _has_variants(photos: Photos, upload: Upload) -> bool:
    job = photos.job(upload)
    return job is not None and bool(job.variants)
