"""What `make destroy` deletes and keeps, as text for its question."""

from collections.abc import Iterator, Sequence
from typing import Final

from .aws_account import BUCKET, StackResource

# Kinds that hold what cannot be deployed again.
_DATA: Final = frozenset(
    {BUCKET, "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::KMS::Key"}
)


def removal_in_words(resources: Sequence[StackResource]) -> str:
    """Return a line for each resource that holds data or is kept, and one for all others."""
    return "\n".join(_lines(resources))


def _lines(resources: Sequence[StackResource]) -> Iterator[str]:
    data = [one for one in resources if one.kind in _DATA and not one.is_kept]
    for one in data:
        yield f"  goes   {_named(one)}, with everything in it"
    others = sum(not one.is_kept for one in resources) - len(data)
    yield f"  goes   functions, queues, logs, alarms and the rest: {others} in all"
    for one in resources:
        if one.is_kept:
            yield f"  stays  {_named(one)}"


def _named(resource: StackResource) -> str:
    kind = resource.kind.removeprefix("AWS::").replace("::", " ")
    return f"{kind} {resource.name}"
