"""Building assets: reproducible, and only when something changed."""

import gzip
import json
import marshal
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from infra.assets import AssetBuilder, AssetError
from infra.assets.asset_platform import compile_for_lambda, compile_for_this_python
from infra.assets.botocore_data import cut, names_called
from infra.assets.build import add_to_zip
from infra.assets.build_cache import folder_made_once
from infra.assets.folders import SOURCES
from infra.deployed_functions import SHAPES, FunctionName
from infra.version import digest_of

HANDLERS = {
    "submit/handler.py": "import cutout.job\n",
    "prepare/handler.py": "import cutout.job\n",
    "callback/receive.py": "",
    "callback/store.py": "import cutout.job\n",
    "sweep/handler.py": "",
    "cutout/__init__.py": "",
    "cutout/job.py": "",
    "cutout/adapters/__init__.py": "",
    "cutout/adapters/pillow/__init__.py": "",
    "cutout/adapters/pillow/sandbox/__init__.py": "",
    "cutout/adapters/pillow/sandbox/child.py": "",
    "cutout/cli/__init__.py": "",
    "cutout/operator/__init__.py": "",
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Return a small source tree of the same shape as ours."""
    for name, text in HANDLERS.items():
        path = tmp_path / "functions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "functions"


@pytest.fixture(scope="session")
def cache(assets: Mapping[FunctionName, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache of its own in which everything is installed already."""
    assert assets
    folder = tmp_path_factory.mktemp("cache")
    for one in AssetBuilder("local").cache.glob("*-local-*"):
        if one.name.startswith(("site-", "vendored-")):
            (folder / one.name).symlink_to(one)
    return folder


@pytest.fixture(scope="session")
def digests(cache: Path) -> Callable[[Path], dict[str, str]]:
    """Return what builds a source tree and tells the digests."""

    def build(sources: Path) -> dict[str, str]:
        builder = AssetBuilder("local", sources=sources, cache=cache)
        return {name: builder.build(shape).digest for name, shape in SHAPES.items()}

    return build


def test_source_that_is_not_shipped_changes_no_asset(
    sources: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """A change to the command line or its use cases deploys nothing."""
    before = digests(sources)
    (sources / "cutout" / "cli" / "__init__.py").write_text("x = 1\n")
    (sources / "cutout" / "operator" / "new.py").write_text("y = 1\n")
    assert digests(sources) == before


def test_change_of_a_module_changes_the_assets_that_import_it(
    sources: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """Only those functions are deployed again."""
    before = digests(sources)
    (sources / "cutout" / "job.py").write_text("x = 1\n")
    after = digests(sources)
    assert {name for name in before if before[name] != after[name]} == {
        "Submit",
        "Prepare",
        "StoreResult",
    }


def test_copy_of_the_sources_builds_the_same_assets(
    sources: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """Neither the place of a checkout nor the times of its files are in an asset."""
    copytree(sources, tmp_path / "elsewhere" / "functions", copy_function=_copy_without_times)
    assert digests(tmp_path / "elsewhere" / "functions") == digests(sources)


def _copy_without_times(source: str, target: str) -> None:
    Path(target).write_bytes(Path(source).read_bytes())


def test_assets_built_in_two_folders_are_the_same_file(
    sources: Path, cache: Path, tmp_path: Path
) -> None:
    """Byte for byte, built again from nothing."""
    built = [
        AssetBuilder("local", sources=sources, cache=place).build(SHAPES[FunctionName.SWEEP])
        for place in (cache, tmp_path / "from-nothing")
    ]
    assert built[0].path != built[1].path
    assert built[0].path.read_bytes() == built[1].path.read_bytes()


def test_bytecode_for_lambda_is_the_same_wherever_it_is_made(sources: Path, tmp_path: Path) -> None:
    """In any folder, on any machine, with any Python."""
    made = []
    for place in ("one", "another/place"):
        copytree(sources, tmp_path / place)
        compile_for_lambda(tmp_path / place, cache=AssetBuilder("aws").cache)
        found = sorted((tmp_path / place).rglob("*.cpython-313.pyc"))
        made.append([(one.relative_to(tmp_path / place), one.read_bytes()) for one in found])
    assert len(made[0]) == len(HANDLERS)
    assert made[0] == made[1]


def test_bytecode_has_assertions_and_no_docstrings(tmp_path: Path) -> None:
    """Libraries check with assertions; nothing reads the docstrings, which take memory."""
    (tmp_path / "sample.py").write_text(
        '"""Text."""\nfrom __future__ import annotations\n'
        'class Documented:\n    """Text."""\n    def __init__(self): "Text."\n'
        "assert not Documented(), __file__\n"
    )
    compile_for_this_python(tmp_path)
    [bytecode] = tmp_path.rglob("*.pyc")
    names: dict[str, Any] = {"__name__": "sample", "__file__": "kept"}
    with pytest.raises(AssertionError, match="kept"):
        exec(marshal.loads(bytecode.read_bytes()[16:]), names)  # noqa: S102, S302 - our own
    documented = names["Documented"]
    assert (names.get("__doc__"), documented.__doc__, documented.__init__.__doc__) == (None,) * 3


def test_module_that_cannot_be_compiled_is_an_error(sources: Path) -> None:
    """It is not shipped."""
    (sources / "cutout" / "job.py").write_text("def")
    with pytest.raises(AssetError, match="bytecode cannot be compiled for Lambda"):
        compile_for_lambda(sources, cache=AssetBuilder("aws").cache)


def test_our_modules_are_compiled_once_for_all_functions(
    sources: Path, cache: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """Starting the compiler for Lambda takes seconds; of what it made only the last is kept."""
    digests(sources)
    [first] = cache.glob("own-local-*")
    (sources / "cutout" / "job.py").write_text("x = 'changed'\n")
    digests(sources)
    [second] = cache.glob("own-local-*")
    assert {one.relative_to(second).as_posix() for one in second.rglob("*.py")} == {
        name for name in HANDLERS if not name.startswith(("cutout/cli/", "cutout/operator/"))
    }
    assert first != second


def test_existing_asset_is_not_built_again(sources: Path, cache: Path) -> None:
    """A second build finds the same file untouched."""
    builder = AssetBuilder("local", sources=sources, cache=cache)
    first = builder.build(SHAPES[FunctionName.SWEEP])
    made_at = first.path.stat().st_mtime_ns
    second = builder.build(SHAPES[FunctionName.SWEEP])
    assert (second, second.path.stat().st_mtime_ns) == (first, made_at)


def test_old_assets_are_deleted(sources: Path, cache: Path) -> None:
    """The last four of a function are kept, for switching between branches."""
    builder = AssetBuilder("local", sources=sources, cache=cache)
    for number in range(6):
        (sources / "sweep" / "handler.py").write_text(f"x = {number}\n")
        builder.build(SHAPES[FunctionName.SWEEP])
    assert len(list(cache.glob("Sweep-local-*"))) == 4


def test_a_new_folder_is_kept_where_the_clock_was_set_back(tmp_path: Path) -> None:
    """The one before it then seems to be newer."""

    def make(folder: Path) -> None:
        (folder / "made").touch()

    before = folder_made_once(tmp_path, "kind", "before", make)
    os.utime(before, (4e9, 4e9))
    new = folder_made_once(tmp_path, "kind", "new", make)
    assert ([new], [new / "made"]) == (list(tmp_path.iterdir()), list(new.iterdir()))


def test_locks_that_cannot_be_installed_are_an_error(sources: Path, tmp_path: Path) -> None:
    """The message is what the installer says."""
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "runtime.txt").write_text("boto3==1.0\n")
    (locks / "store.txt").write_text("")
    (locks / "prepare.txt").write_text("")
    builder = AssetBuilder("local", sources=sources, locks=locks, cache=tmp_path / "cache")
    with pytest.raises(AssetError, match=r"cannot be installed for local: .*hash"):
        builder.build(SHAPES[FunctionName.SWEEP])


def test_equal_contents_make_equal_zips(tmp_path: Path) -> None:
    """Neither order nor time of writing is in a zip, and every file can be read by all."""
    add_to_zip(tmp_path / "one.zip", {"a.py": b"1", "b.py": b"2"})
    add_to_zip(tmp_path / "other.zip", {"b.py": b"2", "a.py": b"1"})
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    assert modes == {0o100644}


def test_digest_covers_sources_names_and_platform() -> None:
    """Bytecode is not in it, everything else is."""
    digest = digest_of({"a.py": b"1"}, also="cpython-313")
    assert digest_of({"a.py": b"1", "__pycache__/a.pyc": b"x"}, also="cpython-313") == digest
    assert digest_of({"a.py": b"2"}, also="cpython-313") != digest
    assert digest_of({"b.py": b"1"}, also="cpython-313") != digest
    assert digest_of({"a.py": b"1"}, also="none") != digest


def test_botocore_is_reduced_to_what_is_called(tmp_path: Path) -> None:
    """Other services, operations and shapes go, and the text of documentation."""
    member = {"shape": "Text"}
    model = {
        "documentation": "long",
        "operations": {
            "GetItem": {"input": {"shape": "Input"}, "errors": [{"shape": "Busy"}]},
            "DropTable": {"input": {"shape": "Name"}},
        },
        "shapes": {
            "Input": {"members": {"documentation": {"shape": "Texts"}}},
            "Texts": {"type": "list", "member": member},
            "Text": {"type": "string"},
            "Name": {"type": "string"},
            "Busy": {"exception": True},
            "Gone": {"exception": True, "members": {"message": member}},
        },
    }
    table = {"partitions": [{"regions": {"r": {}}, "services": {"sqs": {"a": 1}, "ec2": {}}}]}
    (tmp_path / "endpoints.json").write_text(json.dumps(table))
    (tmp_path / "model").write_bytes(gzip.compress(json.dumps(model).encode(), mtime=0))
    files = {
        "botocore/client.py": tmp_path / "model",
        "botocore/data/endpoints.json": tmp_path / "endpoints.json",
        "botocore/data/partitions.json": tmp_path / "model",
        "botocore/data/sqs/1/endpoint-rule-set-1.json.gz": tmp_path / "model",
        "botocore/data/sqs/1/service-2.json.gz": tmp_path / "model",
        "botocore/data/ec2/1/service-2.json.gz": tmp_path / "model",
    }
    kept = cut(files, {"sqs"}, {"get_item", "other"})
    assert set(kept) == {
        "botocore/client.py",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "botocore/data/sqs/1/endpoint-rule-set-1.json",
        "botocore/data/sqs/1/service-2.json",
    }
    shapes, operations = model["shapes"], model["operations"]
    assert isinstance(shapes, dict)
    assert isinstance(operations, dict)
    assert json.loads(_bytes(kept["botocore/data/sqs/1/service-2.json"])) == {
        "documentation": "",
        "operations": {"GetItem": operations["GetItem"]},
        "shapes": {name: shape for name, shape in shapes.items() if name != "Name"},
    }
    rules = json.loads(_bytes(kept["botocore/data/sqs/1/endpoint-rule-set-1.json"]))
    assert rules == model | {"documentation": ""}
    assert kept["botocore/data/endpoints.json"] == (
        b'{"partitions":[{"regions":{"r":{}},"services":{"sqs":{"a":1}}}]}'
    )


def _bytes(kept: Path | bytes) -> bytes:
    assert isinstance(kept, bytes)
    return kept


def test_operations_are_found_where_they_are_called_passed_or_quoted(tmp_path: Path) -> None:
    """A name that is only mentioned is not found."""
    source = tmp_path / "adapter.py"
    source.write_text(
        'self._client.put_item(Item={})\nclient.get_paginator("query")\n# client scan_all\n'
        "_answer(client.update_item, update)\npartial(client.get_item)"
    )
    called = {"put_item", "get_paginator", "query", "update_item", "get_item"}
    assert called <= names_called([source])
    assert "scan_all" not in names_called([source])


def test_assets_are_built_from_the_checkout() -> None:
    """The default places are those of this checkout."""
    builder = AssetBuilder("aws")
    assert (builder.sources / "submit" / "handler.py").is_file()
    assert (builder.locks / "runtime.txt").is_file()
    assert builder.cache == SOURCES / ".cutout" / "assets"
