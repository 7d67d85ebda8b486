"""Builds each function's asset, without Docker.

An asset is a zip with the modules of ours that the handler imports, and the locked distributions
that these use, for the platform of the function. Equal inputs give an equal digest on any machine;
an asset that is in the cache is not built again.
"""

from .build import AssetBuilder, build_all
from .build_commands import AssetError

__all__ = ["AssetBuilder", "AssetError", "build_all"]
