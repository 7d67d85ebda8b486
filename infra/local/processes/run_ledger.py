"""The ledger of a place: its running processes, stored as soon as each is started.

Another command can stop the processes in the ledger, even if the command that started them was
killed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from infra.local.processes.background import ProcessRecord


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The local cloud of one place, its processes in the order of their start.

    With an owner, that command stops the cloud when it ends. The fingerprint is of the deployed
    sources and settings; empty before deployment.
    """

    owner: ProcessRecord | None = None
    processes: tuple[ProcessRecord, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    def with_process(self, process: ProcessRecord) -> Self:
        """Return the ledger with another process."""
        return replace(self, processes=(*self.processes, process))


def read_ledger(path: Path) -> Ledger | None:
    """Return the ledger; None if there is no readable one."""
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
    """Write the ledger atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(ledger), indent=2) + "\n")
    # Another command may read it at any time.
    fresh.replace(path)
