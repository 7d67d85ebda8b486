"""Botocore's data for only what a function calls: 0.1 MB of models instead of 20."""

import gzip
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_DATA: Final = "botocore/data/"
_MODEL: Final = "/service-2.json.gz"
_RULES: Final = "/endpoint-rule-set-1.json.gz"
_ENDPOINTS: Final = "botocore/data/endpoints.json"
_CALLED: Final = re.compile(r'\.([a-z_]+)[(,)]|"([a-z_]+)"')
_CALLED_BY_BOTOCORE: Final = frozenset({"head_bucket"})
"""S3's client asks for a bucket's region when it is redirected."""

Model = dict[str, Any]


def names_called(sources: Iterable[Path]) -> frozenset[str]:
    """Return every name that these modules call, pass or quote, operations of AWS among them.

    An operation is called as `client.put_item(...)`, passed as `answer(client.put_item, ...)`, or
    quoted for a paginator or a presigned URL.
    """
    found = (_CALLED.findall(path.read_text()) for path in sources)
    return frozenset(name for pairs in found for pair in pairs for name in pair if name)


def cut(
    files: Mapping[str, Path], services: Collection[str], called: Collection[str]
) -> dict[str, Path | bytes]:
    """Leave out the models and endpoints of other services, and operations that are not called."""
    kept: dict[str, Path | bytes] = {
        name: path for name, path in files.items() if not _is_of_another(name, services)
    }
    operations = {name.replace("_", "") for name in {*called, *_CALLED_BY_BOTOCORE}}
    for name in [one for one in kept if one.endswith((_MODEL, _RULES))]:
        del kept[name]
        content = _without_documentation(files[name])
        if name.endswith(_MODEL):
            content = _cut_operations(content, operations)
        kept[name.removesuffix(".gz")] = json.dumps(content, separators=(",", ":")).encode()
    if _ENDPOINTS in kept:
        kept[_ENDPOINTS] = _cut_endpoints(files[_ENDPOINTS], services)
    return kept


def _is_of_another(name: str, services: Collection[str]) -> bool:
    folder, is_below, _ = name.removeprefix(_DATA).partition("/")
    return name.startswith(_DATA) and bool(is_below) and folder not in services


def _without_documentation(path: Path) -> Model:
    """Return a model or rules with empty documentation; the file is not compressed, the zip is."""

    # Its text is half of what a cold start would read, and seven eighths of the rules are spaces.
    # The keys stay: botocore looks for some of them when it presigns.
    def emptied(part: Model) -> Model:
        # A member of a shape may be called documentation, too.
        is_text = isinstance(part.get("documentation"), str)
        return {**part, "documentation": ""} if is_text else part

    model: Model = json.loads(gzip.decompress(path.read_bytes()), object_hook=emptied)
    return model


def _cut_operations(model: Model, wanted: Collection[str]) -> Model:
    """Leave out other operations, and shapes that nothing else refers to."""
    operations = {name: one for name, one in model["operations"].items() if name.lower() in wanted}
    shapes = model["shapes"]
    waiting = [*_named(list(operations.values()))]
    # The client has a class for each of the service's errors.
    waiting += [name for name, shape in shapes.items() if shape.get("exception")]
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += _named(shapes[name])
    return {
        **model,
        "operations": operations,
        "shapes": {name: shape for name, shape in shapes.items() if name in kept},
    }


def _named(part: object) -> Iterator[str]:
    """The shapes that a part of a model refers to: as {"shape": NAME}, at any depth."""
    if isinstance(part, list):
        for one in part:
            yield from _named(one)
    elif isinstance(part, dict):
        if isinstance(name := part.get("shape"), str):
            yield name
        yield from _named(list(part.values()))


def _cut_endpoints(path: Path, services: Collection[str]) -> bytes:
    table = json.loads(path.read_bytes())
    for partition in table["partitions"]:
        partition["services"] = {
            name: endpoints for name, endpoints in partition["services"].items() if name in services
        }
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()
