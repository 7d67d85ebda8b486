import pytest

from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.fault_rules import FaultRules, parse_rule, parse_rule_text
from infra.local.evolink.faults.fault_table import ALL_FAULTS
from infra.local.evolink.faults.rule import Rule


def test_names_of_faults_are_unique_where_they_are() -> None:
    """A rule can mean but one."""
    names = [(fault.where, fault.name) for fault in ALL_FAULTS]

    assert len(set(names)) == len(names)


def test_every_fault_says_what_happens_in_a_sentence() -> None:
    """The table is its only documentation."""
    assert all(one.description[0].isupper() and one.description.endswith(".") for one in ALL_FAULTS)


def test_a_rule_of_the_command_line_has_every_setting_in_its_type() -> None:
    """Numbers are numbers, and a bare name is a yes."""
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
def test_a_rule_can_say_no(text: str) -> None:
    """Not every text is a yes."""
    assert parse_rule_text(text).each is False


def test_a_rule_comes_back_from_its_json() -> None:
    """It is kept with the task whose end it decides."""
    rule = Rule(where="task", fault="slow", seconds=3, match="x")

    assert parse_rule(rule.to_json()) == rule


def test_a_whole_number_is_a_time_but_a_truth_is_no_number() -> None:
    """JSON does not tell 2 from 2.0; Python takes True for 1."""
    assert parse_rule({"where": "task", "fault": "slow", "seconds": 2}).seconds == 2.0
    with pytest.raises(ValueError, match="'times' must be of type int"):
        parse_rule({"where": "task", "fault": "slow", "times": True})


def test_a_rule_is_used_on_its_own_occasion_only() -> None:
    """A fault of a read is none of a create."""
    book = FaultRules((Rule(where="task", fault="404-on-read"),))

    assert book.take(Stage.CREATE, "/a.jpg") is None
    assert book.take(Stage.READ, "/a.jpg") == Rule(where="task", fault="404-on-read")


def test_two_tasks_read_in_turn_are_counted_each() -> None:
    """``each`` keeps a count for every photo."""
    book = FaultRules((Rule(where="task", fault="404-on-read", times=1, each=True),))

    taken = [book.take(Stage.READ, photo) is not None for photo in ("/a", "/b", "/a", "/b")]

    assert taken == [True, True, False, False]
    assert book.listing()[0]["used"] == 2
