"""A temporary certificate authority that only the local cloud trusts.

MiniStack enforces policies, and those of the buckets deny plain HTTP: it has to serve TLS.
"""

from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

# No "*.localhost": OpenSSL takes no wildcard right under a top-level name.
_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """PEM files of a local cloud; `everything` holds its authority and all public ones."""

    authority: Path
    chain: Path
    key: Path
    everything: Path


def issue_certificates(folder: Path) -> Certificates:
    """Create an authority, whose key is not kept, and a server certificate for loopback."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Certificates(
        authority=folder / "ca.pem",
        chain=folder / "server.pem",
        key=folder / "server.key",
        everything=folder / "ca-and-public.pem",
    )
    authority = trustme.CA(organization_name="Cutout local cloud")
    server = authority.issue_cert(*_NAMES)
    authority.cert_pem.write_to_path(str(made.authority))
    made.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    # Private before the key is in it.
    made.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(str(made.key))
    public = Path(certifi.where()).read_bytes()
    made.everything.write_bytes(authority.cert_pem.bytes() + public)
    return made
