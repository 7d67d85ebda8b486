"""All faults, and the rules in force: which fault happens on which occasion."""

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import get_args, get_type_hints

from infra.local.evolink.faults import answer_faults, task_faults
from infra.local.evolink.faults.fault import Fault, Rule, Stage

ALL_FAULTS: tuple[Fault[object], ...] = (
    *answer_faults.REFUSED_REQUESTS.values(),
    *answer_faults.LOST_ANSWERS.values(),
    *task_faults.TASK_FAULTS.values(),
    *answer_faults.READ_FAULTS.values(),
    *task_faults.CALLBACK_FAULTS.values(),
    *answer_faults.RESULT_FAULTS.values(),
)
_BY_NAME = {(fault.where, fault.name): fault for fault in ALL_FAULTS}
_NAMES = {"where": str, "fault": str}
_TYPES: dict[str, type] = {
    # `int | None` is an int where it is given.
    name: next(iter(get_args(hint)), hint)
    for name, hint in get_type_hints(Rule).items()
    if name not in _NAMES
}


def find_fault(where: str, name: str) -> Fault[object]:
    """Return the fault of that name; LookupError if there is none."""
    try:
        return _BY_NAME[where, name]
    except KeyError:
        known = [f"{fault.where}:{fault.name}" for fault in ALL_FAULTS]
        near = get_close_matches(f"{where}:{name}", known, n=1)
        hint = "".join(f" (similar: {one})" for one in near)
        raise LookupError(f"no fault {name!r} at {where!r}{hint}") from None


def parse_rule(document: object) -> Rule:
    """Read a rule as JSON; ValueError if it is none, LookupError if there is no such fault."""
    if not isinstance(document, Mapping):
        raise ValueError("a rule is an object")  # noqa: TRY004 - one error for all bad input
    options = {name: _typed(name, value) for name, value in document.items() if value is not None}
    missing = _NAMES.keys() - options.keys()
    if missing:
        raise ValueError(f"a rule needs {' and '.join(sorted(missing))}")
    rule = Rule(**options)  # type: ignore[arg-type]
    find_fault(rule.where, rule.fault)
    return rule


def parse_rule_text(text: str) -> Rule:
    """Read a rule of the command line, ``where:fault[,name=value]...``, as `parse_rule` does."""
    head, *settings = text.split(",")
    where, colon, fault = head.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not where:fault[,name=value]...")
    document: dict[str, object] = {"where": where, "fault": fault}
    for setting in settings:
        name, _, value = setting.partition("=")
        document[name] = _from_text(name, value)
    return parse_rule(document)


def _from_text(name: str, value: str) -> object:
    expected = _TYPES.get(name)
    if expected is bool:
        return value.lower() in {"", "1", "true", "yes"}
    if expected is None:
        raise ValueError(f"no setting {name!r} in a rule; there are {', '.join(_TYPES)}")
    return expected(value)


def _typed(name: str, value: object) -> object:
    expected = (_NAMES | _TYPES).get(name)
    if expected is None:
        raise ValueError(f"no member {name!r} in a rule")
    # JSON writes 60.0 as 60, and a bool is an int in Python.
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ValueError(f"{name!r} must be of type {expected.__name__}")
    return value


class FaultRules:
    """The rules in force, in order, and how often each has been used."""

    def __init__(self) -> None:
        self._rules: list[tuple[Rule, Stage]] = []
        self._seen: Counter[tuple[int, str]] = Counter()
        self._used: Counter[tuple[int, str]] = Counter()

    def add(self, *rules: Rule) -> None:
        """Add rules after the present ones; LookupError if a rule's fault does not exist."""
        self._rules += [(rule, find_fault(rule.where, rule.fault).stage) for rule in rules]

    def clear(self) -> None:
        """Remove all rules and counts."""
        self._rules.clear()
        self._seen.clear()
        self._used.clear()

    def listing(self) -> list[dict[str, object]]:
        """Return every rule with the number of times it has been used."""
        used = Counter(number for number, _photo in self._used.elements())
        return [
            {**rule.to_json(), "used": used[number]}
            for number, (rule, _stage) in enumerate(self._rules)
        ]

    def take(self, stage: Stage, photo: str) -> Rule | None:
        """Count this occasion and return the first rule to use on it, if any."""
        # ``after`` counts every matching occasion, ``times`` only those on which the rule was used:
        # rules for the same occasions are used one after the other.
        chosen: Rule | None = None
        for number, (rule, of_stage) in enumerate(self._rules):
            if of_stage is not stage or rule.match not in photo:
                continue
            key = (number, photo if rule.each else "")
            self._seen[key] += 1
            if chosen is None and self._is_due(rule, key):
                self._used[key] += 1
                chosen = rule
        return chosen

    def _is_due(self, rule: Rule, key: tuple[int, str]) -> bool:
        is_left = rule.times is None or self._used[key] < rule.times
        return is_left and self._seen[key] > rule.after
