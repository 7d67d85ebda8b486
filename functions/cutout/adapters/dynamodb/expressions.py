"""DynamoDB's expressions, in which reserved names have the prefix `#`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def projection(paths: Sequence[str]) -> dict[str, Any]:
    """The request's members that ask for these paths; names in them may be reserved words."""
    if not paths:
        return {}
    names = {f"#{name}": name for path in paths for name in path.split(".")}
    projected = [".".join(f"#{name}" for name in path.split(".")) for path in paths]
    return {"ProjectionExpression": ", ".join(projected), "ExpressionAttributeNames": names}


def names_in(condition: str) -> dict[str, str]:
    """`#version` in an expression stands for the attribute `version`."""
    words = condition.replace("(", " ").replace(")", " ").split()
    return {word: word[1:] for word in words if word.startswith("#")}
