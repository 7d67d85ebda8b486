"""Builds the assets: a zip of the locked distributions, to which our own modules are added."""

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Final

from cutout.domain.recipes import RECIPES_FILE, Recipe, write_recipes

from ..deployed_functions import SHAPES, Asset, FunctionName, FunctionShape
from ..version import digest_of
from . import authorities, botocore_data
from .asset_platform import TargetPlatform, target_of
from .build_cache import folder_made_once, key_of, locked, zip_made_once
from .dependencies import files_of, install, site_key
from .folders import SOURCES, cache_folder
from .import_closure import own_modules, shippable

Contents = Mapping[str, bytes]

_CALLS_AWS: Final = "cutout/adapters/"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
# The mode of a Unix file, in the upper half of the attributes; Lambda runs the code as another
# user, who must be able to read it.
_READABLE_BY_ALL: Final = 0o100644 << 16
_UNIX: Final = 3  # the system that the attributes are of; zipfile writes Windows there on Windows


@dataclass(frozen=True)
class AssetBuilder:
    """Builds assets for one platform from one source tree."""

    platform: str
    sources: Path = SOURCES / "functions"
    locks: Path = SOURCES / "requirements"
    cache: Path = field(default_factory=lambda: cache_folder() / "assets")
    _shared: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    """For the folders that all functions have in common."""

    def build(self, shape: FunctionShape) -> Asset:
        """Build the asset of one function, without files of a deployment."""
        return self.build_all((shape,), {})[0]

    def build_all(
        self, shapes: Sequence[FunctionShape], also: Mapping[FunctionName, Contents]
    ) -> list[Asset]:
        """Build several side by side: zlib compresses without Python's global lock."""
        # Not in the threads: Python 3.11 fails at times if two of them parse sources at once
        # (https://github.com/python/cpython/issues/106905).
        modules = [self._own(shape) for shape in shapes]
        contents = [also.get(shape.name, {}) for shape in shapes]
        with locked(self.cache), ThreadPoolExecutor() as pool:
            return list(pool.map(self._build, shapes, modules, contents))

    def _own(self, shape: FunctionShape) -> dict[str, Path]:
        return own_modules(self.sources, shape.handler.rpartition(".")[0], *shape.starts)

    def _build(self, shape: FunctionShape, own: Mapping[str, Path], also: Contents) -> Asset:
        called = botocore_data.names_called(
            path for name, path in own.items() if name.startswith(_CALLS_AWS)
        )
        return zip_made_once(
            self.cache,
            f"{shape.name}-{self.platform}",
            key_of(digest_of(also, also=self._vendored_key(shape, called)), own),
            lambda place: self._add_own(place, own, also, self._vendored(shape, called)),
        )

    @cached_property
    def _target(self) -> TargetPlatform:
        return target_of(self.platform, cache=self.cache)

    def _vendored_key(self, shape: FunctionShape, called: frozenset[str]) -> str:
        what = repr((shape.distributions, shape.aws_services, sorted(called)))
        # A change of the builder itself makes new assets, too.
        builder = {path.name: path for path in sorted(Path(__file__).parent.glob("*.py"))}
        return key_of(f"{what}\0{site_key(self._target, self.locks)}", builder)

    def _vendored(self, shape: FunctionShape, called: frozenset[str]) -> Asset:
        return zip_made_once(
            self.cache,
            f"vendored-{shape.name}-{self.platform}",
            self._vendored_key(shape, called),
            lambda place: self._vendor(place, shape, called),
        )

    def _vendor(self, place: Path, shape: FunctionShape, called: frozenset[str]) -> str:
        with self._shared:
            site = install(self._target, locks=self.locks, cache=self.cache)
        files = files_of(shape.distributions, site=site)
        contents = authorities.in_folder(
            _read(botocore_data.cut(files, shape.aws_services, called))
        )
        add_to_zip(place, contents, compression=self._target.compression)
        return digest_of(contents, also=self._target.fingerprint)

    def _add_own(
        self, place: Path, own: Mapping[str, Path], also: Contents, vendored: Asset
    ) -> str:
        compiled = self._compiled()
        contents = {**_read({name: compiled / name for name in own}), **also}
        # The zip of the distributions is large and changes with the locks only, so it is built
        # once, and our own modules are added to a copy.
        shutil.copyfile(vendored.path, place)
        add_to_zip(place, contents, compression=self._target.compression)
        return digest_of(contents, also=vendored.digest)

    def _compiled(self) -> Path:
        """Return a folder with copies of our modules and their bytecode."""
        # Those of all functions at once: starting the compiler takes longer than compiling.
        own = shippable(self.sources)

        def make(folder: Path) -> None:
            for name, path in own.items():
                copy = folder / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            self._target.compile_tree(folder)

        key = key_of(self._target.fingerprint, own)
        with self._shared:
            return folder_made_once(self.cache, f"own-{self._target.name}", key, make)


def build_all(platform: str, recipes: Sequence[Recipe] = ()) -> dict[FunctionName, Asset]:
    """Build every function for the platform of that name; without recipes, no asset has a file."""
    builder = AssetBuilder(platform)
    file = {f"cutout/{RECIPES_FILE}": write_recipes(recipes).encode()} if recipes else {}
    also = {name: file for name, shape in SHAPES.items() if shape.reads_recipes}
    assets = builder.build_all(tuple(SHAPES.values()), also)
    return dict(zip(SHAPES, assets, strict=True))


def add_to_zip(path: Path, contents: Contents, *, compression: int = 6) -> None:
    """Add files to a zip, which is created if it does not exist; equal files make equal zips.

    `compression` is zlib's level.
    """
    with zipfile.ZipFile(path, "a") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE_BY_ALL
            entry.create_system = _UNIX
            archive.writestr(entry, contents[name], compresslevel=compression)


def _read(files: Mapping[str, Path | bytes]) -> dict[str, bytes]:
    """Read files, and the bytecode beside them."""
    contents: dict[str, bytes] = {}
    for name, source in files.items():
        if isinstance(source, bytes):
            contents[name] = source
            continue
        contents[name] = source.read_bytes()
        # Of any version of Python, and only for modules.
        for bytecode in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"):
            place = PurePosixPath(name).parent / "__pycache__" / bytecode.name
            contents[str(place)] = bytecode.read_bytes()
    return contents
