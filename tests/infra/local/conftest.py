from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.ministack.ministack_process import bare_interpreter
from infra.local.sdk_access import Credentials, client, make_operator, root_credentials
from tests.support.running_ministack import RunningMinistack, running_ministack


@dataclass(frozen=True, kw_only=True)
class Cloud(RunningMinistack):
    """MiniStack with nothing in it."""

    operator: Credentials

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """Return a client of a service, by default with the operator's credentials."""
        return client(service, self.endpoint, credentials or self.operator)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """MiniStack as the local cloud runs it."""
    folder = tmp_path_factory.mktemp("ministack")
    root, interpreter = root_credentials(), bare_interpreter(folder)
    with running_ministack(folder, root=root, interpreter=interpreter) as running:
        yield Cloud(**vars(running), operator=make_operator(running.endpoint, root))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The outline of the project."""
    for name in (
        "infra/app.py",
        "infra/cdk.json",
        "infra/cdk/node_modules/x/y.json",
        "functions/submit/handler.py",
        "functions/cutout/cli/entry.py",
        "infra/local/start.py",
        "requirements/runtime.txt",
        "README.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path
