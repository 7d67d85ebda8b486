"""Errors for people: what is wrong, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from cutout.domain.sanitize import plain, plain_lines

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_GIVE_CREDENTIALS = (
    "Start a local cloud with `cutout up` (commands use it only inside its project), or give AWS "
    "credentials as for the AWS CLI (`--profile NAME`, AWS_PROFILE, `aws sso login`)."
)
_INVALID_CREDENTIALS = frozenset(
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
# Besides all codes with `AccessDenied`. A HEAD request has no body, so its code is `403`.
_ACCESS_DENIED = frozenset({"403", "AuthorizationError", "Forbidden", "UnauthorizedOperation"})
_THROTTLED = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown")
_SERVER_ERROR = 500


class Problem(click.ClickException):
    """Ends a command with exit status 1, a message and advice.

    Args:
        message: the message. It is printed on one line, as it may hold untrusted text.
        advice: what to do.
        has_lines: keep the lines of the message, which ends with the output of a program.
    """

    exit_code = 1

    def __init__(self, message: str, *, advice: str = "", has_lines: bool = False) -> None:
        super().__init__(message)
        self.advice = advice
        self._shown = plain_lines if has_lines else plain

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        """Write both to stderr."""
        from cutout.cli.output.terminal import print_error_label  # noqa: PLC0415 - loads slowly

        print_error_label()
        click.echo(self._shown(self.message), err=True)
        if self.advice:
            click.echo(plain(self.advice), err=True)


@contextmanager
def explained() -> Iterator[None]:
    """Turn errors of AWS, the network, the jobs table and files into problems."""
    try:
        yield
    # A problem already, or a mistake on the command line.
    except click.ClickException:
        raise
    except Exception as error:
        if (problem := _problem_of(error)) is None:
            raise
        raise problem from error


def _problem_of(error: Exception) -> Problem | None:
    """Return the problem for an error; None for a defect."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loads slowly

    from cutout.domain.errors import CutoutError, NewerRowError  # noqa: PLC0415

    match error:
        case NewerRowError():
            return Problem(
                f"This version cannot read the stack's data: {error}.",
                advice="Use the deployed version: `cutout doctor` compares it with this one.",
            )
        # After NewerRowError, which is one of them.
        case CutoutError():
            return Problem(f"The stack's data cannot be read: {error}.", advice="Try again.")
        case ClientError():
            return Problem(f"AWS refused: {error}", advice=_advice_on(error))
        case BotoCoreError():
            return _unanswered(error)
        # A broken pipe is no error: the program that reads the output has stopped reading.
        case OSError() if not isinstance(error, BrokenPipeError):
            return _file_refused(error)
    return None


def _advice_on(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if "Expired" in code or code in _INVALID_CREDENTIALS:
        return f"The credentials are invalid or have expired. {_GIVE_CREDENTIALS}"
    if "AccessDenied" in code or code in _ACCESS_DENIED:
        return "These credentials lack the permission; try another profile (`--profile NAME`)."
    if status >= _SERVER_ERROR or any(one in code for one in _THROTTLED):
        return "AWS cannot do it now, and retries did not help: try again in a minute."
    return ""


def _file_refused(error: OSError) -> Problem:
    """Return the problem for a file that cannot be read or written."""
    if error.errno == errno.ENOSPC:
        where = f" of {error.filename}" if error.filename else ""
        return Problem(
            f"The disk{where} is full.",
            advice="Free some space (`df -h` shows the disks), and run it again.",
        )
    if error.filename is None or error.strerror is None:
        return Problem(f"The operating system reports: {error}.")
    return Problem(f"{error.filename}: {error.strerror}.", advice="Fix that, and run it again.")


def _unanswered(error: Exception) -> Problem:
    """Return the problem for a request that was not sent or got no response."""
    import botocore.exceptions as aws  # noqa: PLC0415 - loads slowly

    match error:
        case aws.ProfileNotFound():
            return Problem(f"{error}.", advice="`aws configure list-profiles` lists the profiles.")
        case aws.ConfigParseError():
            return Problem(
                f"{error}.", advice="Correct that file, or name another with AWS_CONFIG_FILE."
            )
        case aws.NoRegionError():
            return Problem(
                "No AWS region is set.", advice=f"Use `--region NAME`. {_GIVE_CREDENTIALS}"
            )
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return Problem("There are no AWS credentials.", advice=_GIVE_CREDENTIALS)
        case aws.HTTPClientError() | aws.ConnectionError():
            return Problem(f"AWS cannot be reached: {error}", advice="Check the network.")
        case _:
            return Problem(f"AWS: {error}", advice=_GIVE_CREDENTIALS)
