"""Reasons and their sentences."""

from __future__ import annotations

import pytest

from cutout.domain.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """New ones, too."""
    assert reason.meaning[0].isupper()
    assert reason.meaning.endswith(".")
