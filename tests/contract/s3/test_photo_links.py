"""Links to uploads that work for as long as they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.stub import Stubber

from cutout.adapters.s3.photo_links import S3PhotoLinks
from cutout.domain.job.source import Source
from cutout.domain.polling_and_timing import LINK_SESSION, PHOTO_LINK_LIFE
from cutout.wiring.aws_clients import Clients
from tests.support.aws_account import REGION, cloud

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

ROLE = "arn:aws:iam::123456789012:role/photo-reader"
WORK = "work"
NOW = datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC)
SOURCE = Source(
    bucket="uploads", key="shoes/red.jpg", version_id="v1", etag="e1", sequencer="00AB", size=1
)
KEYS = [
    "shoes/red.jpg",
    "my photos/red shoe.jpg",
    "a+b.jpg",
    "100%.jpg",
    "100%25.jpg",
    "a b+ü%20.jpg",
    "Söhne/写真 🥾.jpg",
    "../../etc/passwd.jpg",
    "a/./b//c.jpg",
    "what?is#this&that=it.jpg",
    "~'()*!$,;:@[].jpg",
]


@dataclass
class Clock:
    """A clock that a test sets."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The time."""
        return self.at


@dataclass
class Session:
    """STS that returns sessions of an hour, numbered, and S3 clients made from them."""

    clients: Clients
    clock: Clock = field(default_factory=Clock)
    connected: list[str] = field(default_factory=list)

    def links(self, *, sessions: int) -> S3PhotoLinks:
        """Return links, with so many sessions available."""
        sts = self.clients.sts
        stubber = Stubber(sts)
        for number in range(sessions):
            stubber.add_response("assume_role", self._answer(number), _ASKED)
        stubber.activate()
        return S3PhotoLinks(sts, ROLE, WORK, self._connect, self.clock)

    def _answer(self, number: int) -> dict[str, Any]:
        began_at = NOW + number * (LINK_SESSION - PHOTO_LINK_LIFE) + timedelta(seconds=number)
        ends_at = began_at + LINK_SESSION
        credentials = {
            "AccessKeyId": f"ASIA0000000000000{number:03}",
            "SecretAccessKey": "secret",
            "SessionToken": f"token-{number}",
            "Expiration": ends_at,
        }
        return {"Credentials": credentials}

    def _connect(self, credentials: CredentialsTypeDef) -> S3Client:
        self.connected.append(credentials["SessionToken"])
        return self.clients.s3_as(credentials)


_ASKED = {
    "RoleArn": ROLE,
    "RoleSessionName": "cutout-photo-links",
    "DurationSeconds": 3600,
}


@pytest.fixture
def session() -> Iterator[Session]:
    """An account with prepared sessions."""
    with cloud() as clients:
        yield Session(clients)


def query(link: str) -> dict[str, str]:
    """The query of a link."""
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def test_link_names_the_version_and_its_lifetime(session: Session) -> None:
    """Signed with signature version 4, by the session of the role, for `PHOTO_LINK_LIFE`."""
    told = query(session.links(sessions=1).link(SOURCE, "image/jpeg"))
    assert told["versionId"] == "v1"
    assert told["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert told["X-Amz-Expires"] == "3000"
    assert told["X-Amz-Security-Token"] == "token-0"
    assert told["X-Amz-SignedHeaders"] == "host"
    assert f"/{REGION}/s3/aws4_request" in told["X-Amz-Credential"]


def test_link_answers_with_the_detected_type(session: Session) -> None:
    """Of an upload and of a copy: the uploader's own Content-Type and file name are not sent."""
    links = session.links(sessions=1)
    for link in (links.link(SOURCE, "image/png"), links.copy_link("copies/a", "image/png")):
        told = query(link)
        assert told["response-content-type"] == "image/png"
        assert told["response-content-disposition"] == "inline"


def test_link_goes_to_the_regions_own_host(session: Session) -> None:
    """The global host redirects for new buckets, and not every client follows."""
    parts = urlsplit(session.links(sessions=1).link(SOURCE, "image/jpeg"))
    assert (parts.scheme, parts.netloc) == ("https", f"uploads.s3.{REGION}.amazonaws.com")


def test_photo_without_a_version_has_no_link(session: Session) -> None:
    """It would name the key alone, which may be overwritten before the provider reads."""
    with pytest.raises(ValueError, match="needs a version"):
        session.links(sessions=0).link(replace(SOURCE, version_id=None), "image/png")


def test_link_to_a_copy_names_its_key_in_the_work_bucket(session: Session) -> None:
    """Each photo's copy has a key of its own."""
    link = session.links(sessions=1).copy_link("prepared/0f.png", "image/png")
    assert urlsplit(link).path == "/prepared/0f.png"
    assert urlsplit(link).netloc.startswith(f"{WORK}.")
    assert "versionId" not in query(link)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_can_be_in_a_link(session: Session, key: str) -> None:
    """The path is the key, quoted once, in plain ASCII, with its extension last."""
    link = session.links(sessions=1).link(replace(SOURCE, key=key), "image/jpeg")
    path = urlsplit(link).path
    assert unquote(path) == f"/{key}"
    assert link.isascii()
    assert path.endswith(".jpg")
    assert "+" not in path


@pytest.mark.parametrize(
    "version", ["v1", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"]
)
def test_every_version_can_be_in_a_link(session: Session, version: str) -> None:
    """Also one with a plus sign."""
    link = session.links(sessions=1).link(replace(SOURCE, version_id=version), "image/jpeg")
    assert query(link)["versionId"] == version


@pytest.mark.parametrize(
    ("after", "sessions"),
    [
        (timedelta(0), 1),
        (LINK_SESSION - PHOTO_LINK_LIFE, 1),
        (LINK_SESSION - PHOTO_LINK_LIFE + timedelta(seconds=1), 2),
        (LINK_SESSION, 2),
    ],
)
def test_session_is_renewed_if_it_would_expire_before_a_link(
    session: Session, after: timedelta, sessions: int
) -> None:
    """With less than `PHOTO_LINK_LIFE` left, a new session is begun."""
    links = session.links(sessions=sessions)
    links.link(SOURCE, "image/png")
    session.clock.at = NOW + after
    told = query(links.link(SOURCE, "image/jpeg"))
    assert told["X-Amz-Security-Token"] == f"token-{sessions - 1}"
    assert session.connected == [f"token-{number}" for number in range(sessions)]


def test_many_links_share_a_session(session: Session) -> None:
    """Only the first link begins one."""
    links = session.links(sessions=1)
    for number in range(20):
        link = links.link(replace(SOURCE, key=f"{number}.jpg"), "image/jpeg")
        assert link.startswith("https://")
    assert session.connected == ["token-0"]


def test_link_lives_longer_than_the_grace_time_and_the_providers_own() -> None:
    """20 minutes of grace, 20 of the provider's: a repeated call still finds the photo."""
    assert timedelta(minutes=40) < PHOTO_LINK_LIFE < LINK_SESSION <= timedelta(hours=1)


def test_role_is_assumed() -> None:
    """The link is signed by the session that STS gave."""
    with cloud() as clients:
        clock = Clock(datetime.now(UTC))
        link = S3PhotoLinks(clients.sts, ROLE, WORK, clients.s3_as, clock).link(
            SOURCE, "image/jpeg"
        )
        assert query(link)["X-Amz-Credential"].startswith("ASIA")
        assert "X-Amz-Security-Token" in query(link)
