"""The whole template, as it was last agreed on: a change to it is seen before it is deployed."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.infra.reading import Reading

SNAPSHOT = Path(__file__).with_name("template.json")


def test_the_template_is_the_one_that_was_agreed_on(template: Reading) -> None:
    """Hashes are masked. To agree on a change: SNAPSHOT=write python -m pytest this file."""
    whole = {"Outputs": template.outputs, "Resources": template.resources}
    text = json.dumps(whole, indent=1, sort_keys=True)
    now = re.sub(r"[0-9a-f]{64}|(?<=\+)[0-9a-f]{8}", "HASH", text)
    if os.environ.get("SNAPSHOT") == "write":
        SNAPSHOT.write_text(f"{now}\n")
    if json.loads(SNAPSHOT.read_text()) != json.loads(now):
        before, after = (json.loads(one)["Resources"] for one in (SNAPSHOT.read_text(), now))
        names = before.keys() | after.keys()
        changed = {name for name in names if before.get(name) != after.get(name)}
        pytest.fail(f"changed: {sorted(changed)}; look, then SNAPSHOT=write")
