"""The CDK app: reads the settings, builds the assets, makes the stack.

In the folder `infra`, which has `cdk.json`:

    cdk synth --output ../cdk.out -c max_in_flight=10 -c alarm_email=you@example.com

`cdk.json` names the Python of `.venv`; with another, pass `--app "PYTHON -P -m infra.app"`.
If a setting is refused or an asset cannot be built, the exit status is 1 and one line says why.
"""

import sys
from pathlib import Path

from .assets import AssetError
from .assets.folders import cache_folder
from .node import use_own_node
from .settings.settings import Settings
from .settings.value_rules import SettingError


def main() -> None:
    """Synthesize into the folder that the CDK CLI names."""
    # Before the import of aws_cdk, whose bytecode it is about.
    keep_bytecode(cache_folder() / "bytecode")
    use_own_node()
    from aws_cdk import App  # noqa: PLC0415 # starts Node, which is chosen above

    from .stack import CutoutStack  # noqa: PLC0415 # the same

    app = App()
    CutoutStack(app, settings=Settings.from_context(app.node.get_all_context()))
    app.synth()


def keep_bytecode(folder: Path) -> None:
    """Write bytecode to this folder where Python is told to write none beside the sources."""
    # Compiling the construct library takes longer than the rest of a synth.
    if sys.dont_write_bytecode:
        sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


if __name__ == "__main__":
    try:
        main()
    except (SettingError, AssetError) as refused:
        sys.exit(f"cutout: {refused}")
