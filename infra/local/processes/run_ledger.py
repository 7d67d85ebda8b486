"""What runs in a place and for whom, written down as soon as it is started.

Whatever is in the ledger can be ended by another command, even if the one that started it was
killed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from infra.local.processes.background import ProcessRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The local cloud of one place.

    Attributes:
        owner: The command that takes the cloud down when it ends; None if it is to stay up.
        processes: What runs, in the order in which it was started.
        asked: What the cloud was asked to be like: settings by name.
        fingerprint: The sources and settings that are deployed; empty until they are.
    """

    owner: ProcessRecord | None = None
    processes: tuple[ProcessRecord, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    def with_process(self, process: ProcessRecord) -> Ledger:
        """Return the ledger with one process more."""
        return replace(self, processes=(*self.processes, process))


def read_ledger(path: Path) -> Ledger | None:
    """Return what is written down; None if there is nothing that can be read."""
    try:
        content = json.loads(path.read_text())
        owner = content["owner"]
        return Ledger(
            owner=ProcessRecord(**owner) if owner else None,
            processes=tuple(ProcessRecord(**process) for process in content["processes"]),
            asked=dict(content["asked"]),
            fingerprint=content["fingerprint"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write the ledger, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(ledger), indent=2) + "\n")
    fresh.replace(path)


def drop_ledger(path: Path) -> None:
    """Forget the local cloud."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
