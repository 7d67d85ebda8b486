"""Every permission is needed, and none is missing: each is taken away in turn."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deployed_functions import Asset, FunctionName
from tests.functions.needs import Need
from tests.infra.removal import BY_AWS, Permission, permissions, refused, verdicts
from tests.infra.variants import VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_without_any_one_permission_something_is_refused_and_with_all_nothing_is(
    name: str, stand_in_assets: dict[FunctionName, Asset], feature_flags: dict[str, Any]
) -> None:
    """Of every role; for what AWS does with a role there is the page that says so."""
    variant = VARIANTS[name]
    reading = variant.synthesize(stand_in_assets, feature_flags)
    granted, needs = permissions(reading), variant.needs()
    roles = set(reading.of_type("AWS::IAM::Role"))
    needless = [one.permission for one in verdicts(granted, needs) if one.reason is None]
    assert needless == []
    assert refused(granted, needs) == []
    assert {one.role for one in granted} == roles
    assert all("https://docs.aws.amazon.com/" in reason for reason in BY_AWS.values())


READ = Permission(role="R", sid="Read", action="s3:GetObject", resource="<B.Arn>/photos/*")
ASKED = Need(role="R", action="s3:GetObject", resource="<B.Arn>/photos/a.jpg", because="it reads")


def test_a_permission_that_nobody_asks_for_has_no_reason() -> None:
    """Neither of the same action elsewhere, nor of another role's."""
    elsewhere = Permission(role="R", sid="E", action="s3:GetObject", resource="<C.Arn>/*")
    others = Permission(role="S", sid="O", action="s3:GetObject", resource="<B.Arn>/photos/*")
    found = {one.permission.sid: one.reason for one in verdicts([READ, elsewhere, others], [ASKED])}
    assert found == {"Read": "it reads", "E": None, "O": None}


def test_what_two_permissions_allow_needs_neither() -> None:
    """Each is superfluous beside the other."""
    wider = Permission(role="R", sid="Wider", action="s3:GetObject", resource="<B.Arn>/*")
    assert [one.reason for one in verdicts([READ, wider], [ASKED])] == [None, None]


def test_what_is_asked_for_and_not_allowed_is_refused() -> None:
    """Outside the resource, and through a service that may not use the key."""
    outside = Need(role="R", action="s3:GetObject", resource="<B.Arn>/other/a.jpg", because="")
    decrypt = Permission(role="R", sid="", action="kms:Decrypt", resource="<K>", via="s3")
    through = {
        service: Need(role="R", action="kms:Decrypt", resource="<K>", via=service, because="")
        for service in ("s3", "sqs")
    }
    asked = [ASKED, outside, *through.values()]
    assert refused([READ, decrypt], asked) == [outside, through["sqs"]]
