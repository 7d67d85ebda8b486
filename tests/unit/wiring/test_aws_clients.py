"""Models of AWS's services, as they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader

import cutout
from cutout.wiring.aws_clients import ModelFiles

_USED = {
    name
    for module in Path(cutout.__file__).parent.rglob("*.py")
    for name in re.findall(r'\.(?:client|_late)\("([a-z0-9-]+)"\)', module.read_text())
}


@pytest.mark.parametrize("service", sorted(_USED))
def test_a_model_is_that_of_botocore_but_for_characters_in_documentation(service: str) -> None:
    """Of all services that the functions or commands use."""
    assert len(_USED) > 10
    loader = Loader(file_loader=ModelFiles())
    version = loader.determine_latest_version(service, "service-2")
    file = str(Path(Loader.BUILTIN_DATA_PATH) / service / version / "service-2")
    found, expected = ModelFiles().load_file(file), JSONFileLoader().load_file(file)
    assert _without_documentation(found) == _without_documentation(expected)


def _without_documentation(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: _without_documentation(value)
            for name, value in part.items()
            if name != "documentation" or not isinstance(value, str)
        }
    return list(map(_without_documentation, part)) if isinstance(part, list) else part
