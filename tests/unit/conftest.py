"""How hypothesis runs here: no deadline, since the machine is shared, and no files left behind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("core", deadline=None, database=None, max_examples=60)
settings.load_profile("core")
