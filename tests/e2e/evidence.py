"""The report of a failed test: the logs of functions and servers while it ran."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.deployed import Deployed
from tests.e2e.logs import Logs

_LAST_LINES = 40
_SERVERS = ("evolink.log", "ministack.log")
_OF_EVERY_RUN = ("START ", "END ", "REPORT ", "INIT_START ")

Section = tuple[str, str]
"""A title, and the text below it."""


def evidence(deployed: Deployed, since: float) -> list[Section]:
    """Return what the logs of functions and servers say, each log's last lines.

    Args:
        deployed: The stack.
        since: When the test began, in seconds since 1970: functions' lines are of its time.
    """
    return [*_of_functions(deployed, since), *_of_servers(deployed)]


def _of_functions(deployed: Deployed, since: float) -> list[Section]:
    logs = Logs(deployed)
    try:
        told = {group: list(logs.lines(group, since)) for group in logs.groups()}
    except (BotoCoreError, ClientError) as error:
        return [("logs of the functions", f"cannot be read: {error}")]
    return [
        (f"{group}, since the test began", _last(lines)) for group, lines in told.items() if lines
    ]


def _of_servers(deployed: Deployed) -> list[Section]:
    return [
        (str(log), _last(log.read_text(errors="replace").splitlines()))
        for log in (deployed.logs / name for name in _SERVERS)
        if log.is_file()
    ]


def _last(lines: list[str]) -> str:
    telling = [line.rstrip() for line in lines if not line.startswith(_OF_EVERY_RUN)]
    return "\n".join(telling[-_LAST_LINES:])
