"""Botocore's data for only the services that a function calls: 1 MB of models instead of 20."""

import gzip
import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

_DATA: Final = PurePosixPath("botocore/data")
_MODEL: Final = "/service-2.json.gz"
_ENDPOINTS: Final = "botocore/data/endpoints.json"


def cut(files: Mapping[str, Path], services: Collection[str]) -> dict[str, Path | bytes]:
    """Leave out the models and endpoints of all other services."""
    kept: dict[str, Path | bytes] = {
        name: path for name, path in files.items() if not _is_of_another(name, services)
    }
    for name in [one for one in kept if one.endswith(_MODEL)]:
        del kept[name]
        kept[name.removesuffix(".gz")] = _without_documentation(files[name])
    if _ENDPOINTS in kept:
        kept[_ENDPOINTS] = _cut_endpoints(files[_ENDPOINTS], services)
    return kept


def _is_of_another(name: str, services: Collection[str]) -> bool:
    path = PurePosixPath(name)
    if not path.is_relative_to(_DATA):
        return False
    parts = path.relative_to(_DATA).parts
    return len(parts) > 1 and parts[0] not in services


def _without_documentation(path: Path) -> bytes:
    """Return a model whose documentation is empty, uncompressed: the zip is compressed anyway."""

    # Its text is half of what a cold start would read. The keys stay: botocore looks for some of
    # them when it presigns.
    def emptied(part: dict[str, object]) -> dict[str, object]:
        # A member of a shape may be called documentation, too.
        is_text = isinstance(part.get("documentation"), str)
        return {**part, "documentation": ""} if is_text else part

    model = json.loads(gzip.decompress(path.read_bytes()), object_hook=emptied)
    return json.dumps(model, separators=(",", ":")).encode()


def _cut_endpoints(path: Path, services: Collection[str]) -> bytes:
    table = json.loads(path.read_bytes())
    for partition in table["partitions"]:
        partition["services"] = {
            name: endpoints for name, endpoints in partition["services"].items() if name in services
        }
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
