"""The profile of hypothesis: few examples, and no files."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("core", database=None, max_examples=60)
settings.load_profile("core")
