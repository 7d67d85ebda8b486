"""The published schemas of completion events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cutout.domain.reasons import Reason
from cutout.domain.states import SETTLED, State
from tests.support.pages import section
from tests.support.samples import sample, schema

NAMES = ["cutout-completed", "cutout-failed"]


def _paths(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every member that a schema describes, nested ones with a dot."""
    for name, described in properties.items():
        inner = described.get("properties", {})
        yield from _paths(inner, f"{prefix}{name}.") if inner else [prefix + name]


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_valid_and_formatted(name: str) -> None:
    """Draft 2020-12, two spaces, one line break at the end."""
    Draft202012Validator.check_schema(schema(name))
    text = (Path(__file__).parents[2] / f"events/schema/{name}.schema.json").read_text()
    assert text == json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_is_valid_for_its_own_schema_only(name: str) -> None:
    """A receiver of one kind recognises an event of the other."""
    [other] = set(NAMES) - {name}
    assert list(Draft202012Validator(schema(name)).iter_errors(sample(name))) == []
    assert not Draft202012Validator(schema(other)).is_valid(sample(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("missing", ["job", "state", "reason", "source", "result", "credits"])
def test_a_required_member_may_not_be_missing(name: str, missing: str) -> None:
    """Null says that there is none; an absent member would be ambiguous."""
    event = sample(name)
    del event["detail"][missing]
    assert not Draft202012Validator(schema(name)).is_valid(event)


def test_the_schemas_cover_every_announced_state() -> None:
    """Superseded jobs are not announced; every other end is one of the two kinds."""
    details = [schema(name)["properties"]["detail"]["properties"] for name in NAMES]
    states = {state for detail in details for state in detail["state"]["enum"]}
    assert states == {state.value for state in SETTLED - {State.SUPERSEDED}}


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_of_the_first_schema_can_read_todays_events(name: str) -> None:
    """Fields are only added; none is removed or changes its meaning."""
    earliest = Draft202012Validator(schema(f"1.0/{name}"))
    assert list(earliest.iter_errors(sample(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_of_todays_schema_can_read_the_first_events(name: str) -> None:
    """An archive of the bus may replay events written before fields were added."""
    event = sample(name)
    told = schema(f"1.0/{name}")["properties"]["detail"]["properties"]
    event["detail"] = {field: value for field, value in event["detail"].items() if field in told}
    assert event["detail"] != sample(name)["detail"]
    assert list(Draft202012Validator(schema(name)).iter_errors(event)) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_event_names_the_version_of_its_schema(name: str) -> None:
    """The id of the schema ends in it."""
    assert schema(name)["$id"] == f"urn:cutout:event:{name}:{sample(name)['detail']['schema']}"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_matches_the_pattern_in_the_schema(reason: Reason) -> None:
    """Reasons may be added; their form is fixed."""
    pattern = schema("cutout-failed")["properties"]["detail"]["properties"]["reason"]["pattern"]
    assert re.fullmatch(pattern, reason.value)


def test_the_page_lists_exactly_the_fields_of_the_schemas() -> None:
    """All of them and no others."""
    table = section("events/README.md", "Completion events").splitlines()
    cells = [line.split("|")[1] for line in table if line.startswith("| `")]
    told = {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}
    described = {
        path
        for name in NAMES
        for path in _paths(schema(name)["properties"]["detail"]["properties"])
    }
    assert told == described
