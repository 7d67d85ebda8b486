"""The assets of the functions: everything they import, nothing else, and the same every time."""

import ast
import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from infra.assets import AssetBuilder
from infra.deployed_functions import SHAPES, FunctionName
from tests.benchmarks.counting import COUNTED

FUNCTIONS = tuple(FunctionName)

OWN = {"callback", "cutout", "prepare", "submit", "sweep"}
EVERYWHERE = {
    "aws_lambda_powertools",
    "botocore",
    "dateutil",
    "jmespath",
    "six.py",
    "typing_extensions.py",
    "urllib3",
}
HTTP = {"certifi", "httpx", "idna"}
PICTURES = {"PIL", "pillow.libs"}
HEIF = {"_pillow_heif", "pillow_heif", "pillow_heif.libs"}
VENDORED = {
    FunctionName.SUBMIT: EVERYWHERE | HTTP,
    FunctionName.PREPARE: EVERYWHERE | PICTURES | HEIF,
    FunctionName.RECEIVE_CALLBACK: EVERYWHERE,
    FunctionName.STORE_RESULT: EVERYWHERE | HTTP | PICTURES,
    FunctionName.SWEEP: EVERYWHERE,
}

Contents = dict[str, bytes]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_has_what_its_function_needs(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """HTTP is for those that talk to the provider, pictures for Prepare and StoreResult."""
    places = (one for one in assets[name].iterdir() if one.suffix != ".dist-info")
    top = {one.name.partition(".cpython-")[0] for one in places}
    assert top - OWN - {"__pycache__"} == VENDORED[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_has_neither_the_command_line_nor_its_use_cases(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Of our own code only what the handler imports is shipped."""
    package = assets[name] / "cutout"
    shipped = {one.relative_to(package).parts[0] for one in package.rglob("*.py")}
    assert shipped & {"cli", "operator"} == set()
    assert "domain" in shipped


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_has_no_other_functions_handler(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """An asset can run one function."""
    handlers = {
        f"{shape.handler.rpartition('.')[0].replace('.', '/')}.py" for shape in SHAPES.values()
    }
    own = f"{SHAPES[name].handler.rpartition('.')[0].replace('.', '/')}.py"
    assert {one for one in handlers if (assets[name] / one).is_file()} == {own}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_has_no_unused_files(assets: Mapping[FunctionName, Path], name: FunctionName) -> None:
    """No tests of ours, no stubs, no scripts, no records of the installer."""
    files = [one for one in assets[name].rglob("*") if one.is_file()]
    ballast = [
        str(one.relative_to(assets[name]))
        for one in files
        if one.suffix in {".pyi", ".pth"}
        or one.name in {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json"}
        or one.relative_to(assets[name]).parts[0] in {"bin", "tests"}
    ]
    assert ballast == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_names_its_distributions_and_versions(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Scanners read them."""
    nameless = [
        one.name for one in assets[name].glob("*.dist-info") if not (one / "METADATA").is_file()
    ]
    assert len(list(assets[name].glob("*.dist-info"))) >= len(EVERYWHERE)
    assert nameless == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_botocore_in_an_asset_has_the_services_that_the_function_calls(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Models of other services are most of botocore."""
    data = assets[name] / "botocore" / "data"
    assert {one.name for one in data.iterdir() if one.is_dir()} == set(SHAPES[name].aws_services)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_botocore_in_an_asset_has_every_request_of_the_journeys(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Operations that no function calls are removed."""
    known = {
        f"{model.parents[1].name}:{operation}"
        for model in (assets[name] / "botocore" / "data").rglob("service-2.json")
        for operation in json.loads(model.read_bytes())["operations"]
    }
    requests = [one.split() for journey in _counted() for one in journey["requests"]]
    sent = {operation for service, operation in requests if service == SHAPES[name].service}
    assert sent
    assert sent <= known
    assert "dynamodb:DeleteTable" not in known


def _counted() -> list[Any]:
    return list(json.loads(COUNTED.read_bytes()).values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_endpoints_are_kept_for_every_partition_and_region(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Only services are cut from the table: a deployment to China or GovCloud still works."""
    table = json.loads((assets[name] / "botocore" / "data" / "endpoints.json").read_bytes())
    whole = json.loads(_botocores_own("endpoints.json").read_bytes())
    left = {service for partition in table["partitions"] for service in partition["services"]}
    assert [one["regions"] for one in table["partitions"]] == [
        one["regions"] for one in whole["partitions"]
    ]
    assert left <= set(SHAPES[name].aws_services)


def _botocores_own(name: str) -> Path:
    import botocore  # noqa: PLC0415 # for its place only

    return Path(botocore.__file__).parent / "data" / name


_ALONE = """
import importlib, sys
folder, handler, services = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
sys.path.insert(0, folder)
module, _, function = handler.rpartition(".")
loaded = getattr(importlib.import_module(module), function)
import botocore.session
session = botocore.session.get_session()
session.set_config_variable("region", "eu-west-1")
hosts = [session.create_client(one).meta.endpoint_url for one in services]
strange = sorted(
    path for one in list(sys.modules.values()) if (path := getattr(one, "__file__", None))
    and "site-packages" in path
)
unused = {"botocore.docs.service", "html", "httpx._main", "importlib.metadata"} & set(sys.modules)
print([callable(loaded), len(hosts), strange, sorted(unused)])
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_needs_only_python(assets: Mapping[FunctionName, Path], name: FunctionName) -> None:
    """Alone it imports its handler and makes its clients, without what no function uses."""
    shape = SHAPES[name]
    services = ",".join(shape.aws_services)
    alone = _run_alone(_ALONE, str(assets[name]), shape.handler, services)
    assert (alone.stdout, alone.stderr) == (f"[True, {len(shape.aws_services)}, [], []]\n", "")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_asset_has_modules_that_are_imported_only_when_needed(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Imports inside functions do not run when the handler is imported."""
    folder = assets[name]
    shipped = {one.name.partition(".")[0] for one in folder.iterdir()} | sys.stdlib_module_names
    sources = [one for own in OWN for one in (folder / own).rglob("*.py")]
    assert {module for one in sources for module in _late_imports(one)} - shipped == set()


def _late_imports(source: Path) -> set[str]:
    """Return the packages that a module's functions import when they run."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = [
        node
        for function in ast.walk(ast.parse(source.read_bytes()))
        if isinstance(function, functions)
        for node in ast.walk(function)
    ]
    names = {name.name for node in inside if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in inside if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


_PRESIGN = """
import sys
sys.path.insert(0, sys.argv[1])
import botocore.session
from botocore.config import Config
config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
session = botocore.session.get_session()
client = session.create_client("s3", region_name=sys.argv[2], config=config)
url = client.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "k"})
print(url.split("?")[0])
"""


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "photos.s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "photos.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_submit_can_presign_with_the_reduced_botocore(
    assets: Mapping[FunctionName, Path], region: str, host: str
) -> None:
    """Presigning finds its data, whatever the region of the bucket."""
    signed = _run_alone(_PRESIGN, str(assets[FunctionName.SUBMIT]), region)
    assert (signed.stdout, signed.stderr) == (f"https://{host}/k\n", "")


_HOSTS = """
import sys
sys.path.insert(0, sys.argv[1])
from botocore.utils import is_valid_ipv6_endpoint_url
from urllib3.util.ssl_ import is_ipaddress
from urllib3.util.url import parse_url
for host in sys.argv[2:]:
    url = f"https://{host}:443/x"
    print(parse_url(url), is_ipaddress(host.strip("[]")), is_valid_ipv6_endpoint_url(url))
"""


def test_urllib3_tells_names_from_addresses_as_installed(
    assets: Mapping[FunctionName, Path],
) -> None:
    """The simpler pattern of an asset takes no name for an address."""
    hosts = ["dynamodb.eu-west-1.amazonaws.com", "face.ad", "10.0.0.1", "[::1]", "[FE80::a%25e0]"]
    installed = _run_alone(_HOSTS, sysconfig.get_path("purelib"), *hosts)
    assert len(installed.stdout.splitlines()) == len(hosts)
    assert _run_alone(_HOSTS, str(assets[FunctionName.SUBMIT]), *hosts).stdout == installed.stdout


def _run_alone(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with its standard library and nothing else that is installed here."""
    return subprocess.run(  # noqa: S603 # a program that is written out above
        [sys.executable, "-I", "-S", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bytecode_in_an_asset_is_used_without_the_source(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Each module has bytecode of the one version that runs it, which never looks at the source."""
    folder = assets[name]
    tag = sys.implementation.cache_tag
    sources = {one for one in folder.rglob("*.py") if one.stat().st_size}
    compiled = {one: _bytecode_of(one) for one in sources}
    assert [one for one, bytecode in compiled.items() if not bytecode.is_file()] == []
    assert {bytecode.read_bytes()[4:8] for bytecode in compiled.values()} == {b"\x01\0\0\0"}
    assert {one.name.split(".")[-2] for one in folder.rglob("*.pyc")} == {tag}


def _bytecode_of(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"


_ARM64 = 0xB7  # ELF's number for it, in the two bytes at 18


@pytest.fixture(scope="module")
def for_lambda() -> Contents:
    """Return what StoreResult's asset for Lambda holds, by name."""
    built = AssetBuilder("aws").build(SHAPES[FunctionName.STORE_RESULT])
    with zipfile.ZipFile(built.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_asset_for_lambda_is_built_for_lambda(for_lambda: Contents) -> None:
    """Native code is for arm64, whatever machine the asset is built on, and for Python 3.13."""
    native = {name: code for name, code in for_lambda.items() if ".so" in Path(name).name}
    machines = {int.from_bytes(code[18:20], "little") for code in native.values()}
    versions = {
        Path(name).name.split(".")[1] for name in native if Path(name).name.endswith("-gnu.so")
    }
    assert machines == {_ARM64}
    assert versions == {"cpython-313-aarch64-linux-gnu"}


_MAGIC_OF_313 = (3571).to_bytes(2, "little") + b"\r\n"


def test_asset_for_lambda_is_compiled_wherever_it_is_built(for_lambda: Contents) -> None:
    """Each module has bytecode of Lambda's Python, whichever Python this is, never to be checked.

    https://github.com/python/cpython/blob/3.13/Include/internal/pycore_magic_number.h
    """
    sources = {name for name, text in for_lambda.items() if name.endswith(".py") and text}
    expected = {
        f"{path.parent / '__pycache__' / path.stem}.cpython-313.pyc"
        for path in map(PurePosixPath, sources)
    }
    compiled = {name: code for name, code in for_lambda.items() if name.endswith(".pyc")}
    assert expected - set(compiled) == set()
    assert {code[:4] for code in compiled.values()} == {_MAGIC_OF_313}
    assert {code[4:8] for code in compiled.values()} == {b"\x01\0\0\0"}
