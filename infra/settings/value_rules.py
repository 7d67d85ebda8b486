"""What the values of settings may be, and fields with such rules; refusals say what to pass."""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit


class SettingError(ValueError):
    """A setting that is refused; the message names it and says what to pass instead."""


class RecipeError(ValueError):
    """A refused value of a key in a recipe, by default in the one being read."""

    def __init__(self, key: str, what: str, index: int | None = None) -> None:
        super().__init__(what)
        self.key = key
        self.index = index


Read = Callable[[str, object], object]
"""Reads the value of the setting of that name; refuses it with a `SettingError`."""

LOG_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""The usual ones of the days that CloudWatch Logs can keep lines for."""


def setting(default: Any, values: str, read: Read) -> Any:  # noqa: ANN401 # the annotation types it
    """Make a field that this function reads; `values` says in the table what it accepts."""
    return field(default=default, metadata={"values": values, "read": read})


def whole(default: int, *, least: int, most: int) -> Any:  # noqa: ANN401 # the same
    """Make a field for a whole number within bounds: an int, or digits on the command line."""
    bounds = f"{least} to {most}"
    return _number(default, bounds, f"a whole number from {bounds}", range(least, most + 1))


def one_of(default: int, *, numbers: Sequence[int]) -> Any:  # noqa: ANN401 # the same
    """Make a field for one of a few whole numbers that AWS accepts."""
    choices = ", ".join(map(str, numbers))
    return _number(default, choices, f"one of {choices}", numbers)


def _number(default: int, values: str, meaning: str, accepted: Container[int]) -> Any:  # noqa: ANN401 # the same
    def read(name: str, value: object) -> int:
        number = _whole(value)
        if number is None or number not in accepted:
            raise _refusal(name, meaning, value, default)
        return number

    return setting(default, values, read)


def flag(*, default: bool) -> Any:  # noqa: ANN401 # the same
    """Make a field for a bool; the command line passes `true` and `false`."""

    def read(name: str, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if value in {"true", "false"}:
            return value == "true"
        raise _refusal(name, "true or false", value, "true")

    return setting(default, "`true` or `false`", read)


def choice(*words: str) -> Any:  # noqa: ANN401 # the same
    """Make a field for one of a few words; the first is the default."""

    def read(name: str, value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise _refusal(name, " or ".join(words), value, words[0])

    return setting(words[0], " or ".join(f"`{word}`" for word in words), read)


def text(pattern: str, *, meaning: str, example: str = "", default: str | None = None) -> Any:  # noqa: ANN401 # the same
    """Make a field for a text of this form, optional without a default.

    Refusals and the table of settings show the example, or the default in its place.
    """
    shown = example or str(default)

    def read(name: str, value: object) -> str | None:
        if default is None and value in {None, ""}:
            return None
        return _text(pattern, meaning, shown, name, value)

    return setting(default, f"such as `{shown}`", read)


def texts(pattern: str, *, meaning: str, example: str, most: int) -> Any:  # noqa: ANN401 # the same
    """Make a field for at most `most` texts of this form, none by default.

    The command line passes them separated by commas; empty texts are left out.
    """

    def read(name: str, value: object) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            parts = [value]
        stripped = [one.strip() if isinstance(one, str) else one for one in parts]
        found = tuple(_text(pattern, meaning, example, name, one) for one in stripped if one)
        if len(found) > most:
            raise SettingError(
                f"{name} must be at most {most}, got {len(found)}: pass -c {name}={example}"
            )
        return found

    return setting((), f"such as `{example}`", read)


def url(default: str | None = None, *, example: str = "") -> Any:  # noqa: ANN401 # the same
    """Make a field for a base URL, optional without a default; the example is as for `text`.

    It has no credentials, query, fragment and trailing slash. Plain http is accepted for loopback
    only; `Settings` refuses it outside a local cloud.
    """
    shown = example or default

    def read(name: str, value: object) -> str | None:
        if default is None and value in {None, ""}:
            return None
        if isinstance(value, str) and _is_base_url(value):
            return value.rstrip("/")
        meaning = "an https URL without query or credentials (http only for loopback)"
        raise _refusal(name, meaning, value, shown)

    return setting(default, f"such as `{shown}`", read)


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
    return parts is not None and parts.scheme == "http" and is_loopback(parts.hostname or "")


def _is_base_url(value: str) -> bool:
    parts = _split(value)
    if parts is None or not parts.hostname or re.search(r"\s", value):
        return False
    bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return bare and (parts.scheme == "https" or is_plain_loopback(value))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
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


def _text(pattern: str, meaning: str, example: str, name: str, value: object) -> str:
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise _refusal(name, meaning, value, example)


def _refusal(name: str, meaning: str, value: object, example: object) -> SettingError:
    return SettingError(f"{name} must be {meaning}, got {value!r}: pass -c {name}={example}")
