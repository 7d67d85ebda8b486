"""Puts the assets together and remembers what has been built."""

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from infra.assets import botocore_data
from infra.assets.archive import Size, digest_of, write_zip
from infra.assets.bytecode import compile_tree, compiled, place_of
from infra.assets.closure import own_modules
from infra.assets.target import Target
from infra.assets.vendor import LOCKS, Site, install
from infra.inventory import SHAPES, Asset, FunctionName, FunctionShape

PROJECT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Built:
    """An asset and how large it is."""

    asset: Asset
    size: Size


@dataclass(frozen=True)
class Workshop:
    """Builds assets for one platform out of one source tree."""

    platform: str
    sources: Path = field(default=PROJECT / "functions")
    locks: Path = field(default=PROJECT / "requirements")
    cache: Path = field(default=PROJECT / ".cutout" / "assets")

    def build(self, shape: FunctionShape) -> Built:
        """Build the asset of one function, unless it is there already.

        Raises:
            AssetError: it cannot be built.
        """
        own = own_modules(self.sources, shape.handler.rpartition(".")[0])
        place = self.cache / f"{shape.name}-{self.platform}-{self._key(shape, own)}"
        with _alone(self.cache):
            known = _recall(place)
            return known or self._make(shape, own, place)

    @cached_property
    def _target(self) -> Target:
        return Target.of(self.platform)

    @cached_property
    def _site(self) -> Site:
        return install(self._target, locks=self.locks, cache=self.cache)

    @property
    def _bytecode(self) -> str:
        return self._target.fingerprint if self._target.compiler else "none"

    def _key(self, shape: FunctionShape, own: Mapping[str, Path]) -> str:
        digest = hashlib.sha256(repr((shape.distributions, shape.aws_services)).encode())
        digest.update(f"{self._target.fingerprint}\0{self._bytecode}".encode())
        inputs = {name: self.locks / name for name in LOCKS} | _builder() | dict(own)
        for name, path in inputs.items():
            digest.update(f"\0{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
        return digest.hexdigest()[:16]

    def _make(self, shape: FunctionShape, own: Mapping[str, Path], place: Path) -> Built:
        vendored = botocore_data.cut(self._site.files(shape.distributions), shape.aws_services)
        contents = _read(vendored)
        with tempfile.TemporaryDirectory(dir=self.cache, prefix="building-") as temporary:
            contents |= _read(self._staged(own, Path(temporary) / "own"))
            fresh = Path(temporary) / "asset.zip"
            size = write_zip(fresh, contents)
            digest = digest_of(contents, bytecode=self._bytecode)
            fresh.replace(place.with_suffix(".zip"))
        record: dict[str, Any] = {"digest": digest, "size": asdict(size)}
        place.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
        return _built(place, record)

    def _staged(self, own: Mapping[str, Path], folder: Path) -> dict[str, Path]:
        """Copy our modules aside, so that bytecode is never written beside the sources."""
        copies = {name: folder / name for name in own}
        for name, path in own.items():
            copies[name].parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copies[name])
        if self._target.compiler:
            compile_tree(self._target.compiler, folder)
        return copies


def build_all(platform: str) -> dict[FunctionName, Asset]:
    """Build every function of this checkout for the platform that `asset_platform` names.

    Raises:
        AssetError: one cannot be built.
    """
    workshop = Workshop(platform)
    return {name: workshop.build(shape).asset for name, shape in SHAPES.items()}


def _read(files: Mapping[str, Path | bytes]) -> dict[str, bytes]:
    """Read files, and the bytecode beside them."""
    contents: dict[str, bytes] = {}
    for name, source in files.items():
        if isinstance(source, bytes):
            contents[name] = source
            continue
        contents[name] = source.read_bytes()
        if name.endswith(".py") and (bytecode := compiled(source)):
            contents[place_of(name, bytecode)] = bytecode.read_bytes()
    return contents


def _builder() -> dict[str, Path]:
    return {f"builder/{path.name}": path for path in sorted(Path(__file__).parent.glob("*.py"))}


def _recall(place: Path) -> Built | None:
    record = place.with_suffix(".json")
    if not (record.is_file() and place.with_suffix(".zip").is_file()):
        return None
    return _built(place, json.loads(record.read_text(encoding="utf-8")))


def _built(place: Path, record: Mapping[str, Any]) -> Built:
    return Built(
        asset=Asset(path=place.with_suffix(".zip"), digest=record["digest"]),
        size=Size(**record["size"]),
    )


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let one process build at a time; a second one then finds everything there."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
