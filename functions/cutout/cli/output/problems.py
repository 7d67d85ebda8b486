"""What a person is told when a command cannot do its work: what is wrong, and what to do."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from cutout.domain.text.sanitize import plain, plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

_SAY_WHO_YOU_ARE = (
    "Start a local cloud with `cutout up`, or give AWS credentials as the AWS CLI takes them "
    "(`--profile NAME`, AWS_PROFILE, `aws sso login`)."
)
_UNKNOWN_CALLER = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_MAY_NOT = frozenset({"403", "AuthorizationError", "Forbidden", "UnauthorizedOperation"})
"""Beside all that speak of denied access; 403 is what a HEAD says, which has no body."""
_IN_A_HURRY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown")
_SERVERS_FAULT = 500


class Problem(click.ClickException):
    """Ends a command with exit status 1, a sentence, and advice.

    Args:
        message: the sentence; it is printed on one line, as it may hold text of others.
        advice: what to do.
        has_lines: the message ends in what a program wrote, whose lines are kept.
    """

    exit_code = 1

    def __init__(self, message: str, *, advice: str = "", has_lines: bool = False) -> None:
        super().__init__(message)
        self.advice = advice
        self._shown = plain_lines if has_lines else plain

    def show(self, file: IO[Any] | None = None) -> None:
        """Write both to standard error."""
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True, file=file)
        click.echo(self._shown(self.message), err=True, file=file)
        if self.advice:
            click.echo(plain(self.advice), err=True, file=file)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what AWS, the network, the table, the local cloud and files refuse into problems."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        if (problem := _problem_of(error)) is None:
            raise
        raise problem from error


def _problem_of(error: Exception) -> Problem | None:
    """Return what a person is told of an error; None for a defect."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loads slowly

    from cutout.domain.errors import CutoutError, NewerRowError  # noqa: PLC0415
    from infra.local.errors import LocalCloudError  # noqa: PLC0415

    problem: Problem | None = None
    match error:
        case LocalCloudError():
            problem = Problem(str(error), advice=error.advice, has_lines=True)
        case NewerRowError():
            problem = Problem(
                f"The stack's data cannot be read here: {error}.",
                advice="Use the version that is deployed: `cutout doctor` compares it with this.",
            )
        case CutoutError():
            problem = Problem(f"The stack's data cannot be read: {error}.", advice="Try again.")
        case ClientError():
            problem = _refused(error)
        case BotoCoreError():
            problem = _not_asked(error)
        case BrokenPipeError():
            pass  # The program that reads our output has enough: no fault of files.
        case OSError():
            problem = _file_refused(error)
    return problem


def _refused(error: ClientError) -> Problem:
    """Say what AWS refused."""
    return Problem(f"AWS refused: {error}", advice=_advice_on(error))


def _advice_on(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if "Expired" in code or code in _UNKNOWN_CALLER:
        return f"The credentials are not valid (any more). {_SAY_WHO_YOU_ARE}"
    if "AccessDenied" in code or code in _MAY_NOT:
        return "The credentials in use may not do this; another profile may (`--profile NAME`)."
    if status >= _SERVERS_FAULT or any(hurry in code for hurry in _IN_A_HURRY):
        return "AWS cannot do it now, though it was asked several times: try again in a minute."
    return ""


def _file_refused(error: OSError) -> Problem:
    """Say which file cannot be read or written, and why."""
    if error.errno == errno.ENOSPC:
        where = f" of {error.filename}" if error.filename else ""
        return Problem(
            f"The disk{where} is full: nothing more could be written.",
            advice="Make room (`df -h` shows where), and run it again.",
        )
    if error.filename is None or error.strerror is None:
        return Problem(f"This machine refused: {error}.")
    return Problem(f"{error.filename}: {error.strerror}.", advice="Mend that, and run it again.")


def _not_asked(error: Exception) -> Problem:
    """Say why AWS was not even asked, or gave no answer."""
    import botocore.exceptions as aws  # noqa: PLC0415 - loads slowly

    match error:
        case aws.ProfileNotFound():
            return Problem(f"{error}.", advice="`aws configure list-profiles` shows them.")
        case aws.ConfigParseError():
            return Problem(
                f"{error}.", advice="Correct that file, or name another with AWS_CONFIG_FILE."
            )
        case aws.NoRegionError():
            return Problem(
                "No AWS region is chosen.", advice=f"Say `--region NAME`. {_SAY_WHO_YOU_ARE}"
            )
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return Problem("There are no AWS credentials.", advice=_SAY_WHO_YOU_ARE)
        case aws.HTTPClientError() | aws.ConnectionError():
            return Problem(f"AWS cannot be reached: {error}", advice="Check the network.")
        case _:
            return Problem(f"AWS: {error}", advice=_SAY_WHO_YOU_ARE)
