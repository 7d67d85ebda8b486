"""Build the assets and print their sizes: `python -m infra.assets --platform local`."""

import argparse
import sys

from ..deployed_functions import SHAPES
from .asset_error import AssetError
from .build import AssetBuilder

_MEGABYTE = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Build for a platform, print a table, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.assets", description=__doc__)
    parser.add_argument("--platform", choices=("aws", "local"), default="aws")
    builder = AssetBuilder(parser.parse_args(arguments).platform)
    lines = [f"{'function':<16} {'files':>6} {'MB':>6} {'zip MB':>7}  digest"]
    try:
        for shape in SHAPES.values():
            pack = builder.build(shape)
            lines.append(
                f"{shape.name:<16} {pack.files:>6} {pack.unzipped_bytes / _MEGABYTE:>6.1f} "
                f"{pack.zipped_bytes / _MEGABYTE:>7.1f}  {pack.digest[:16]}"
            )
    except AssetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
