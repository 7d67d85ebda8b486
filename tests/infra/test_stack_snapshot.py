"""The whole template as last agreed, so that a change is noticed before it is deployed."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.infra.template_view import TemplateView

SNAPSHOT = Path(__file__).with_name("template.json")
_HASH = re.compile(r"[0-9a-f]{64}|(?<=\+)[0-9a-f]{8}")


def test_template_is_the_agreed_one(template: TemplateView) -> None:
    """Digests are masked. To agree on a change: SNAPSHOT=write python -m pytest this file.

    It is what shows each role's whole policy, and the properties that no other test is about.
    """
    now = _HASH.sub(
        "HASH", _one_line_each({"Outputs": template.outputs, "Resources": template.resources})
    )
    if os.environ.get("SNAPSHOT") == "write":
        SNAPSHOT.write_text(now, encoding="utf-8")
    agreed = dict(_values(json.loads(SNAPSHOT.read_text(encoding="utf-8"))))
    present = dict(_values(json.loads(now)))
    changed = {
        path: (agreed.get(path), present.get(path))
        for path in sorted(agreed.keys() | present.keys())
        if agreed.get(path) != present.get(path)
    }
    assert changed == {}


def _one_line_each(template: Mapping[str, Mapping[str, Any]]) -> str:
    """Write JSON with one line for each output and resource."""
    parts = {
        title: ",\n".join(
            f"{json.dumps(name)}: {json.dumps(one, sort_keys=True)}"
            for name, one in sorted(entries.items())
        )
        for title, entries in template.items()
    }
    return "{" + ",\n".join(f'"{title}": {{\n{text}\n}}' for title, text in parts.items()) + "}\n"


def _values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its path, such as `/Resources/Jobs/Properties/BillingMode`."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _values(inner, f"{path}/{name}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _values(inner, f"{path}/{index}")
    else:
        yield path, value
