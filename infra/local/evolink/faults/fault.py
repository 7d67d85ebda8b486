"""What a fault is, and the rule that makes it happen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Generic, TypeVar

EffectT = TypeVar("EffectT")
EffectT_co = TypeVar("EffectT_co", covariant=True)


class Stage(StrEnum):
    """The occasion on which a fault happens."""

    CREATE = "a request to create a task"
    OUTCOME = "a task, decided when it is created"
    READ = "a read of a task"
    CALLBACK = "the callback of a task, decided when it is created"
    RESULT = "a download of a result"


@dataclass(frozen=True, kw_only=True)
class Fault(Generic[EffectT_co]):
    """One way to go wrong on demand; the effect is for the code that handles the stage."""

    where: str
    name: str
    stage: Stage
    description: str
    effect: EffectT_co


def declare(
    where: str, stage: Stage, *rows: tuple[str, str, EffectT]
) -> Mapping[str, Fault[EffectT]]:
    """Return faults by name; each row is a name, a description and an effect."""
    return {
        name: Fault(where=where, name=name, stage=stage, description=description, effect=effect)
        for name, description, effect in rows
    }


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Make a fault happen on some of the occasions of its stage.

    It happens `times` (None means always), `after` so many matching occasions, counted for `each`
    photo if wanted. `match` is in the path of the photo's URL. The others are in place of the usual
    stand-in seconds, error code, message and status, and a Retry-After header in seconds.
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

    def to_json(self) -> dict[str, object]:
        """Return the document that ``parse_rule`` reads."""
        return {name: value for name, value in asdict(self).items() if value is not None}
