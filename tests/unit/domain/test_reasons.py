"""Reasons in words."""

from __future__ import annotations

import pytest

from cutout.domain.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """Every reason has a sentence, new ones too."""
    assert reason.meaning[0].isupper()
    assert reason.meaning.endswith(".")
