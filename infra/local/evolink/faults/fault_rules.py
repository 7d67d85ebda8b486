"""When a fault is committed: rules, and the book that counts their occasions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from infra.local.evolink.faults.fault_table import Fault, Stage

_TYPES = {
    "times": int,
    "after": int,
    "match": str,
    "each": bool,
    "seconds": float,
    "code": str,
    "message": str,
    "status": int,
    "retry_after": float,
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Commit a fault on some of the occasions it fits.

    Attributes:
        where: The part of the API, as in the table of faults.
        fault: The name of the fault there.
        times: How often it is committed; None means always.
        after: How many fitting occasions pass unharmed first.
        match: Text that the path of the photo's URL has to contain.
        each: Count ``times`` and ``after`` for every photo by itself.
        seconds: How long, for the faults that take time.
        code: Error code instead of the usual one.
        message: Error message instead of the usual one, or what the fault's sentence says.
        status: HTTP status instead of the usual one.
        retry_after: Value of a Retry-After header.
    """

    where: str
    fault: str
    times: int | None = None
    after: int = 0
    match: str = ""
    each: bool = False
    seconds: float | None = None
    code: str | None = None
    message: str | None = None
    status: int | None = None
    retry_after: float | None = None

    def __post_init__(self) -> None:
        """Refuse a fault that does not exist.

        Raises:
            LookupError: There is no such fault.
        """
        Fault.named(self.where, self.fault)

    @property
    def kind(self) -> Fault:
        """The fault itself."""
        return Fault.named(self.where, self.fault)

    def fits(self, stage: Stage, photo: str) -> bool:
        """Say whether the rule speaks of this occasion."""
        return self.kind.stage is stage and self.match in photo

    def to_json(self) -> dict[str, object]:
        """Return what ``parse_rule`` takes."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def parse_rule(document: object) -> Rule:
    """Read one rule of a request.

    Raises:
        ValueError: It is not an object, or a member is unknown or of the wrong type.
        LookupError: There is no such fault.
    """
    if not isinstance(document, Mapping):
        raise ValueError("a rule is an object")  # noqa: TRY004 -- one error for all bad input
    options = {name: _typed(name, value) for name, value in document.items() if value is not None}
    missing = {"where", "fault"} - options.keys()
    if missing:
        raise ValueError(f"a rule needs {' and '.join(sorted(missing))}")
    return Rule(**options)  # type: ignore[arg-type]


def parse_rule_text(text: str) -> Rule:
    """Read one rule of the command line: ``where:fault[,name=value]...``.

    Raises:
        ValueError: It does not have that form.
        LookupError: There is no such fault.
    """
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
    if name not in {field.name for field in fields(Rule)}:
        raise ValueError(f"no member {name!r} in a rule")
    expected = _TYPES.get(name, str)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ValueError(f"{name!r} is to be a {expected.__name__}")
    return value


class RuleBook:
    """The rules in force, in order, and how often each was used."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._rules: list[Rule] = list(rules)
        self._seen: dict[tuple[int, str], int] = {}
        self._used: dict[tuple[int, str], int] = {}

    def add(self, rule: Rule) -> None:
        """Put a rule after those there are."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules and counts."""
        self._rules.clear()
        self._seen.clear()
        self._used.clear()

    def listing(self) -> list[dict[str, object]]:
        """Return every rule with the number of times it was used."""
        return [
            {
                **rule.to_json(),
                "used": sum(n for (at, _), n in self._used.items() if at == number),
            }
            for number, rule in enumerate(self._rules)
        ]

    def take(self, stage: Stage, photo: str) -> Rule | None:
        """Count this occasion and return the first rule that is to be used on it, if any.

        ``after`` counts every fitting occasion, ``times`` only those on which the rule was used, so
        rules listed one behind the other are used one after the other.
        """
        chosen: Rule | None = None
        for number, rule in enumerate(self._rules):
            if not rule.fits(stage, photo):
                continue
            count = (number, photo if rule.each else "")
            self._seen[count] = self._seen.get(count, 0) + 1
            if chosen is None and self._is_open(rule, count):
                self._used[count] = self._used.get(count, 0) + 1
                chosen = rule
        return chosen

    def _is_open(self, rule: Rule, count: tuple[int, str]) -> bool:
        unspent = rule.times is None or self._used.get(count, 0) < rule.times
        return unspent and self._seen[count] > rule.after
