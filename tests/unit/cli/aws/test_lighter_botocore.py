"""Modules that run when something in them is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cutout.cli.aws.lighter_botocore import postpone

_PACKAGE = """
import sys
from threading import Barrier, Thread

from late_part import inside

together, values = Barrier(5), []

def ask():
    together.wait()
    values.append(sys.modules["late_part"].value)

threads = [Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
together.wait()
value = inside.value
"""


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A postponed package, which imports a module inside it and is asked by threads as it runs."""
    (tmp_path / "late_part").mkdir()
    (tmp_path / "late_part" / "__init__.py").write_text(_PACKAGE)
    (tmp_path / "late_part" / "inside.py").write_text("value = 1")
    monkeypatch.syspath_prepend(tmp_path)
    postpone("late_part")
    module: Any = importlib.import_module("late_part")
    yield module
    for thread in module.threads:
        thread.join()
    for name in ("late_part", "late_part.inside"):
        sys.modules.pop(name, None)


def test_a_package_runs_when_it_is_asked_for_more_than_a_module_inside(late: Any) -> None:
    """It may import the module itself; what it does not have, it does not have then."""
    exec("from late_part import inside")  # noqa: S102 - an import of what is not there before
    assert "value" not in vars(late)
    assert late.value == 1
    with pytest.raises(AttributeError):
        _ = late.other


def test_other_threads_wait_while_a_module_runs(late: Any) -> None:
    """None finds half of it."""
    assert late.value == 1
    for thread in late.threads:
        thread.join()
    assert late.values == [1] * 4


def test_a_module_that_this_version_of_a_package_does_not_have_stays_away() -> None:
    """As before."""
    postpone("cutout.domain.no_such_module")
    assert "cutout.domain.no_such_module" not in sys.modules
