"""MiniStack as a background process: an embedded AWS with TLS and enforced policies."""

import ssl
import sys
import venv
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from infra.local.ministack.certificates import Certificates
from infra.local.place import Place
from infra.local.processes.background import ProcessRecord, spawn, wait_until_ready
from infra.local.processes.loopback import LOOPBACK
from infra.local.processes.waiting import Clock
from infra.local.sdk_access import ACCOUNT, REGION, Credentials, Endpoint

_HEALTH_TIMEOUT_SECONDS = 2


def bare_interpreter(folder: Path) -> Path:
    """Return a package-free interpreter of this Python's version; create it if necessary."""
    home = folder / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    interpreter = home / "bin" / "python"
    # On AWS a function has only its asset and the runtime. With the project's own interpreter it
    # could import all of the project's packages, and what its asset lacks would only fail on AWS.
    if not interpreter.exists():
        venv.create(home, with_pip=False, symlinks=True, clear=True)
    return interpreter


def start_ministack(
    place: Place,
    endpoint: Endpoint,
    *,
    certificates: Certificates,
    interpreter: Path,
    root: Credentials,
    reaches_outside: bool,
    server: str = "infra.local.ministack.serve",
) -> ProcessRecord:
    """Start MiniStack in the background, without waiting; `server` is the module to run."""
    argv = [
        *(sys.executable, "-P", "-m", server, str(endpoint.port)),
        *(str(certificates.chain), str(certificates.key), str(interpreter)),
    ]
    place.scratch.mkdir(parents=True, exist_ok=True)
    environment = {
        **place.environment,
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificates.chain),
        "MINISTACK_SSL_KEY": str(certificates.key),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(endpoint.port),
        "LAMBDA_EXECUTOR": "local",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "CUTOUT_DECISIONS_LOG": str(place.decisions_file),
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_CA_BUNDLE": str(certificates.authority),
        # All public authorities only if necessary: reading 120 takes 25 ms for each connection.
        "SSL_CERT_FILE": str(
            certificates.everything if reaches_outside else certificates.authority
        ),
    }
    return spawn("ministack", argv, environment=environment, log=place.state / "ministack.log")


def wait_for_ministack(
    process: ProcessRecord, endpoint: Endpoint, clock: Clock, *, log: Path
) -> None:
    """Wait until MiniStack answers; LocalCloudError if it has ended or does not answer in time."""
    wait_until_ready(process, lambda: is_healthy(endpoint), clock, log, "MiniStack")


def is_healthy(endpoint: Endpoint) -> bool:
    """Return True if MiniStack answers at this endpoint."""
    trust = ssl.create_default_context(cafile=str(endpoint.authority))
    connection = HTTPSConnection(
        LOOPBACK, endpoint.port, timeout=_HEALTH_TIMEOUT_SECONDS, context=trust
    )
    try:
        with closing(connection):
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
