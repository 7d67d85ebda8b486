"""The wheel: one package, with the sources of the assets."""

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.assets import AssetBuilder
from infra.deployed_functions import SHAPES
from infra.node import node_path

PROJECT = Path(__file__).resolve().parents[2]
JSII_CACHE = Path(
    os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT")
    or Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
)
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `pip install` does."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)  # noqa: S603 # our own
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it into a fresh environment that has its dependencies, and not this checkout.

    The dependencies are those of the environment that runs the tests; a path added so does not
    bring along what that environment adds to itself.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, symlinks=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / SITE)
    (folder / SITE / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture(scope="module")
def own_digests() -> set[str]:
    """Return the digests of this checkout's assets, hashed once more, as the CDK does."""
    builder = AssetBuilder("aws")
    digests = [builder.build(shape).digest for shape in SHAPES.values()]
    return {hashlib.sha256(one.encode()).hexdigest() for one in digests}


@pytest.fixture(scope="module")
def shop(installed: Path, own_digests: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesize the example app with only the installed wheel."""
    assert own_digests
    work = tmp_path_factory.mktemp("shop")
    # Installed packages and compiled modules are found by a digest of their sources, so the wheel's
    # sources must be the checkout's; the assets themselves are built again.
    cache = work / "cache" / "cutout" / "assets"
    cache.mkdir(parents=True)
    for one in AssetBuilder("aws").cache.iterdir():
        if one.name.startswith(("site-aws-", "vendored-", "compiler-", "own-aws-")):
            (cache / one.name).symlink_to(one)
    app = installed / SITE / "cutout" / "infra" / "examples" / "shop" / "app.py"
    done = subprocess.run(  # noqa: S603 # our own example
        [str(installed / "bin" / "python"), str(app)],
        cwd=work,
        env={
            "PATH": os.defpath,
            "HOME": str(work),
            "XDG_CACHE_HOME": str(work / "cache"),
            "JSII_NODE": str(node_path()),
            "CDK_OUTDIR": str(work / "out"),
            # What the construct library keeps of itself: bytecode, and what jsii unpacked.
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", ""),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
            # The construct library checks a template for longer than it makes it.
            "CDK_VALIDATION": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return work / "out"


def test_wheel_has_one_package(wheel: Path) -> None:
    """It hides no other package named `infra`, `submit` or `callback`."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {one for one in tops if not one.endswith(".dist-info")} == {"cutout"}


def test_wheel_has_the_sources_of_the_assets(wheel: Path) -> None:
    """The functions' sources and both locks, and no installed copy of the CDK."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    handlers = {f"{one.handler.rpartition('.')[0].replace('.', '/')}.py" for one in SHAPES.values()}
    locks = {"runtime.txt", "store.txt", "prepare.txt"}
    assert {f"cutout/infra/functions/{one}" for one in handlers} <= names
    assert {f"cutout/infra/requirements/{one}" for one in locks} <= names
    assert [one for one in names if "node_modules" in one or "__pycache__" in one] == []


def test_wheel_does_not_have_the_local_cloud(wheel: Path) -> None:
    """Neither its code nor its requirements are in it: the local cloud needs a checkout."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        described = archive.read(metadata).decode()
    assert {name for name in names if name.startswith("cutout/infra/local")} == set()
    extras = [line for line in described.splitlines() if line.startswith("Provides-Extra: ")]
    assert extras == [
        f"Provides-Extra: {name}" for name in ("console", "infra", "prepare", "store")
    ]
    assert "\nName: cutout-aws\n" in described
    assert not re.search("^Requires-Dist: cutout(?!-aws)", described, re.MULTILINE)
    assert "ministack" not in described


def test_wheel_has_the_pages_of_the_console(wheel: Path) -> None:
    """Every template and every static file."""
    console = PROJECT / "functions" / "cutout" / "cli" / "console"
    own = [one for name in ("templates", "static") for one in (console / name).iterdir()]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"cutout/cli/console/{one.parent.name}/{one.name}" for one in own} <= names


def test_console_without_its_packages_says_how_to_install_them(bare: Path, tmp_path: Path) -> None:
    """On one line, and without a traceback, in an environment with nothing but the wheel."""
    done = subprocess.run(  # noqa: S603 # our own command
        [str(bare / "bin" / "python"), "-c", "from cutout.cli import main; main()", "console"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: The console needs jinja2, starlette, uvicorn: "
        "`pip install 'cutout-aws[console]'` installs them.\n"
    )


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it into an environment that has what the wheel itself requires, and nothing else."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / SITE)
    [metadata] = (folder / SITE).glob("*.dist-info")
    for name in _required(Distribution.at(metadata), set()):
        for top in {file.parts[0] for file in distribution(name).files or ()} - {".."}:
            if not (folder / SITE / top).exists():
                (folder / SITE / top).symlink_to(str(distribution(name).locate_file(top)))
    return folder


def _required(package: Distribution, found: set[str]) -> set[str]:
    """Collect the names of everything that a package requires without extras, here and now."""
    for requirement in map(Requirement, package.requires or ()):
        name = canonicalize_name(requirement.name)
        is_needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_needed and name not in found:
            found.add(name)
            _required(distribution(name), found)
    return found


@pytest.mark.parametrize("command", ["up", "demo", "down", "faults"])
def test_installed_command_says_that_the_local_cloud_needs_a_checkout(
    bare: Path, tmp_path: Path, command: str
) -> None:
    """With what to do, and without a traceback, in an environment with nothing but the wheel."""
    done = subprocess.run(  # noqa: S603 # our own command
        [str(bare / "bin" / "python"), "-c", "from cutout.cli import main; main()", command],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The local cloud needs a checkout of Cutout")
    assert "make install" in done.stderr
    assert "Traceback" not in done.stderr


def test_checkout_without_the_packages_of_the_local_cloud_says_what_to_run(
    bare: Path, tmp_path: Path
) -> None:
    """It was installed by hand, without the group `local`."""
    sources = os.pathsep.join([str(PROJECT / "functions"), str(PROJECT)])
    done = subprocess.run(  # noqa: S603 # our own command
        [str(bare / "bin" / "python"), "-c", "from cutout.cli import main; main()", "up"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.match(r"Error: The local cloud needs the package \w+, which is not", done.stderr)
    assert "Run `make install`" in done.stderr


# What is about the CDK alone, which takes mypy ten seconds to read, is checked by `make check`.
_STRICT_BUT_FOR_THE_CDK = """
[mypy]
strict = true
disallow_subclassing_any = false
[mypy-aws_cdk.*]
follow_imports = skip
"""


def test_app_that_embeds_the_wheel_is_type_checked_strictly(
    installed: Path, tmp_path: Path
) -> None:
    """The wheel is marked as typed. The example has no error; with a wrong setting it has one."""
    config = tmp_path / "mypy.ini"
    config.write_text(_STRICT_BUT_FOR_THE_CDK)
    example = PROJECT / "infra" / "examples" / "shop" / "app.py"
    text = example.read_text()
    (tmp_path / "app.py").write_text(text)
    wrong = text.replace("max_in_flight=tasks", "max_in_flight=department")
    (tmp_path / "wrong.py").write_text(wrong)
    checked = subprocess.run(  # noqa: S603 # our own command
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(config), "app.py", "wrong.py"),
            *("--python-executable", str(installed / "bin" / "python")),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = "\n".join(line for line in checked.stdout.splitlines() if ": error: " in line)
    pattern = r'wrong\.py:\d+: error: .*"max_in_flight" to "Settings" has incompatible type "str".*'
    assert re.fullmatch(pattern, told), checked.stdout + checked.stderr


def test_other_app_embeds_two_constructs_on_one_bucket(shop: Path) -> None:
    """Two departments, two prefixes of an existing bucket, which is not changed."""
    template: dict[str, Any] = json.loads((shop / "Shop.template.json").read_text())
    resources = template["Resources"].values()
    watched = [
        [one["wildcard"] for one in rule["Properties"]["EventPattern"]["detail"]["object"]["key"]]
        for rule in resources
        if rule["Type"] == "AWS::Events::Rule"
        and rule["Properties"]["EventPattern"]["source"] == ["aws.s3"]
    ]
    buckets = [one for one in resources if one["Type"] == "AWS::S3::Bucket"]
    assert watched == [
        [f"photos/{name}/*{end}" for end in (".jpg", ".JPG", ".png", ".PNG")]
        for name in ("shoes", "hats")
    ]
    assert {json.dumps(one["Properties"].get("NotificationConfiguration")) for one in buckets} <= {
        "null"
    }


def test_installed_sources_make_the_same_assets(shop: Path, own_digests: set[str]) -> None:
    """By their digests."""
    manifest = json.loads((shop / "Shop.assets.json").read_text())["files"]
    zips = {name for name, one in manifest.items() if one["source"]["path"].endswith(".zip")}
    assert zips == own_digests
