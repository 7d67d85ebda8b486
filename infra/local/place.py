"""The folders of a local cloud: the project's sources, its state, and its cache."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local.local_cloud_error import LocalCloudError

STATE_FOLDER = ".cutout"
_MIN_FREE_BYTES = 1_000_000  # with less, log lines may still fit, but no photo, template or bundle
_PHOTO_SUFFIXES = frozenset({".jpg", ".png", ".webp"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """The project's root, the files of one local cloud, and those that the next one can reuse.

    The log of each process is in the folder of the state.
    """

    source: Path
    state: Path
    cache: Path

    @property
    def env_file(self) -> Path:
        """The variables that make AWS tools use the local cloud."""
        return self.state / "local.env"

    @property
    def ledger_file(self) -> Path:
        """The ledger of running processes."""
        return self.state / "cloud.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the command that starts or stops the cloud; contains its process id."""
        return self.state / "lock"

    @property
    def decisions_file(self) -> Path:
        """Each role's requests and whether they were allowed, one JSON object per line."""
        return self.state / "decisions.jsonl"

    @property
    def tls(self) -> Path:
        """The temporary certificate authority."""
        return self.state / "tls"

    @property
    def scratch(self) -> Path:
        """The temporary folder of the processes, deleted with the cloud."""
        return self.state / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the processes, without any of the person's variables."""
        scratch = str(self.scratch)
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch}

    @property
    def ports_file(self) -> Path:
        """The ports of the last start; with the same ports the synthesis can be reused."""
        return self.cache / "ports.json"


def find_root(start: Path) -> Path | None:
    """Return the nearest folder at or above ``start`` that is a checkout of Cutout."""
    for folder in (start, *start.parents):
        if (folder / "infra" / "app.py").is_file() and (folder / "functions" / "cutout").is_dir():
            return folder
    return None


def find_place(start: Path) -> Place:
    """Return the place of the project that contains ``start``; LocalCloudError outside of one."""
    root = find_root(start)
    if root is None:
        raise LocalCloudError(
            "There is no checkout of Cutout in this folder.",
            advice="Change into the project's folder, which contains infra/ and functions/.",
        )
    return place_in(root)


def place_in(root: Path) -> Place:
    """Return the place of the project with this root."""
    state = root / STATE_FOLDER
    return Place(source=root, state=state, cache=state / "cache")


def free_bytes(folder: Path) -> int:
    """Return how many bytes this user may still write to the disk of a folder."""
    return shutil.disk_usage(folder).free


def check_disk_space(folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
    """Check the disk of a folder; LocalCloudError if it is full."""
    # MiniStack, Node.js and the functions are other processes. They report a full disk in many
    # ways, or not at all if they cannot write their logs either.
    left = free(folder)
    if left < _MIN_FREE_BYTES:
        raise LocalCloudError(
            f"The disk of {folder} is full ({left:,} bytes are free).",
            advice=f"Free some space; `df -h {folder}` shows the disk.",
        )


def shipped_photos() -> list[Path]:
    """Return the photos that come with the project."""
    folder = Path(__file__).parent / "photos"
    return sorted(path for path in folder.iterdir() if path.suffix in _PHOTO_SUFFIXES)
