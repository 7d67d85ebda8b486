"""What holds for the tests of every tier."""

from __future__ import annotations

import botocore

from tests.support.service_models import check_answers


def pytest_configure() -> None:
    """Check what AWS, or what stands in for it, answers in any test."""
    botocore.register_initializer(check_answers)


def pytest_unconfigure() -> None:
    """Leave the SDK as it was."""
    botocore.unregister_initializer(check_answers)
