"""MiniStack in a process of its own, with nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.ministack.certificates import Certificates, issue_certificates
from infra.local.ministack.ministack_process import start_ministack, wait_for_ministack
from infra.local.place import Place
from infra.local.processes.background import ProcessRecord, stop
from infra.local.processes.loopback import choose_ports
from infra.local.sdk_access import Credentials, Endpoint
from tests.support.local_cloud import MachineClock


@dataclass(frozen=True, kw_only=True)
class RunningMinistack:
    """How to reach it, and its process."""

    place: Place
    endpoint: Endpoint
    certificates: Certificates
    process: ProcessRecord


@contextmanager
def running_ministack(
    folder: Path,
    *,
    root: Credentials,
    interpreter: Path,
    server: str = "infra.local.ministack.serve",
) -> Iterator[RunningMinistack]:
    """Start it as the local cloud does, with its files in a folder, and stop it at the end.

    Args:
        folder: Where it keeps its files.
        root: The credentials of its root user.
        interpreter: Runs the functions.
        server: The module that serves it.
    """
    place = Place(source=folder, state=folder, cache=folder / "cache")
    clock = MachineClock()
    certificates = issue_certificates(place.tls)
    port = choose_ports(("gateway",), place.ports_file)["gateway"]
    endpoint = Endpoint(port=port, authority=certificates.authority)
    process = start_ministack(
        place,
        endpoint,
        certificates=certificates,
        interpreter=interpreter,
        root=root,
        reaches_outside=False,
        server=server,
    )
    try:
        wait_for_ministack(process, endpoint, clock, log=place.state / "ministack.log")
        yield RunningMinistack(
            place=place, endpoint=endpoint, certificates=certificates, process=process
        )
    finally:
        stop(process, clock)
