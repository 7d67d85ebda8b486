"""Dataclass fields of settings: each has the rule that reads its value."""

from dataclasses import field
from typing import Any, Final

from .value_rules import Flag, OrNone, Rule, Several, Text, Url, Whole

LOG_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""The usual ones of the days that CloudWatch Logs can keep lines for."""


def setting(default: Any, rule: Rule) -> Any:  # noqa: ANN401 # the field's annotation types it
    """Make a field that this rule reads."""
    return field(default=default, metadata={"rule": rule})


def whole(default: int, *, least: int, most: int) -> Any:  # noqa: ANN401 # the same
    """Make a field for a whole number within bounds."""
    return setting(default, Whole(least=least, most=most, example=default))


def flag(*, default: bool) -> Any:  # noqa: ANN401 # the same
    """Make a field for true or false."""
    return setting(default, Flag())


def text(pattern: str, *, meaning: str, example: str, default: str | None = None) -> Any:  # noqa: ANN401 # the same
    """Make a field for a text of this form, which is optional without a default."""
    rule = Text(pattern=pattern, meaning=meaning, example=example)
    return setting(default, rule if default is not None else OrNone(rule=rule))


def texts(pattern: str, *, meaning: str, example: str, most: int) -> Any:  # noqa: ANN401 # the same
    """Make a field for at most `most` texts of this form; none is the default."""
    rule = Text(pattern=pattern, meaning=meaning, example=example)
    return setting((), Several(rule=rule, most=most))


def url(default: str | None = None, *, example: str) -> Any:  # noqa: ANN401 # the same
    """Make a field for a base URL, which is optional without a default."""
    rule = Url(example=example)
    return setting(default, rule if default is not None else OrNone(rule=rule))


def bucket() -> Any:  # noqa: ANN401 # the same
    """Make a field for the optional name of a bucket."""
    pattern = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    return text(pattern, meaning="the name of an existing bucket", example="our-photos")


def key_arn() -> Any:  # noqa: ANN401 # the same
    """Make a field for the optional ARN of a KMS key."""
    return text(
        r"arn:aws[a-z-]*:kms:.+:key/.+",
        meaning="the ARN of a KMS key",
        example="arn:aws:kms:eu-central-1:123456789012:key/1234abcd-...",
    )


def prefix() -> Any:  # noqa: ANN401 # the same
    """Make a field for a key prefix; empty means all keys."""
    # The prefix becomes part of an IAM resource: * and ? are wildcards there, ${ a variable.
    meaning = "a key prefix without a leading slash and without * ? $"
    return text(r"|[^/*?$][^*?$]{0,500}", meaning=meaning, example="photos/", default="")
