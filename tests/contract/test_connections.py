"""The connections of AWS clients: one TLS context, which checks servers as botocore's own does."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest
import trustme
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import SSLError
from botocore.httpsession import URLLib3Session

from cutout.cli.aws import clients as cli
from cutout.cli.aws.target import Target
from cutout.wiring.aws_clients import Clients, Connections, tls_context
from infra.assets.authorities import files_by_subject
from tests.support.scripted_server import Loopback, answer, serving


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A throw-away certificate authority."""
    return trustme.CA()


def speaking(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """The TLS of a server with a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    """The TLS of a function whose asset has this authority's certificate, among others."""
    bundle = Path(certifi.where()).read_text() + authority.cert_pem.bytes().decode()
    for name, content in files_by_subject(bundle).items():
        (folder / name).write_bytes(content)
    return tls_context(folder)


def request_to(server: Loopback) -> AWSPreparedRequest:
    """Return a request as a client of botocore passes it on."""
    return AWSRequest("GET", server.url(scheme="https")).prepare()


def test_certificates_of_the_context_are_used(authority: trustme.CA, tmp_path: Path) -> None:
    """Those that botocore would read itself are not read, and of the folder's only one."""
    context = trusting(authority, tmp_path)
    with serving(answer(200, b"here"), tls=speaking(authority, "127.0.0.1")) as server:
        assert Connections(context).send(request_to(server)).content == b"here"
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("trusted", "name"), [(False, "127.0.0.1"), (True, "other.example")], ids=["stranger", "name"]
)
def test_untrusted_server_gets_no_request(
    authority: trustme.CA, tmp_path: Path, *, trusted: bool, name: str
) -> None:
    """Neither one of an unknown authority, nor one of another name."""
    context = trusting(authority if trusted else trustme.CA(), tmp_path)
    with (
        serving(answer(200), tls=speaking(authority, name)) as server,
        pytest.raises(SSLError, match="certificate verify failed"),
    ):
        Connections(context).send(request_to(server))
    assert server.requests == []


def test_all_clients_of_a_function_share_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the certificates are read once."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    clients = Clients({})
    sqs, sts = clients.sqs._endpoint, clients.sts._endpoint  # type: ignore[attr-defined] # noqa: SLF001
    assert sqs.http_session is sts.http_session


def session_of(clients: cli.TargetClients, service: str) -> URLLib3Session:
    """Return the connections of a client."""
    session: URLLib3Session = clients.client(service)._endpoint.http_session  # noqa: SLF001
    return session


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set neither a bundle of authorities nor a proxy."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_ENDPOINT_URL", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_clients_of_a_command_share_one_context(no_bundle: pytest.MonkeyPatch) -> None:
    """They keep the time-outs of commands and the person's proxy."""
    no_bundle.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    clients = cli.TargetClients(Target(stack="Cutout", region="eu-central-1"), is_impatient=True)
    sqs, sts = session_of(clients, "sqs"), session_of(clients, "sts")
    assert sqs._get_ssl_context() is sts._get_ssl_context()  # type: ignore[attr-defined] # noqa: SLF001
    assert (sqs._timeout.connect_timeout, sqs._timeout.read_timeout) == (3, 10)  # type: ignore[attr-defined] # noqa: SLF001
    assert sqs._proxy_config.proxy_url_for("https://sqs") == "http://proxy.example:3128"  # type: ignore[attr-defined] # noqa: SLF001


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_command_trusts_the_authorities_that_a_person_sets(
    no_bundle: pytest.MonkeyPatch, variable: str
) -> None:
    """No others: botocore reads the file for each connection, as always."""
    no_bundle.setenv(variable, "/etc/company.pem")
    clients = cli.TargetClients(Target(stack="Cutout", region="eu-central-1"))
    assert session_of(clients, "sqs")._verify == "/etc/company.pem"  # type: ignore[attr-defined] # noqa: SLF001
