"""Checks that the decoders of the functions are new enough: `python -m tests.infra.decoders`.

Decoders open what strangers upload, so an old one is a way in. Exit status 1, with what is wrong,
if one in the locks is older than is recorded here, or is of a package that is no longer maintained.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata, version
from pathlib import Path

import pillow_heif
from PIL import features

LOCKS = Path(__file__).resolve().parents[2] / "requirements"
_NAMED = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)
_GIVEN_UP = re.compile("discontinued|deprecated|unmaintained|no longer maintained", re.IGNORECASE)
_INACTIVE = "Development Status :: 7 - Inactive"
_DISCONTINUED = {
    "pi-heif": "discontinued with 1.4.0, which carries libheif 1.23.0, says pillow-heif's README",
}


@dataclass(frozen=True)
class Decoder:
    """A library that decodes files.

    Attributes:
        name: What it is called.
        found: The version that is shipped.
        least: The first version that is good enough.
        reason: What is wrong with those before.
    """

    name: str
    found: str
    least: str
    reason: str


def decoders() -> Iterator[Decoder]:
    """Return all shipped libraries that decode."""
    heif = pillow_heif.libheif_version()
    yield Decoder("Pillow", version("pillow"), "12.0", "the first that reads AVIF as we test it")
    yield Decoder("libheif", heif, "1.23.6", "out-of-bounds writes, CVE-2026-84383 among them")
    avif = features.version_module("avif") or "0"
    yield Decoder("libavif", avif, "1.3.0", "CVE-2025-48174, an overflow in makeRoom")
    webp = features.version_module("webp") or "0"
    yield Decoder("libwebp", webp, "1.3.2", "CVE-2023-4863, an out-of-bounds write")


def faults(found: Iterator[Decoder], locked: dict[str, str]) -> Iterator[str]:
    """What is wrong with the decoders, and with the packages that are locked.

    Args:
        found: The decoders.
        locked: The versions of packages by name.
    """
    for one in found:
        if _parts(one.found) < _parts(one.least):
            yield f"{one.name} {one.found} is older than {one.least}: {one.reason}"
    for name, wanted in locked.items():
        if name in _DISCONTINUED:
            yield f"{name} is {_DISCONTINUED[name]}"
            continue
        told = metadata(name)
        if version(name) != wanted:
            yield f"{name} {wanted} is locked, and {version(name)} installed: run make setup"
        if _INACTIVE in (told.get_all("Classifier") or []):
            yield f"{name} says that it is inactive"
        if _GIVEN_UP.search(told["Summary"] or ""):
            yield f"{name} says of itself: {told['Summary']}"


def locked() -> dict[str, str]:
    """Return the packages that decode, as they are locked for the functions."""
    texts = [(LOCKS / name).read_text() for name in ("store.txt", "prepare.txt")]
    return dict(_NAMED.findall("\n".join(texts)))


def _parts(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:3])


def main() -> int:
    """Print what is wrong; return the exit status."""
    told = list(faults(decoders(), locked()))
    sys.stderr.write("".join(f"{one}\n" for one in told))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
