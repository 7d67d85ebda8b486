"""How hypothesis runs here: few examples, and no files left behind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("core", database=None, max_examples=60)
settings.load_profile("core")
