"""Botocore's data for only the services that a function calls: 1 MB of models instead of 20."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

_DATA: Final = PurePosixPath("botocore/data")
_ENDPOINTS: Final = "botocore/data/endpoints.json"


def cut(files: Mapping[str, Path], services: Collection[str]) -> dict[str, Path | bytes]:
    """Leave out the models and endpoints of all other services."""
    kept: dict[str, Path | bytes] = {
        name: path for name, path in files.items() if not _is_of_another(name, services)
    }
    if _ENDPOINTS in kept:
        kept[_ENDPOINTS] = _cut_endpoints(files[_ENDPOINTS], services)
    return kept


def _is_of_another(name: str, services: Collection[str]) -> bool:
    path = PurePosixPath(name)
    if not path.is_relative_to(_DATA):
        return False
    parts = path.relative_to(_DATA).parts
    # Whole services only: when it presigns, botocore reads even the documentation in S3's model.
    return len(parts) > 1 and parts[0] not in services


def _cut_endpoints(path: Path, services: Collection[str]) -> bytes:
    table = json.loads(path.read_bytes())
    for partition in table["partitions"]:
        partition["services"] = {
            name: endpoints for name, endpoints in partition["services"].items() if name in services
        }
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
