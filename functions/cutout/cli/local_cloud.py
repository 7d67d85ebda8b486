"""The local cloud, as commands see it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cutout.cli.options.environment import CliSettings
    from cutout.cli.progress.clock import Clock
    from infra.local.lifecycle import Status
    from infra.local.progress import Progress
    from infra.local.start import Wish


class LocalClouds(Protocol):
    """The local cloud of the folder that a command runs in."""

    def status(self) -> Status:
        """Say how it stands."""

    def up(self, wish: Wish, progress: Progress, *, stays_up: bool) -> Mapping[str, str]:
        """Bring it up and return the variables to use it with."""

    def is_like(self, wish: Wish) -> bool:
        """Say whether the one that is up was asked for in the same way."""

    def down(self) -> bool:
        """Take it down; False if there was nothing to take down."""

    def variables(self) -> Mapping[str, str]:
        """Return the variables to use it with while it is up."""

    def env_file(self) -> Path:
        """Return the file that holds them, as seen from the folder that the command runs in."""


class MachineClouds:
    """Local clouds on this machine."""

    def __init__(self, settings: CliSettings, folder: Path, clock: Clock) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock

    def status(self) -> Status:
        """Say how it stands."""
        from infra.local.lifecycle import status  # noqa: PLC0415 - loads slowly
        from infra.local.place import find_place  # noqa: PLC0415

        return status(find_place(self._folder))

    def up(self, wish: Wish, progress: Progress, *, stays_up: bool) -> Mapping[str, str]:
        """Bring it up and return the variables to use it with."""
        from infra.local.place import find_place  # noqa: PLC0415
        from infra.local.processes.background import record  # noqa: PLC0415
        from infra.local.start import bring_up  # noqa: PLC0415

        cloud = bring_up(
            find_place(self._folder),
            wish,
            progress=progress,
            clock=self._clock,
            owner=record("cutout", os.getpid()),
            environment=self._settings.environment,
            stays_up=stays_up,
        )
        return cloud.variables

    def is_like(self, wish: Wish) -> bool:
        """Say whether the one that is up was asked for in the same way."""
        from infra.local.lifecycle import is_like  # noqa: PLC0415
        from infra.local.place import find_place  # noqa: PLC0415

        return is_like(find_place(self._folder), wish.asked)

    def down(self) -> bool:
        """Take it down; False if there was nothing to take down."""
        from infra.local.lifecycle import take_down  # noqa: PLC0415
        from infra.local.place import find_place  # noqa: PLC0415

        return take_down(find_place(self._folder), self._clock)

    def variables(self) -> Mapping[str, str]:
        """Return the variables to use it with while it is up."""
        from infra.local.lifecycle import local_variables  # noqa: PLC0415

        return local_variables(self._folder) or {}

    def env_file(self) -> Path:
        """Return the file that holds them, as seen from the folder that the command runs in."""
        from infra.local.place import find_place  # noqa: PLC0415

        return Path(os.path.relpath(find_place(self._folder).env_file, self._folder))
