"""Messages and advice for expected errors."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as aws
import pytest

from cutout.cli.output.problems import Problem, explained
from cutout.domain.errors import NewerRowError, StoreBusyError


def _refusal(code: str, status: int = 400) -> aws.ClientError:
    told: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return aws.ClientError(told, "ListThings")


@pytest.mark.parametrize(
    ("error", "message", "advice"),
    [
        (aws.NoCredentialsError(), "There are no AWS credentials", "cutout up"),
        (aws.NoRegionError(), "No AWS region", "--region"),
        (aws.ProfileNotFound(profile="x"), "(x) could not be found", "list-profiles"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "cannot be reached", "network"),
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "cannot be reached", "network"),
        (aws.SSLError(endpoint_url="https://x", error=OSError()), "cannot be reached", "network"),
        (aws.TokenRetrievalError(provider="sso", error_msg="no"), "AWS: ", "aws sso login"),
        (_refusal("ExpiredToken"), "AWS refused", "invalid or have expired"),
        (_refusal("UnrecognizedClientException"), "AWS refused", "invalid or have expired"),
        (_refusal("AccessDenied"), "AWS refused", "lack the permission"),
        (_refusal("InvalidAccessKeyId"), "AWS refused", "invalid or have expired"),
        (_refusal("403"), "AWS refused", "lack the permission"),
        (_refusal("AuthorizationError"), "AWS refused", "lack the permission"),
        (_refusal("Throttling"), "AWS refused", "in a minute"),
        (_refusal("SlowDown"), "AWS refused", "in a minute"),
        (_refusal("InternalError", 500), "AWS refused", "in a minute"),
        (_refusal("NoSuchBucket", 404), "AWS refused", ""),
        (PermissionError(13, "Permission denied", "a.jpg"), "a.jpg: Permission denied", "again"),
        (OSError("odd"), "reports: odd", ""),
        (OSError(28, "No space left on device"), "The disk is full", "Free some space"),
        (OSError(28, "No space left", "/a/b"), "The disk of /a/b is full", "Free some space"),
        (aws.ConfigParseError(path="/a", error="x"), "/a", "Correct that file"),
        (aws.CredentialRetrievalError(provider="x", error_msg="y"), "AWS: ", "aws sso login"),
        (StoreBusyError("throttled"), "cannot be read", "again"),
        (NewerRowError("the row x is newer"), "the row x is newer", "the deployed version"),
    ],
)
def test_every_expected_error_has_a_message_and_advice(
    error: Exception, message: str, advice: str
) -> None:
    """Exit status 1, never a traceback."""
    with pytest.raises(Problem) as caught, explained():
        raise error
    assert message in caught.value.message
    assert any(part in caught.value.advice for part in advice.split("|"))
    assert caught.value.exit_code == 1


def test_a_bug_is_not_explained_away() -> None:
    """Only errors of AWS, the network and the local cloud are expected."""
    with pytest.raises(ZeroDivisionError), explained():
        raise ZeroDivisionError


def test_a_closed_pipe_is_no_error_of_files() -> None:
    """`cutout ls | head` prints no error."""
    with pytest.raises(BrokenPipeError), explained():
        raise BrokenPipeError
