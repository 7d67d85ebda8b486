"""What a fault is: one declaration with its name, its stage, its documentation and its effect."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    UPLOAD = "an upload to the Files API"
    SERVE = "a download of an uploaded file"


@dataclass(frozen=True, kw_only=True)
class Fault(Generic[EffectT_co]):
    """One way to go wrong on demand.

    Attributes:
        where: The part of the API, as rules name it.
        name: The fault's name, unique in that part.
        stage: The occasion on which it happens.
        description: What happens, as one sentence for people.
        effect: What happens, for the code that handles the stage.
    """

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
