"""What a setting's value may be, one small rule a kind; a refusal says how to put it right."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import SplitResult, urlsplit


class SettingError(ValueError):
    """A setting that cannot be deployed; the message says which one and what to pass instead."""


class Rule(Protocol):
    """Turns what was passed for a setting into its value, or refuses it."""

    def read(self, name: str, value: object) -> object:
        """Return the value of the setting `name`; raises SettingError."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int
    example: int

    def read(self, name: str, value: object) -> int:
        """Take an int, or digits as the command line passes them."""
        number = _whole(value)
        if number is None or not self.least <= number <= self.most:
            raise SettingError(
                f"{name} must be a whole number from {self.least} to {self.most}, "
                f"got {value!r}: pass -c {name}={self.example}"
            )
        return number


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """One of a few whole numbers that AWS takes."""

    numbers: tuple[int, ...]
    example: int

    def read(self, name: str, value: object) -> int:
        """Take an int, or digits as the command line passes them."""
        number = _whole(value)
        if number not in self.numbers:
            choices = ", ".join(str(one) for one in self.numbers)
            raise SettingError(
                f"{name} must be one of {choices}, got {value!r}: pass -c {name}={self.example}"
            )
        return number


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    def read(self, name: str, value: object) -> bool:
        """Take a bool, or `true` and `false` as the command line passes them."""
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
        """Take one of the words."""
        if isinstance(value, str) and value in self.words:
            return value
        choices = " or ".join(self.words)
        raise SettingError(
            f"{name} must be {choices}, got {value!r}: pass -c {name}={self.words[0]}"
        )


@dataclass(frozen=True, kw_only=True)
class Text:
    """A string of a given form."""

    pattern: str
    meaning: str
    example: str

    def read(self, name: str, value: object) -> str:
        """Take a string that matches the whole pattern."""
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        raise SettingError(
            f"{name} must be {self.meaning}, got {value!r}: pass -c {name}={self.example}"
        )


@dataclass(frozen=True, kw_only=True)
class Several:
    """Texts of one form, at most so many; the command line passes them with commas between."""

    rule: Text
    most: int

    def read(self, name: str, value: object) -> tuple[str, ...]:
        """Take a sequence of texts, or one text with commas; nothing is an empty sequence."""
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
    """A setting that may be left out: None and the empty string both mean that."""

    rule: Rule

    def read(self, name: str, value: object) -> object:
        """Read the value by the inner rule unless there is none."""
        return None if value in {None, ""} else self.rule.read(name, value)


@dataclass(frozen=True, kw_only=True)
class Url:
    """A base URL without credentials, query or fragment; kept without its trailing slash.

    Plain http is taken here for loopback only; whether even that is allowed is for the settings
    as a whole to say.
    """

    example: str

    def read(self, name: str, value: object) -> str:
        """Take an https URL, or an http one of this machine."""
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


def is_plain_loopback(url: str) -> bool:
    """Say whether a URL is plain http to this machine."""
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
        _ = parts.port
    except ValueError:
        return None
    return parts


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    return None
