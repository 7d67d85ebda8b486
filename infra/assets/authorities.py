"""The trusted certificates, each in a file of its own, named as OpenSSL looks for it.

Reading all of them takes a fifth of a cold start; from a folder, OpenSSL reads the one that it
needs when a server presents its own. The name is the one that `openssl rehash` gives.
https://docs.openssl.org/3.0/man1/openssl-rehash/
"""

import hashlib
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

FOLDER: Final = "cutout/authorities"
"""In an asset; `cutout.wiring.aws_clients` reads it."""

_BUNDLES: Final = ("certifi/cacert.pem", "botocore/cacert.pem")
"""Those that a client reads if there is no folder, the first that exists."""
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)
_VERSION, _SET, _SEQUENCE, _UTF8, _T61 = 0xA0, 0x31, 0x30, 0x0C, 0x14
_SUBJECT: Final = 4
"""Its place in a certificate after the version: RFC 5280, section 4.1."""
_LONG: Final = 0x80


def in_folder(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the contents of an asset with the folder instead of the files of all certificates."""
    bundles = [contents[name] for name in _BUNDLES if name in contents]
    others = {name: content for name, content in contents.items() if name not in _BUNDLES}
    files = files_by_subject(bundles[0].decode())
    return others | {f"{FOLDER}/{name}": content for name, content in files.items()}


def files_by_subject(bundle: str) -> dict[str, bytes]:
    """Return the certificates of a bundle as files of PEM."""
    files: dict[str, bytes] = {}
    for pem in _CERTIFICATE.findall(bundle):
        name = subject_hash(ssl.PEM_cert_to_DER_cert(pem))
        # Authorities of one name are numbered.
        number = sum(one.startswith(name) for one in files)
        files[f"{name}.{number}"] = f"{pem}\n".encode()
    return files


def subject_hash(certificate: bytes) -> str:
    """Return OpenSSL's hash of a certificate's subject: X509_NAME_hash(3)."""
    ((_, whole),) = _parts(certificate)
    (_, signed), *_ = _parts(whole)
    fields = [content for kind, content in _parts(signed) if kind != _VERSION]
    names = (_canonical(content) for _, content in _parts(fields[_SUBJECT]))
    digest = hashlib.sha1(b"".join(names), usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _canonical(attributes: bytes) -> bytes:
    """Return attributes as OpenSSL compares them: in UTF-8 and lower case, each space once."""
    encoded = []
    for _, attribute in _parts(attributes):
        (oid_kind, oid), (kind, value) = _parts(attribute)
        text = value.decode("latin-1" if kind == _T61 else "utf-8")
        # Only the letters and spaces of ASCII.
        plain = b" ".join(text.encode().lower().split())
        encoded.append(_part(_SEQUENCE, _part(oid_kind, oid) + _part(_UTF8, plain)))
    return _part(_SET, b"".join(sorted(encoded)))


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the content of each value: X.690, section 8.1."""
    while der:
        kind, size, start = der[0], der[1], 2
        if size > _LONG:
            start += size - _LONG
            size = int.from_bytes(der[2:start], "big")
        yield kind, der[start : start + size]
        der = der[start + size :]


def _part(kind: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < _LONG else bytes([_LONG + 1, size])
    return bytes([kind]) + length + content
