"""What the values of settings may be, and fields with such rules; refusals say what to pass."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, urlsplit


class SettingError(ValueError):
    """A setting that is refused; the message names it and says what to pass instead."""


class RecipeError(ValueError):
    """A value of a recipe that is refused; the reader of the file adds the line.

    Attributes:
        key: The key in the recipe.
        index: Which recipe, where it is not the one being read.
    """

    def __init__(self, key: str, what: str, index: int = 0) -> None:
        super().__init__(what)
        self.key = key
        self.index = index


class Rule(Protocol):
    """Reads the value of a setting, or refuses it."""

    def read(self, name: str, value: object) -> object:
        """Return the value of the setting `name`.

        Raises:
            SettingError: the value is refused.
        """


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int
    example: int

    def read(self, name: str, value: object) -> int:
        """Accept an int, or digits as the command line passes them."""
        number = _whole(value)
        if number is None or not self.least <= number <= self.most:
            meaning = f"a whole number from {self.least} to {self.most}"
            raise _refusal(name, meaning, value, self.example)
        return number


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """One of a few whole numbers that AWS accepts."""

    numbers: tuple[int, ...]
    example: int

    def read(self, name: str, value: object) -> int:
        """Accept an int, or digits as the command line passes them."""
        number = _whole(value)
        if number not in self.numbers:
            choices = ", ".join(map(str, self.numbers))
            raise _refusal(name, f"one of {choices}", value, self.example)
        return number


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, name: str, value: object) -> bool:
        """Accept a bool, or `true` and `false` as the command line passes them."""
        if isinstance(value, bool):
            return value
        if value in {"true", "false"}:
            return value == "true"
        raise _refusal(name, "true or false", value, "true")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, name: str, value: object) -> str:
        """Accept one of the words."""
        if isinstance(value, str) and value in self.words:
            return value
        raise _refusal(name, " or ".join(self.words), value, self.words[0])


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text that matches a pattern."""

    pattern: str
    meaning: str
    example: str

    def read(self, name: str, value: object) -> str:
        """Accept a string that matches the whole pattern."""
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        raise _refusal(name, self.meaning, value, self.example)


@dataclass(frozen=True, kw_only=True)
class Several:
    """At most `most` texts of one form; the command line passes them separated by commas."""

    rule: Text
    most: int

    def read(self, name: str, value: object) -> tuple[str, ...]:
        """Accept a sequence of texts, or one text with commas; empty texts are left out."""
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            parts = [value]
        texts = [one.strip() if isinstance(one, str) else one for one in parts]
        read = tuple(self.rule.read(name, one) for one in texts if one)
        if len(read) > self.most:
            raise SettingError(
                f"{name} must be at most {self.most}, got {len(read)}: "
                f"pass -c {name}={self.rule.example}"
            )
        return read


@dataclass(frozen=True, kw_only=True)
class OrNone:
    """An optional value: None and the empty string are None."""

    rule: Rule

    def read(self, name: str, value: object) -> object:
        """Read the value by the inner rule unless it is None."""
        return None if value in {None, ""} else self.rule.read(name, value)


@dataclass(frozen=True, kw_only=True)
class Url:
    """A base URL without credentials, query, fragment and trailing slash.

    Plain http is accepted for loopback only; `settings_checks` refuses it outside a local cloud.
    """

    example: str

    def read(self, name: str, value: object) -> str:
        """Accept an https URL, or an http one of this machine."""
        if isinstance(value, str) and self._is_base(value):
            return value.rstrip("/")
        meaning = "an https URL without query or credentials (http only for loopback)"
        raise _refusal(name, meaning, value, self.example)

    @staticmethod
    def _is_base(value: str) -> bool:
        parts = _split(value)
        if parts is None or not parts.hostname or re.search(r"\s", value):
            return False
        bare = not (parts.query or parts.fragment or "@" in parts.netloc)
        return bare and (parts.scheme == "https" or is_plain_loopback(value))


def _refusal(name: str, meaning: str, value: object, example: object) -> SettingError:
    return SettingError(f"{name} must be {meaning}, got {value!r}: pass -c {name}={example}")


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


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Split texts of the form `name=value`."""
    return {name: value for name, _, value in (one.partition("=") for one in texts)}


def is_plain_loopback(url: str) -> bool:
    """Return whether a URL is plain http to this machine."""
    parts = _split(url)
    return parts is not None and parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        # Reading the port parses it: urlsplit itself accepts `https://host:port`.
        _ = parts.port
    except ValueError:
        return None
    return parts


def _whole(value: object) -> int | None:
    # True is an int in Python, and `-c max_side=true` is a mistake.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    return None
