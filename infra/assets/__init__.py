"""Builds what each function ships, without Docker: its own modules and what those import.

An asset is a zip that needs nothing but Python: the functions' own modules as their imports say,
and the locked distributions that they use, for the platform the functions run on. Equal inputs
give an equal digest, on any machine; what has been built once is not built again.
"""

from .build import AssetBuilder, build_all
from .errors import AssetError

__all__ = ["AssetBuilder", "AssetError", "build_all"]
