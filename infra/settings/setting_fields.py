"""The kinds of settings there are: each makes a field that carries the rule it is read by."""

from dataclasses import field
from typing import Any, Final

from .value_rules import Flag, OrNone, Rule, Text, Whole

LOG_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""Days that CloudWatch Logs can keep lines for, as far as people ask for them."""


def setting(default: Any, rule: Rule) -> Any:  # noqa: ANN401 # the field's annotation types it
    """Read by this rule."""
    return field(default=default, metadata={"rule": rule})


def whole(default: int, *, least: int, most: int) -> Any:  # noqa: ANN401 # the same
    """Take a whole number within bounds."""
    return setting(default, Whole(least=least, most=most, example=default))


def flag(*, default: bool) -> Any:  # noqa: ANN401 # the same
    """Take yes or no."""
    return setting(default, Flag())


def text(pattern: str, *, meaning: str, example: str) -> Any:  # noqa: ANN401 # the same
    """Take a text of this form, or none."""
    return setting(None, OrNone(rule=Text(pattern=pattern, meaning=meaning, example=example)))


def bucket() -> Any:  # noqa: ANN401 # the same
    """Take the name of a bucket, or none."""
    pattern = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    return text(pattern, meaning="the name of a bucket that there is", example="our-photos")


def key_arn() -> Any:  # noqa: ANN401 # the same
    """Take the ARN of a KMS key, or none."""
    return text(
        r"arn:aws[a-z-]*:kms:.+:key/.+",
        meaning="the ARN of a KMS key",
        example="arn:aws:kms:eu-central-1:123456789012:key/1234abcd-...",
    )


def prefix() -> Any:  # noqa: ANN401 # the same
    """Take the beginning of keys; all keys if it is empty."""
    # Roles name the prefix in a resource, where * and ? are wildcards and ${ opens a variable.
    meaning = "a key prefix without a leading slash and without * ? $"
    return setting("", Text(pattern=r"|[^/*?$][^*?$]{0,500}", meaning=meaning, example="photos/"))
