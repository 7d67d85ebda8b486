"""The authorities' certificates in assets, by the names that OpenSSL looks for."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from infra.assets.authorities import FOLDER, files_by_subject, in_folder

BUNDLE = Path(certifi.where()).read_text()


@pytest.mark.parametrize(
    ("name", "common_name"),
    [
        ("ce5e74ef.0", "Amazon Root CA 1"),
        ("4042bcee.0", "ISRG Root X1"),
        ("607986c7.0", "DigiCert Global Root G2"),
    ],
)
def test_files_have_the_names_that_openssl_gives(name: str, common_name: str) -> None:
    """As `openssl rehash` names them in /etc/ssl/certs of any Linux."""
    (found,) = (one for one in BUNDLE.split("\n# Issuer: ") if f"CN={common_name} " in one)
    (pem,) = files_by_subject(found).items()
    assert pem == (name, files_by_subject(BUNDLE)[name])


def test_no_certificate_is_lost() -> None:
    """Two authorities of one name are numbered."""
    assert len(files_by_subject(BUNDLE)) == BUNDLE.count("BEGIN CERTIFICATE")
    twice = files_by_subject(2 * BUNDLE)
    assert {twice["ce5e74ef.0"]} == {twice["ce5e74ef.1"]}


def test_the_folder_replaces_the_bundles() -> None:
    """Httpx's bundle counts where there are two."""
    contents = {
        "botocore/cacert.pem": b"",
        "certifi/cacert.pem": BUNDLE.encode(),
        "botocore/session.py": b"...",
    }
    kept = in_folder(contents)
    assert {name for name in kept if not name.startswith(FOLDER)} == {"botocore/session.py"}
    assert len(kept) == 1 + len(files_by_subject(BUNDLE))
