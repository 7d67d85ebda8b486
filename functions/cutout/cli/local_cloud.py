"""The local cloud. Only this module of the package imports `infra.local`, which needs a checkout.

A wheel has no `infra.local`: there, functions of this module raise a Problem that says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cutout.cli.options.environment import DEFAULT_STACK, CliSettings
from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from botocore.session import Session

    from cutout.cli.progress.clock import Clock
    from infra.local import start as local_start
    from infra.local.lifecycle import CloudStatus, Progress

CloudRequest: TypeAlias = "local_start.CloudRequest"
OTHER_SERVERS_KEY = "local"
"""The key for a server of `--evolink-url` if EVOLINK_API_KEY is not set; many accept any key."""
_CONTROL_TOKEN = "CUTOUT_EVOLINK_CONTROL_TOKEN"  # noqa: S105 - a variable's name
# The root of the checkout, if this package runs from one.
_ROOT = Path(__file__).resolve().parents[3]


def check_checkout(root: Path = _ROOT) -> None:
    """Check that `infra.local` can be imported, and belongs to this project.

    Raises:
        Problem: It cannot.
    """
    # This finds the folder and does not import it: another project's code must not run.
    spec = find_spec("infra")
    own = root / "infra"
    # In a wheel, `infra` is `cutout.infra`, and has no folder `local`.
    if (own / "local" / "__init__.py").is_file() and spec and spec.origin:
        # Other projects have a folder `infra`, too, and it may come first on the path.
        if Path(spec.origin).resolve() == own / "__init__.py":
            return
        raise Problem(
            f"The local cloud cannot be loaded: {Path(spec.origin).parent} comes before "
            f"{own} on Python's path.",
            advice="Remove that folder from PYTHONPATH.",
        )
    raise Problem(
        "The local cloud needs a checkout of Cutout; this is an installed package without it.",
        advice="Clone the project, run `make install`, and use the `cutout` of that folder.",
    )


@contextmanager
def needs_checkout() -> Iterator[None]:
    """Check the checkout first, and turn errors of the local cloud into problems."""
    check_checkout()
    from infra.local.local_cloud_error import LocalCloudError  # noqa: PLC0415 - needs a checkout

    try:
        yield
    except LocalCloudError as error:
        raise Problem(str(error), advice=error.advice, has_lines=True) from error
    except ModuleNotFoundError as error:
        raise Problem(
            f"The local cloud needs the package {error.name}, which is not installed here.",
            advice="Run `make install`, and use the `cutout` of .venv/bin.",
        ) from error


def variables_if_up(folder: Path) -> Mapping[str, str] | None:
    """Return how to use the local cloud of the project that a folder is in; None if none runs.

    Raises:
        Problem: There is one, but it cannot be used.
    """
    # `infra.local.place` knows this file. Most commands run on AWS, and need not import it.
    ledgers = (one / ".cutout" / "cloud.json" for one in (folder, *folder.parents))
    ledger = next((one for one in ledgers if one.is_file()), None)
    if ledger is None:
        return None
    try:
        check_checkout()
    except Problem as error:
        raise Problem(
            f"The local cloud of {ledger.parents[1]} runs, and this `cutout` cannot use it: it is "
            "an installed package without the local cloud.",
            advice="Use the `cutout` of that checkout; `--aws` means AWS.",
        ) from error
    with needs_checkout():
        from infra.local import lifecycle  # noqa: PLC0415 - needs a checkout, loads slowly

        return lifecycle.variables_if_up(folder)


def checkout_of(folder: Path) -> Path | None:
    """Return the checkout that a folder is in, if this package runs from a checkout."""
    with suppress(Problem), needs_checkout():
        from infra.local import place  # noqa: PLC0415 - needs a checkout

        return place.find_root(folder)
    return None


@needs_checkout()
def shipped_photos() -> list[Path]:
    """Return the photos that come with the project."""
    from infra.local import place  # noqa: PLC0415 - needs a checkout

    return place.shipped_photos()


@needs_checkout()
def local_session(variables: Mapping[str, str]) -> Session:
    """Return a session of the local cloud, which ignores a person's own AWS configuration."""
    from infra.local import sdk_access  # noqa: PLC0415 - needs a checkout

    key = sdk_access.Credentials(
        access_key_id=variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    return sdk_access.local_session(key, variables["AWS_REGION"])


@needs_checkout()
def request_of(
    own: CliSettings,
    *,
    stack: str | None,
    settings: Mapping[str, str],
    evolink_url: str | None,
    live: bool,
) -> CloudRequest:
    """Return what the local cloud is to be like.

    Raises:
        Problem: `--live` without an API key, or a URL or a setting that cannot be used.
    """
    from infra.local import provider_server, start  # noqa: PLC0415 - needs a checkout, loads slowly

    api = None
    if evolink_url:
        key = own.evolink_api_key or OTHER_SERVERS_KEY
        api = provider_server.other_server(evolink_url, key=key)
    elif live:
        api = provider_server.evolink(own.evolink_api_key)
    chosen = stack or own.stack or DEFAULT_STACK
    request = start.CloudRequest(stack=chosen, settings=settings, api=api)
    start.check_settings(request)
    return request


class LocalCloud:
    """The local cloud of the folder that a command runs in."""

    def __init__(self, settings: CliSettings, folder: Path, clock: Clock) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock

    @needs_checkout()
    def is_up(self) -> bool:
        """Return whether it is up.

        Raises:
            Problem: Another command is starting it or taking it down.
        """
        from infra.local.lifecycle import CloudStatus  # noqa: PLC0415 - needs a checkout, loads slowly

        status = self._status()
        if status is CloudStatus.BUSY:
            raise Problem(
                "Another command is starting the local cloud of this project or taking it down.",
                advice="Wait until that command has ended.",
            )
        return status is CloudStatus.UP

    @needs_checkout()
    def up(self, request: CloudRequest, progress: Progress, *, stays_up: bool) -> Mapping[str, str]:
        """Start it and return the variables to use it with."""
        from infra.local import place, start  # noqa: PLC0415 - needs a checkout, loads slowly
        from infra.local.processes.background import record  # noqa: PLC0415

        cloud = start.start_local_cloud(
            place.find_place(self._folder),
            request,
            progress=progress,
            clock=self._clock,
            # If this command is killed, the next one finds by this record what must be stopped.
            owner=record("cutout", os.getpid()),
            environment=self._settings.environment,
            stays_up=stays_up,
        )
        return cloud.variables

    def check_likeness(self, request: CloudRequest) -> None:
        """Check that the running local cloud is like this, or that nothing was asked for.

        Raises:
            Problem: It has other settings.
        """
        if not self.is_like(request):
            raise Problem(
                "The local cloud is already up, with other settings than these.",
                advice="Stop it with `cutout down`, then start it with these settings.",
            )

    @needs_checkout()
    def faults(self, rules: Sequence[str] = (), *, clear: bool = False) -> Mapping[str, Any]:
        """Clear and add rules of the stand-in; return the `rules` in force and all `faults`.

        Raises:
            Problem: No stand-in is running for this project, or a rule cannot be read.
        """
        from infra.local.evolink.control_client import ControlClient  # noqa: PLC0415

        variables = self.variables()
        url, token = variables.get("CUTOUT_EVOLINK_URL"), variables.get(_CONTROL_TOKEN)
        if not url or not token:
            raise Problem(
                "No stand-in is running for this project.",
                advice="Start a local cloud with `cutout up`, without --live and --evolink-url.",
            )
        client = ControlClient(url, token)
        if clear:
            client.clear_faults()
        if rules:
            client.add_faults(rules)
        return client.faults()

    def uses_stand_in(self) -> bool:
        """Return whether its provider is the stand-in, which costs nothing."""
        return bool(self.variables().get(_CONTROL_TOKEN))

    @needs_checkout()
    def is_like(self, request: CloudRequest) -> bool:
        """Return whether the running local cloud is like this, or nothing was asked for."""
        from infra.local import lifecycle, place, start  # noqa: PLC0415 - needs a checkout

        is_default = request.asked == start.CloudRequest().asked
        return is_default or lifecycle.is_like(place.find_place(self._folder), request.asked)

    @needs_checkout()
    def down(self) -> bool:
        """Take it down; False if nothing was running."""
        from infra.local import lifecycle, place  # noqa: PLC0415 - needs a checkout, loads slowly

        return lifecycle.stop_local_cloud(place.find_place(self._folder), self._clock)

    @needs_checkout()
    def variables(self) -> Mapping[str, str]:
        """Return the variables to use it with while it is up."""
        from infra.local import lifecycle  # noqa: PLC0415 - needs a checkout, loads slowly

        return lifecycle.local_variables(self._folder) or {}

    @needs_checkout()
    def env_file(self) -> Path:
        """Return the file that holds the variables, relative to the folder of the command."""
        from infra.local import place  # noqa: PLC0415 - needs a checkout

        return Path(os.path.relpath(place.find_place(self._folder).env_file, self._folder))

    def _status(self) -> CloudStatus:
        from infra.local import lifecycle, place  # noqa: PLC0415 - needs a checkout, loads slowly

        return lifecycle.status(place.find_place(self._folder))
