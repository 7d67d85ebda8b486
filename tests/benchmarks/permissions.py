"""What fails without each permission: `python -m tests.benchmarks.permissions [as it comes]`.

One line for each action on each resource of each statement of each role, of a deployment with
everything switched on (key, network, tags on photos, deletion with the source, prefixes), or as it
comes: the request that would be refused without it, or what AWS does with the role. Exit status 1
if there is a permission that nobody needs, or a request that is not allowed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.infra.permission_removal import permissions, refused, verdicts
from tests.infra.permission_variants import VARIANTS
from tests.infra.static_checks import ROOT, empty_assets


def main(name: str = "everything on") -> int:
    """Print the table; return the exit status."""
    variant = VARIANTS[name]
    flags = json.loads((ROOT / "infra" / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as folder:
        granted = permissions(variant.synthesize(empty_assets(Path(folder)), flags))
    needs = variant.needs()
    found = list(verdicts(granted, needs))
    lines = [
        f"{one.permission.role:<20} {one.permission.sid or 'key, via ' + one.permission.via:<30} "
        f"{one.permission.action:<32} {one.permission.resource:<44} {one.reason or 'NOBODY'}"
        for one in found
    ]
    statements = Counter(role for role, _ in {(one.role, one.sid) for one in granted})
    pairs = Counter(one.role for one in granted)
    lines += [
        f"{role}: {number} statements, {pairs[role]} permissions"
        for role, number in statements.items()
    ]
    lines.append(f"together: {statements.total()} statements, {len(granted)} permissions")
    missing = refused(granted, needs)
    lines += [f"REFUSED: {one.role} {one.action} {one.resource}" for one in missing]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if missing or any(one.reason is None for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
