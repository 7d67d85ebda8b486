from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.credentials import Credentials, client, make_operator, root_credentials
from infra.local.endpoint import Endpoint
from infra.local.ministack.certificates import Certificates, issue_certificates
from infra.local.ministack.interpreter import bare_interpreter
from infra.local.ministack.ministack_process import start_ministack, wait_for_ministack
from infra.local.place import Place
from infra.local.processes.background import ProcessRecord, stop
from infra.local.processes.loopback import choose_ports
from tests.support.local_cloud import MachineClock


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """An embedded AWS without anything in it."""

    place: Place
    endpoint: Endpoint
    certificates: Certificates
    operator: Credentials
    process: ProcessRecord

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """Return a client of a service, by default with the operator's credentials."""
        return client(service, self.endpoint, credentials or self.operator)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """MiniStack as the local cloud runs it."""
    folder = tmp_path_factory.mktemp("ministack")
    place = Place(source=folder, state=folder, cache=folder / "cache")
    clock = MachineClock()
    certificates = issue_certificates(place.tls)
    port = choose_ports(("gateway",), place.ports_file)["gateway"]
    endpoint = Endpoint(port=port, authority=certificates.authority)
    root = root_credentials()
    process = start_ministack(
        place,
        endpoint,
        certificates=certificates,
        interpreter=bare_interpreter(place.cache),
        root=root,
        reaches_outside=False,
    )
    try:
        wait_for_ministack(process, endpoint, clock, log=place.logs / "ministack.log")
        yield Cloud(
            place=place,
            endpoint=endpoint,
            certificates=certificates,
            operator=make_operator(endpoint, root),
            process=process,
        )
    finally:
        stop(process, clock)
