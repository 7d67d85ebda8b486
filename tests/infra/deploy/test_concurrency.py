"""The concurrency of an account, and the settings that follow from it."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from infra.deploy.concurrency import RESERVED, free_concurrency, settings_for

_UNUSED = {"CodeSizeUnzipped": 1, "CodeSizeZipped": 1, "TotalCodeSize": 1}


@pytest.fixture
def stubber() -> Iterator[Stubber]:
    """Lambda with prepared answers."""
    client = boto3.client(
        "lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield stubber


def _answers(stubber: Stubber, *, unreserved: int) -> None:
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved}
    stubber.add_response("get_account_settings", {"AccountLimit": limit | _UNUSED})


def test_concurrency_that_others_have_reserved_is_not_free(stubber: Stubber) -> None:
    """The account's whole concurrency is not what is left."""
    _answers(stubber, unreserved=105)
    assert free_concurrency(stubber.client, []) == 105


def test_concurrency_that_the_deployment_has_reserved_is_free_for_it(stubber: Stubber) -> None:
    """An update counts the deployment's own reservations as free."""
    _answers(stubber, unreserved=100)
    stubber.add_response("get_function_concurrency", {"ReservedConcurrentExecutions": 10})
    stubber.add_response("get_function_concurrency", {})
    assert free_concurrency(stubber.client, ["receive", "submit"]) == 110


@pytest.mark.parametrize(
    ("free", "context", "expected"),
    [
        (100 + RESERVED, [], {}),
        (99 + RESERVED, [], {"reserved_concurrency": "false"}),
        (99 + RESERVED, ["reserved_concurrency=true"], {}),
        (
            10,
            [],
            {
                "reserved_concurrency": "false",
                "submit_concurrency": "2",
                "prepare_concurrency": "2",
                "store_concurrency": "2",
            },
        ),
        (
            10,
            ["store_concurrency=3", "submit_concurrency=2"],
            {"reserved_concurrency": "false", "prepare_concurrency": "2"},
        ),
    ],
)
def test_small_account_has_concurrency_left_for_callbacks(
    free: int, context: list[str], expected: dict[str, str]
) -> None:
    """New accounts have ten: three workers of two each leave four. Given settings are kept."""
    assert settings_for(free, context) == expected
