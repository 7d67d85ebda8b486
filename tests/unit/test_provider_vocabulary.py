"""The provider's vocabulary stays in its adapter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cutout

PACKAGE = Path(cutout.__file__).parent
SETTINGS = "function_settings.py"
"""The names of settings are public, and two of them are the provider's URLs."""
WORDS = re.compile(
    r"evolink|midjourney|mj-v\d|files api|image_urls|task-unified"
    r"|insufficient_quota|content_policy|paid_outcome|image_processing_error|quota_exceeded",
    re.IGNORECASE,
)


@pytest.mark.parametrize("layer", ["domain", "ports", "usecases", "operator"])
def test_the_core_uses_no_word_of_the_provider(layer: str) -> None:
    """Names, fields and codes of the provider are known to its adapter only."""
    found = sorted((PACKAGE / layer).rglob("*.py"))
    modules = [it for it in found if it.name != SETTINGS]
    assert modules
    assert [it.name for it in modules if WORDS.search(it.read_text(encoding="utf-8"))] == []
