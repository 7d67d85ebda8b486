"""What the CDK runs: reads the settings, sees that the assets are built, makes the stack.

    cdk synth -c max_in_flight=10 -c alarm_email=you@example.com

The exit status is 1, with one line that says what to pass instead, when a setting is
refused or an asset cannot be built.
"""

import sys

from infra.assets import AssetError, build_all
from infra.node import use_own_node
from infra.rules import SettingError
from infra.settings import Settings


def main() -> None:
    """Synthesize into the folder that the CDK's command line names."""
    use_own_node()
    from aws_cdk import App  # noqa: PLC0415 # starts Node, which is chosen above

    from infra.stack import CutoutStack  # noqa: PLC0415 # the same

    app = App()
    settings = Settings.from_context(app.node.get_all_context())
    CutoutStack(app, settings=settings, assets=build_all(settings.asset_platform))
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (SettingError, AssetError) as refused:
        sys.exit(f"cutout: {refused}")
