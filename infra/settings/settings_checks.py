"""Refuses settings that do not exist, and those that contradict each other.

Every check raises SettingError with the settings' names and what to pass instead.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from cutout.domain.timing import PHOTO_LINK_LIFE

from .value_rules import SettingError, is_plain_loopback

# How long a photo's URL stays valid after the grace time, when a request is sent again. The
# provider needs five minutes of it to read the photo; Sweep and the gate may take the rest.
_FETCH_ALLOWANCE_SECONDS: Final = 1200


def refuse_unknown(name: str, known: list[str]) -> None:
    """A misspelt name is refused with the nearest one."""
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "infra/README.md lists the settings"
    raise SettingError(f"there is no setting {name}: {hint}")


def refuse_pixels_without_copies(*, uses_source_pixels: bool, prepare: bool) -> None:
    """A photo's own pixels come from the copy that Prepare makes of it."""
    if uses_source_pixels and not prepare:
        raise SettingError(
            "pixels=source, here or in a recipe, takes photos' pixels from copies that are "
            "prepared: leave out -c prepare=false, or pass -c pixels=model"
        )


def refuse_half_a_domain(*, domain: str | None, certificate: str | None) -> None:
    """A host name for callbacks needs a certificate."""
    if bool(domain) != bool(certificate):
        raise SettingError(
            "callback_domain and callback_certificate go together: "
            "pass -c callback_domain=callbacks.example.com -c callback_certificate=arn:aws:..."
        )


def refuse_key_without_bucket(name: str, *, kms_key: str | None, bucket: str | None) -> None:
    """A key of an attached bucket needs that bucket; `name` is uploads or results."""
    if kms_key and not bucket:
        raise SettingError(
            f"{name}_kms_key is the key of an attached bucket: pass -c {name}_bucket=NAME as "
            "well, or -c kms_key=ARN for the stack's own buckets"
        )


def refuse_swapped_sides(*, min_side: int, max_side: int) -> None:
    """The shortest side cannot be longer than the longest."""
    if min_side > max_side:
        raise SettingError(
            f"min_side must be at most max_side, got {min_side} and {max_side}: "
            "pass -c min_side=240 -c max_side=7680"
        )


def refuse_small_preparations(*, prepare: bool, prepare_max_bytes: int, max_bytes: int) -> None:
    """Prepare reads every file that is small enough to be sent as it is."""
    if prepare and prepare_max_bytes < max_bytes:
        raise SettingError(
            f"prepare_max_bytes must be at least max_bytes ({max_bytes}), "
            f"got {prepare_max_bytes}: pass -c prepare_max_bytes=100000000, or -c prepare=false"
        )


def refuse_loopback(
    urls: Mapping[str, str | None], *, allow_loopback: bool, ephemeral: bool
) -> None:
    """Plain http is for a local cloud; `urls` are those of the settings, by name."""
    if allow_loopback and not ephemeral:
        raise SettingError(
            "allow_loopback is for a local cloud that is thrown away: "
            "pass -c ephemeral=true as well, or leave it out"
        )
    for name, url in urls.items():
        if url and is_plain_loopback(url) and not allow_loopback:
            raise SettingError(
                f"{name} is plain http ({url}): pass an https URL, "
                "or on a local cloud -c allow_loopback=true -c ephemeral=true"
            )


def refuse_long_grace(unconfirmed_grace_seconds: int) -> None:
    """A request that is sent again holds the same URL of the photo, which must still be valid."""
    link_seconds = int(PHOTO_LINK_LIFE.total_seconds())
    longest = link_seconds - _FETCH_ALLOWANCE_SECONDS
    if unconfirmed_grace_seconds > longest:
        raise SettingError(
            f"unconfirmed_grace_seconds must be at most {longest}, "
            f"got {unconfirmed_grace_seconds}: a repeated request sends the same photo "
            f"URL again, which is valid for {link_seconds} s and must "
            f"last {_FETCH_ALLOWANCE_SECONDS} s more: pass -c unconfirmed_grace_seconds=1200"
        )
