"""Which of our modules a function ships: what its handler imports, and what that imports."""

from pathlib import Path
from textwrap import dedent

import pytest

from infra.assets import AssetError
from infra.assets.import_closure import own_modules, shippable


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root


def test_asset_has_the_imports_of_a_module_and_no_more(tmp_path: Path) -> None:
    """Imports of imports are included with their packages; other modules are not."""
    root = _tree(
        tmp_path,
        {
            "submit/__init__.py": "",
            "submit/handler.py": "import json\nfrom cutout.wiring import build\n",
            "cutout/__init__.py": "",
            "cutout/wiring/__init__.py": "from cutout.job import Job\n",
            "cutout/wiring/other.py": "",
            "cutout/job.py": "",
            "cutout/gate.py": "",
            "sweep/handler.py": "",
        },
    )
    assert list(own_modules(root, "submit.handler")) == [
        "cutout/__init__.py",
        "cutout/job.py",
        "cutout/wiring/__init__.py",
        "submit/__init__.py",
        "submit/handler.py",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "import cutout.job",
        "import cutout.job as job",
        "from cutout import job",
        "from cutout.job import Job",
        "from cutout.job import *",
        "def later():\n    import cutout.job",
        "try:\n    import cutout.job\nexcept ImportError:\n    pass",
        "if len('x'):\n    import cutout.job",
    ],
)
def test_every_form_of_import_is_found(tmp_path: Path, line: str) -> None:
    """Wherever it is and however it is written, it may run."""
    root = _tree(tmp_path, {"handler.py": line, "cutout/job.py": "Job = 1\n"})
    assert list(own_modules(root, "handler")) == ["cutout/job.py", "handler.py"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from . import near", "a/b/near.py"),
        ("from .near import thing", "a/b/near.py"),
        ("from .. import far", "a/far.py"),
        ("from ..far import thing", "a/far.py"),
    ],
)
def test_relative_imports_are_found(tmp_path: Path, line: str, found: str) -> None:
    """Dots are counted from the package of the module that imports."""
    root = _tree(tmp_path, {"a/b/handler.py": line, "a/b/near.py": "", "a/far.py": ""})
    assert set(own_modules(root, "a.b.handler")) == {"a/b/handler.py", found}


@pytest.mark.parametrize(
    "line",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cutout.job",
        "import typing\nif typing.TYPE_CHECKING:\n    import cutout.job",
    ],
)
def test_import_for_a_type_checker_is_not_shipped(tmp_path: Path, line: str) -> None:
    """It never runs."""
    root = _tree(tmp_path, {"handler.py": line, "cutout/job.py": ""})
    assert list(own_modules(root, "handler")) == ["handler.py"]


def test_import_in_the_other_branch_of_a_type_check_is_shipped(tmp_path: Path) -> None:
    """That branch runs."""
    text = "if TYPE_CHECKING:\n    import one\nelse:\n    import other\n"
    root = _tree(tmp_path, {"handler.py": text, "one.py": "", "other.py": ""})
    assert list(own_modules(root, "handler")) == ["handler.py", "other.py"]


def test_modules_that_import_each_other_are_found_once(tmp_path: Path) -> None:
    """A circle does not lead to an endless search."""
    root = _tree(tmp_path, {"handler.py": "import one", "one.py": "import handler"})
    assert list(own_modules(root, "handler")) == ["handler.py", "one.py"]


@pytest.mark.parametrize("part", ["cutout.cli", "cutout.operator", "cutout.operator.control"])
def test_command_line_is_never_shipped(tmp_path: Path, part: str) -> None:
    """A handler that imports it or its use cases is refused, with the chain of imports."""
    place = part.replace(".", "/")
    root = _tree(
        tmp_path,
        {
            "handler.py": "import cutout.job",
            "cutout/job.py": f"import {part}",
            f"{place}/__init__.py": "",
        },
    )
    with pytest.raises(AssetError, match=rf"handler -> cutout\.job -> {part}"):
        own_modules(root, "handler")


def test_command_line_is_not_read(tmp_path: Path) -> None:
    """A command line that cannot be compiled does not prevent a deployment."""
    shipped = ["cutout/operators.py", "sweep/one.py"]
    names = ["cutout/cli/entry.py", "cutout/operator/control.py", *shipped]
    root = _tree(tmp_path, dict.fromkeys(names, "def"))
    assert list(shippable(root)) == shipped


def test_missing_handler_is_refused(tmp_path: Path) -> None:
    """A misspelt handler fails here, not at its first event."""
    with pytest.raises(AssetError, match=r"there is no module submit\.handler under"):
        own_modules(tmp_path, "submit.handler")
