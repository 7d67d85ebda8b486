"""Every permission is needed, and none is missing: each is removed in turn."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deployed_functions import Asset, FunctionName
from tests.functions.needs import Need
from tests.infra.permission_removal import BY_AWS, Permission, permissions, refused, verdicts
from tests.infra.permission_variants import VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_every_permission_is_needed_and_none_is_missing(
    name: str, stand_in_assets: dict[FunctionName, Asset], feature_flags: dict[str, Any]
) -> None:
    """For every role; a permission for AWS itself is explained by a page of AWS."""
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


def test_permission_that_no_request_needs_has_no_reason() -> None:
    """Requests on another resource, or of another role, do not count."""
    elsewhere = Permission(role="R", sid="E", action="s3:GetObject", resource="<C.Arn>/*")
    others = Permission(role="S", sid="O", action="s3:GetObject", resource="<B.Arn>/photos/*")
    found = {one.permission.sid: one.reason for one in verdicts([READ, elsewhere, others], [ASKED])}
    assert found == {"Read": "it reads", "E": None, "O": None}


def test_permission_that_another_covers_is_not_needed() -> None:
    """Neither of the two is needed."""
    wider = Permission(role="R", sid="Wider", action="s3:GetObject", resource="<B.Arn>/*")
    assert [one.reason for one in verdicts([READ, wider], [ASKED])] == [None, None]


def test_request_without_permission_is_refused() -> None:
    """Outside the resource, and through a service that may not use the key."""
    outside = Need(role="R", action="s3:GetObject", resource="<B.Arn>/other/a.jpg", because="")
    decrypt = Permission(role="R", sid="", action="kms:Decrypt", resource="<K>", via="s3")
    through = {
        service: Need(role="R", action="kms:Decrypt", resource="<K>", via=service, because="")
        for service in ("s3", "sqs")
    }
    asked = [ASKED, outside, *through.values()]
    assert refused([READ, decrypt], asked) == [outside, through["sqs"]]
