import itertools
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trustme
from PIL import Image, ImageDraw

from infra.local.evolink.options import Options
from tests.contract.evolink_standin.peers import (
    API_KEY,
    Client,
    PhotoHost,
    Receiver,
    photo_host,
    receiver,
)
from tests.support.running_standin import running_standin

# Waits of the stand-in are a five-hundredth of what they say, its pictures a few pixels wide.
_SPEED = 500.0
_numbers = itertools.count()

Standins = Callable[..., AbstractContextManager[Client]]


@pytest.fixture(scope="session")
def small_photo() -> bytes:
    """Return an orange disc on blue: a photo with a clear subject."""
    picture = Image.new("RGB", (48, 36), "steelblue")
    ImageDraw.Draw(picture).ellipse((12, 8, 36, 28), fill="orange")
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def _photo_host(small_photo: bytes) -> Iterator[PhotoHost]:
    with photo_host(small_photo) as host:
        yield host


@pytest.fixture
def photos(_photo_host: PhotoHost) -> Iterator[PhotoHost]:
    """A host with a photo at every path."""
    yield _photo_host
    _photo_host.special.clear()
    _photo_host.user_agents.clear()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return a certificate authority that only the tests trust."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="session")
def ca_bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the PEM file of the authority."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def _receiver(authority: trustme.CA) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with receiver(context) as taker:
        yield taker


@pytest.fixture
def callbacks(_receiver: Receiver) -> Iterator[Receiver]:
    """A receiver of callbacks that has received none."""
    yield _receiver
    _receiver.statuses.clear()
    _receiver.bodies.clear()
    _receiver.content_types.clear()


@pytest.fixture(scope="session")
def standins(_photo_host: PhotoHost, ca_bundle: Path) -> Standins:
    """Return a function that starts a stand-in with options and yields a client of it."""

    @contextmanager
    def start(**options: Any) -> Iterator[Client]:
        usual: dict[str, Any] = {
            "api_keys": (API_KEY,),
            "seconds": (0.0, 0.0),
            "speed": _SPEED,
            "side_limits": (1, 9000),
            "ca_bundle": ca_bundle,
        }
        with running_standin(Options(**usual | options)) as standin:
            yield Client(url=standin.url, token=standin.control_token, photos=_photo_host.url)

    return start


@pytest.fixture(scope="session")
def _client(standins: Standins) -> Iterator[Client]:
    with standins() as client:
        yield client


@pytest.fixture
def client(_client: Client) -> Iterator[Client]:
    """A client of a stand-in without fault rules."""
    yield _client
    _client.control("DELETE", "/_standin/faults")


@pytest.fixture
def photo() -> str:
    """The path of a photo that no other test uses."""
    return f"/uploads/photo {next(_numbers)}.png"
