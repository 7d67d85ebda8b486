"""Several stages in one account: deployed and destroyed by name, with no business of each other's.

The stage is in another region than the stack beside it, whose account has not been bootstrapped
there, and the deployer has nothing but a profile.

The local cloud makes the same name of the same stack and table again, so what is left of a table
is read before the stack is created again; on AWS each has a name of its own. It does not decide on
the use of keys either: which role may use the key for what is tested on the template, in
`tests/infra/constructs/test_encryption.py`.
"""

from __future__ import annotations

import json

import pytest

from cutout.domain.states import State
from infra.deploy.deployer_policy import policy
from tests.e2e.deployed import Deployed
from tests.e2e.deploying import by_profile, let_deploy, present
from tests.e2e.pictures import small_photo
from tests.e2e.stages import REGION, STACK, Stages, Story

pytestmark = pytest.mark.second_cloud

_PROFILE = "shop-admin"
_DEPLOYER = "shop-deployer"
_PHOTO = small_photo(401)


@pytest.fixture(scope="module")
def stages(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """What was seen of the stage, from its first deployment to its last."""
    who = by_profile(deployed, tmp_path_factory.mktemp("aws"), _PROFILE)
    let_deploy(deployed, who, role=_DEPLOYER, stack=STACK, region=REGION)
    checkout = present(deployed, who)
    return Story(cloud=deployed, checkout=checkout, profile=_PROFILE, deployer=_DEPLOYER).tell()


def test_destroyed_stage_keeps_photos_jobs_and_secrets(stages: Stages, deployed: Deployed) -> None:
    """Only the stack is deleted."""
    before, after = stages.deployed, stages.destroyed
    assert (before.is_there, after.is_there) == (True, False)
    assert (after.photo, after.rows) == (_PHOTO, before.rows)
    assert len(after.rows or ()) == 1
    assert (after.api_key, after.has_signing_key) == (deployed.cloud.api.key, True)


def test_deploying_the_same_name_again_names_the_existing_secrets(stages: Stages) -> None:
    """And what to do, before anything is made."""
    assert stages.again.status != 0
    told = f"{STACK}/evolink-api-key and {STACK}/callback-signing-key from an earlier deployment"
    assert told in stages.again.said
    assert "--replace-secrets" in stages.again.said


def test_stage_in_place_of_a_destroyed_one_has_its_api_key(stages: Stages) -> None:
    """It keeps its key, and its photo is cut out and paid for once."""
    assert stages.completed.state is State.COMPLETED
    assert stages.charges == 1


def test_customers_key_encrypts_everything_that_a_deployed_stack_stores(stages: Stages) -> None:
    """According to the services, of each bucket, queue, table, secret, log group and topic."""
    others = {name: key for name, key in stages.encrypted_with.items() if key != stages.key}
    assert others == {}
    assert len(stages.encrypted_with) >= 20
    assert stages.stored_with == (stages.key, stages.key)


def test_ephemeral_stage_leaves_nothing(stages: Stages) -> None:
    """Its photos are deleted, though its buckets were not empty; those kept before are not."""
    gone = stages.gone
    assert (gone.is_there, gone.photo, gone.rows) == (False, None, None)
    assert (gone.api_key, gone.has_signing_key) == (None, False)
    assert stages.left == _PHOTO


def test_stage_does_not_change_another_one(stages: Stages) -> None:
    """A photo under the same key, its job and the secrets of the other stack are as before."""
    before, after = stages.neighbour
    assert after == before
    assert before.photo == _PHOTO
    assert stages.completed.id not in (before.rows or ())


_NOT_ASKED_FOR_HERE = {
    # Only where a first deployment failed and left its table.
    *("dynamodb:DeleteTable", "dynamodb:Scan", "dynamodb:UpdateTable"),
    # Only in an update.
    "lambda:GetFunctionConcurrency",
    # The local cloud does not check the one, and takes the other for s3:DeleteObject.
    *("lambda:GetAccountSettings", "s3:DeleteObjectVersion"),
}


def test_deploying_role_may_do_what_deploying_needs_and_no_more(
    stages: Stages, deployed: Deployed
) -> None:
    """It deployed and destroyed with the printed policy alone, and used all of it."""
    assert (stages.completed.state, stages.gone.is_there) == (State.COMPLETED, False)
    lines = deployed.place.decisions_file.read_text().splitlines()
    asked = {one["action"] for one in map(json.loads, lines) if one["role"] == _DEPLOYER}
    document = policy(account="1", region=REGION, stack=STACK)
    granted = {action for one in document["Statement"] for action in one["Action"]}
    assert granted - asked == _NOT_ASKED_FOR_HERE
    assert asked - granted == set()
