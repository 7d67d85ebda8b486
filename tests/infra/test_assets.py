"""What the functions ship: everything they import, nothing else, and the same every time."""

import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree

import pytest

from infra.assets import AssetError, Workshop
from infra.assets.__main__ import main
from infra.assets.archive import add_to_zip, digest_of
from infra.assets.botocore_data import cut
from infra.assets.build import PROJECT
from infra.inventory import SHAPES, FunctionName

FUNCTIONS = tuple(FunctionName)

OWN = {"callback", "cutout", "submit", "sweep"}
EVERYWHERE = {
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "six.py",
    "typing_extensions.py",
    "urllib3",
}
HTTP = {"anyio", "certifi", "h11", "httpcore", "httpx", "idna"}
PICTURES = {"PIL", "pillow.libs"}
VENDORED = {
    FunctionName.SUBMIT: EVERYWHERE | HTTP,
    FunctionName.RECEIVE_CALLBACK: EVERYWHERE,
    FunctionName.STORE_RESULT: EVERYWHERE | HTTP | PICTURES,
    FunctionName.SWEEP: EVERYWHERE,
}

Contents = dict[str, bytes]


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[FunctionName, Path]:
    """Return each function's real asset, built for this interpreter and unzipped."""
    workshop = Workshop("local")
    folders = {}
    for name in FUNCTIONS:
        folders[name] = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(workshop.build(SHAPES[name]).path) as archive:
            archive.extractall(folders[name])
    return folders


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_asset_holds_what_its_function_needs(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """HTTP is for those that talk to the provider, pictures for StoreResult alone."""
    top = {one.name for one in assets[name].iterdir() if one.suffix != ".dist-info"}
    assert top - OWN - {"__pycache__"} == VENDORED[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_command_line_and_the_local_cloud_stay_here(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Of our own code only what the handler imports is shipped."""
    package = assets[name] / "cutout"
    shipped = {one.relative_to(package).parts[0] for one in package.rglob("*.py")}
    assert shipped & {"cli", "local"} == set()
    assert "settings.py" in shipped


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_other_functions_handler_is_shipped(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """An asset can run one function."""
    handlers = {
        f"{shape.handler.rpartition('.')[0].replace('.', '/')}.py" for shape in SHAPES.values()
    }
    own = f"{SHAPES[name].handler.rpartition('.')[0].replace('.', '/')}.py"
    assert {one for one in handlers if (assets[name] / one).is_file()} == {own}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_asset_carries_no_ballast(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
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
def test_a_scanner_can_tell_what_is_shipped(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Each distribution keeps the file that names it and its version."""
    nameless = [
        one.name for one in assets[name].glob("*.dist-info") if not (one / "METADATA").is_file()
    ]
    assert len(list(assets[name].glob("*.dist-info"))) >= len(EVERYWHERE)
    assert nameless == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_botocore_knows_the_services_that_the_function_calls(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Models of other services are most of botocore."""
    data = assets[name] / "botocore" / "data"
    assert {one.name for one in data.iterdir() if one.is_dir()} == set(SHAPES[name].aws_services)


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
import boto3
session = boto3.Session(region_name="eu-west-1")
hosts = [session.client(one).meta.endpoint_url for one in services]
strange = sorted(
    path for one in list(sys.modules.values()) if (path := getattr(one, "__file__", None))
    and "site-packages" in path
)
print([callable(loaded), len(hosts), strange])
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_asset_needs_nothing_but_python(
    assets: Mapping[FunctionName, Path], name: FunctionName
) -> None:
    """Alone with the standard library it imports its handler and makes its clients."""
    shape = SHAPES[name]
    services = ",".join(shape.aws_services)
    alone = _run_alone(_ALONE, str(assets[name]), shape.handler, services)
    assert (alone.stdout, alone.stderr) == (f"[True, {len(shape.aws_services)}, []]\n", "")


_PRESIGN = """
import sys
sys.path.insert(0, sys.argv[1])
import boto3
from botocore.config import Config
config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
client = boto3.Session(region_name=sys.argv[2]).client("s3", config=config)
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
def test_submit_can_still_presign(
    assets: Mapping[FunctionName, Path], region: str, host: str
) -> None:
    """The cut to botocore's data spares what presigning reads, wherever the bucket is."""
    signed = _run_alone(_PRESIGN, str(assets[FunctionName.SUBMIT]), region)
    assert (signed.stdout, signed.stderr) == (f"https://{host}/k\n", "")


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
def test_bytecode_is_used_as_it_is(assets: Mapping[FunctionName, Path], name: FunctionName) -> None:
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


def test_what_goes_to_lambda_is_built_for_lambda() -> None:
    """Native code is for arm64, whatever machine the asset is built on, and for Python 3.13."""
    with zipfile.ZipFile(Workshop("aws").build(SHAPES[FunctionName.STORE_RESULT]).path) as archive:
        names = archive.namelist()
        native = {name: archive.read(name) for name in names if ".so" in Path(name).name}
    machines = {int.from_bytes(code[18:20], "little") for code in native.values()}
    versions = {
        Path(name).name.split(".")[1] for name in names if Path(name).name.endswith("-gnu.so")
    }
    compiled_for = {name.split(".")[-2] for name in names if name.endswith(".pyc")}
    assert machines == {_ARM64}
    assert versions == {"cpython-313-aarch64-linux-gnu"}
    assert compiled_for <= {"cpython-313"}


HANDLERS = {
    "submit/handler.py": "import cutout.job\n",
    "callback/receive.py": "",
    "callback/store.py": "import cutout.job\n",
    "sweep/handler.py": "",
    "cutout/__init__.py": "",
    "cutout/job.py": "",
    "cutout/cli/__init__.py": "",
    "cutout/local/__init__.py": "",
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
    for one in Workshop("local").cache.glob("*-local-*"):
        if one.name.startswith(("site-", "vendored-")):
            (folder / one.name).symlink_to(one)
    return folder


@pytest.fixture(scope="session")
def digests(cache: Path) -> Callable[[Path], dict[str, str]]:
    """Return what builds a source tree and tells the digests."""

    def build(sources: Path) -> dict[str, str]:
        workshop = Workshop("local", sources=sources, cache=cache)
        return {name: workshop.build(shape).digest for name, shape in SHAPES.items()}

    return build


def test_what_is_not_shipped_changes_no_asset(
    sources: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """A change to the command line or the local cloud deploys nothing."""
    before = digests(sources)
    (sources / "cutout" / "cli" / "__init__.py").write_text("x = 1\n")
    (sources / "cutout" / "local" / "new.py").write_text("y = 1\n")
    assert digests(sources) == before


def test_a_change_reaches_the_functions_that_import_it(
    sources: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """Only those functions are deployed anew."""
    before = digests(sources)
    (sources / "cutout" / "job.py").write_text("x = 1\n")
    after = digests(sources)
    assert {name for name in before if before[name] != after[name]} == {"Submit", "StoreResult"}


def test_a_copy_elsewhere_builds_the_same(
    sources: Path, tmp_path: Path, digests: Callable[[Path], dict[str, str]]
) -> None:
    """Neither the place of a checkout nor the times of its files are in an asset."""
    copytree(sources, tmp_path / "elsewhere" / "functions", copy_function=_copy_without_times)
    assert digests(tmp_path / "elsewhere" / "functions") == digests(sources)


def _copy_without_times(source: str, target: str) -> None:
    Path(target).write_bytes(Path(source).read_bytes())


def test_two_folders_get_the_same_zip_to_the_byte(
    sources: Path, cache: Path, tmp_path: Path
) -> None:
    """Built again from nothing, an asset is the same file."""
    built = [
        Workshop("local", sources=sources, cache=place).build(SHAPES[FunctionName.SWEEP])
        for place in (cache, tmp_path / "from-nothing")
    ]
    assert built[0].path != built[1].path
    assert built[0].path.read_bytes() == built[1].path.read_bytes()


def test_what_is_built_is_not_built_again(sources: Path, cache: Path) -> None:
    """A second build finds the same file untouched."""
    workshop = Workshop("local", sources=sources, cache=cache)
    first = workshop.build(SHAPES[FunctionName.SWEEP])
    made_at = first.path.stat().st_mtime_ns
    second = workshop.build(SHAPES[FunctionName.SWEEP])
    assert (second, second.path.stat().st_mtime_ns) == (first, made_at)


def test_old_assets_are_cleared_away(sources: Path, cache: Path) -> None:
    """The four last of a function are kept, for going back and forth between branches."""
    workshop = Workshop("local", sources=sources, cache=cache)
    for number in range(6):
        (sources / "sweep" / "handler.py").write_text(f"x = {number}\n")
        workshop.build(SHAPES[FunctionName.SWEEP])
    assert len(list(cache.glob("Sweep-local-*.zip"))) == 4


def test_locks_that_cannot_be_installed_are_told(sources: Path, tmp_path: Path) -> None:
    """The message is what the installer says."""
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "runtime.txt").write_text("boto3==1.0\n")
    (locks / "store.txt").write_text("")
    workshop = Workshop("local", sources=sources, locks=locks, cache=tmp_path / "cache")
    with pytest.raises(AssetError, match=r"cannot be installed for local: .*hash"):
        workshop.build(SHAPES[FunctionName.SWEEP])


def test_equal_contents_make_equal_zips(tmp_path: Path) -> None:
    """Neither order nor time of writing is in a zip, and every file can be read by all."""
    add_to_zip(tmp_path / "one.zip", {"a.py": b"1", "b.py": b"2"})
    add_to_zip(tmp_path / "other.zip", {"b.py": b"2", "a.py": b"1"})
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    assert modes == {0o100644}


def test_a_digest_is_of_sources_names_and_platform() -> None:
    """Bytecode is not in it, everything else is."""
    digest = digest_of({"a.py": b"1"}, also="cpython-313")
    assert digest_of({"a.py": b"1", "__pycache__/a.pyc": b"x"}, also="cpython-313") == digest
    assert digest_of({"a.py": b"2"}, also="cpython-313") != digest
    assert digest_of({"b.py": b"1"}, also="cpython-313") != digest
    assert digest_of({"a.py": b"1"}, also="none") != digest


def test_only_whole_services_are_cut(tmp_path: Path) -> None:
    """Models stay as they are to the byte; other services, and their endpoints, go."""
    table = {"partitions": [{"regions": {"r": {}}, "services": {"sqs": {"a": 1}, "ec2": {}}}]}
    (tmp_path / "endpoints.json").write_text(json.dumps(table))
    (tmp_path / "model").write_bytes(gzip.compress(b"{}", mtime=0))
    files = {
        "botocore/client.py": tmp_path / "model",
        "botocore/data/endpoints.json": tmp_path / "endpoints.json",
        "botocore/data/partitions.json": tmp_path / "model",
        "botocore/data/sqs/1/service-2.json.gz": tmp_path / "model",
        "botocore/data/ec2/1/service-2.json.gz": tmp_path / "model",
    }
    kept = cut(files, {"sqs"})
    assert set(files) - set(kept) == {"botocore/data/ec2/1/service-2.json.gz"}
    assert kept["botocore/data/sqs/1/service-2.json.gz"] == tmp_path / "model"
    assert kept["botocore/data/endpoints.json"] == (
        b'{"partitions":[{"regions":{"r":{}},"services":{"sqs":{"a":1}}}]}'
    )


def test_sizes_are_told_by_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m infra.assets` builds what is missing and prints a line for each function."""
    status = main(["--platform", "local"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert [line.split()[0] for line in lines] == ["function", *FUNCTIONS]


def test_the_checkout_is_where_assets_come_from() -> None:
    """The default places are those of this checkout."""
    workshop = Workshop("aws")
    assert (workshop.sources / "submit" / "handler.py").is_file()
    assert (workshop.locks / "runtime.txt").is_file()
    assert workshop.cache == PROJECT / ".cutout" / "assets"
