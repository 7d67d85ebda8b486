import pytest

from infra.local.evolink.faults.fault import Rule, Stage
from infra.local.evolink.faults.fault_rules import (
    ALL_FAULTS,
    FaultRules,
    parse_rule,
    parse_rule_text,
)


def test_names_of_faults_are_unique_in_their_part_of_the_api() -> None:
    """A rule names exactly one."""
    names = [(fault.where, fault.name) for fault in ALL_FAULTS]

    assert len(set(names)) == len(names)


def test_every_fault_is_described_in_a_sentence() -> None:
    """The description is its only documentation."""
    assert all(one.description[0].isupper() and one.description.endswith(".") for one in ALL_FAULTS)


def test_a_rule_of_the_command_line_has_every_setting_in_its_type() -> None:
    """Numbers are parsed, and a name without a value is true."""
    text = (
        "create:429,times=2,after=1,match=cat,each,seconds=1.5,code=busy,"
        "message=Wait,status=429,retry_after=7"
    )

    assert parse_rule_text(text) == Rule(
        where="create",
        fault="429",
        times=2,
        after=1,
        match="cat",
        each=True,
        seconds=1.5,
        code="busy",
        message="Wait",
        status=429,
        retry_after=7.0,
    )


@pytest.mark.parametrize("text", ["create:400,each=no", "create:400,each=false"])
def test_a_rule_can_have_a_false_value(text: str) -> None:
    """Not every text is true."""
    assert parse_rule_text(text).each is False


def test_rule_is_equal_after_a_round_trip_through_json() -> None:
    """It is stored with the task that it affects."""
    rule = Rule(where="task", fault="slow", seconds=3, match="x")

    assert parse_rule(rule.to_json()) == rule


def test_integers_are_valid_seconds_but_booleans_are_not_integers() -> None:
    """JSON does not tell 2 from 2.0; Python takes True for 1."""
    assert parse_rule({"where": "task", "fault": "slow", "seconds": 2}).seconds == 2.0
    with pytest.raises(ValueError, match="'times' must be of type int"):
        parse_rule({"where": "task", "fault": "slow", "times": True})


def _rules(*rules: Rule) -> FaultRules:
    in_force = FaultRules()
    in_force.add(*rules)
    return in_force


def test_a_rule_is_used_on_its_own_occasion_only() -> None:
    """A fault of reads does not affect create requests."""
    book = _rules(Rule(where="task", fault="404-on-read"))

    assert book.take(Stage.CREATE, "/a.jpg") is None
    assert book.take(Stage.READ, "/a.jpg") == Rule(where="task", fault="404-on-read")


def test_two_tasks_read_in_turn_are_counted_each() -> None:
    """``each`` counts every photo separately."""
    book = _rules(Rule(where="task", fault="404-on-read", times=1, each=True))

    taken = [book.take(Stage.READ, photo) is not None for photo in ("/a", "/b", "/a", "/b")]

    assert taken == [True, True, False, False]
    assert book.listing()[0]["used"] == 2


def _failures(photos: list[str], *rules: str) -> list[str | None]:
    """Return the fault of each create request, in order."""
    in_force = _rules(*(parse_rule_text(f"create:{rule}") for rule in rules))
    taken = [in_force.take(Stage.CREATE, photo) for photo in photos]
    return [None if rule is None else rule.fault for rule in taken]


def test_a_rule_applies_to_the_photos_that_it_matches() -> None:
    """By a part of the decoded path."""
    assert _failures(["/good", "/bad one"], "500,match=bad one") == [None, "500"]


def test_rules_for_the_same_occasions_are_used_one_after_the_other() -> None:
    """Twice the first, then once the second, then none."""
    assert _failures(["/a"] * 4, "500,times=2", "429,times=1") == ["500", "500", "429", None]


def test_a_rule_can_skip_the_first_occasions() -> None:
    """``after`` counts the matching ones."""
    assert _failures(["/a"] * 4, "500,after=2,times=1") == [None, None, "500", None]


def test_a_rule_for_an_unknown_fault_is_refused() -> None:
    """Before any occasion comes."""
    with pytest.raises(LookupError, match="no fault 'no-such' at 'create'"):
        _rules(Rule(where="create", fault="no-such"))
