"""What the values of settings may be; a refusal says what to pass instead."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
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
            raise SettingError(
                f"{name} must be a whole number from {self.least} to {self.most}, "
                f"got {value!r}: pass -c {name}={self.example}"
            )
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
            choices = ", ".join(str(one) for one in self.numbers)
            raise SettingError(
                f"{name} must be one of {choices}, got {value!r}: pass -c {name}={self.example}"
            )
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
        raise SettingError(f"{name} must be true or false, got {value!r}: pass -c {name}=true")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, name: str, value: object) -> str:
        """Accept one of the words."""
        if isinstance(value, str) and value in self.words:
            return value
        choices = " or ".join(self.words)
        raise SettingError(
            f"{name} must be {choices}, got {value!r}: pass -c {name}={self.words[0]}"
        )


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
        raise SettingError(
            f"{name} must be {self.meaning}, got {value!r}: pass -c {name}={self.example}"
        )


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
        raise SettingError(
            f"{name} must be an https URL without query or credentials (http only for loopback), "
            f"got {value!r}: pass -c {name}={self.example}"
        )

    @staticmethod
    def _is_base(value: str) -> bool:
        parts = _split(value)
        if parts is None or not parts.hostname or re.search(r"\s", value):
            return False
        bare = not (parts.query or parts.fragment or "@" in parts.netloc)
        return bare and (parts.scheme == "https" or is_plain_loopback(value))


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
