"""Settings that are right each by itself and cannot work together."""

from typing import TYPE_CHECKING, Final

from .value_rules import SettingError, is_plain_loopback

if TYPE_CHECKING:
    from .settings import Settings

PHOTO_LINK_SECONDS: Final = 3000
"""How long a photo's URL is good for: a session is replaced while it has as long left."""

FETCH_ALLOWANCE_SECONDS: Final = 1200
"""How long after a repeated request the provider may still fetch the photo by its URL."""


def refuse_contradictions(settings: "Settings") -> None:
    """Look at the values that depend on each other.

    Raises:
        SettingError: two of them contradict; the message says which and what to pass instead.
    """
    _refuse_limits_that_contradict(settings)
    _refuse_loopback(settings)
    _refuse_urls_that_die_early(settings)
    _refuse_half_a_domain(settings)
    _refuse_keys_without_their_buckets(settings)
    refuse_pixels_without_copies(settings, wanted=settings.pixels == "source")


def refuse_pixels_without_copies(settings: "Settings", *, wanted: bool) -> None:
    """Photos are opened by Prepare alone: without it, nobody has their pixels.

    Args:
        settings: Whether photos are prepared.
        wanted: Whether a cut-out, or a recipe's variant, has its photo's own pixels.

    Raises:
        SettingError: They are wanted, and nothing is prepared.
    """
    if wanted and not settings.prepare:
        raise SettingError(
            "pixels=source, here or in a recipe, takes photos' pixels from copies that are "
            "prepared: leave out -c prepare=false, or pass -c pixels=model"
        )


def _refuse_half_a_domain(settings: "Settings") -> None:
    if bool(settings.callback_domain) != bool(settings.callback_certificate):
        raise SettingError(
            "callback_domain and callback_certificate go together: "
            "pass -c callback_domain=callbacks.example.com -c callback_certificate=arn:aws:..."
        )


def _refuse_keys_without_their_buckets(settings: "Settings") -> None:
    for name in ("uploads", "results"):
        if getattr(settings, f"{name}_kms_key") and not getattr(settings, f"{name}_bucket"):
            raise SettingError(
                f"{name}_kms_key is the key of an attached bucket: pass -c {name}_bucket=NAME as "
                "well, or -c kms_key=ARN for the stack's own buckets"
            )


def _refuse_limits_that_contradict(settings: "Settings") -> None:
    if settings.min_side > settings.max_side:
        raise SettingError(
            f"min_side must be at most max_side, got {settings.min_side} and {settings.max_side}: "
            "pass -c min_side=240 -c max_side=7680"
        )
    if settings.prepare and settings.prepare_max_bytes < settings.max_bytes:
        raise SettingError(
            f"prepare_max_bytes must be at least max_bytes ({settings.max_bytes}), "
            f"got {settings.prepare_max_bytes}: pass -c prepare_max_bytes=100000000, "
            "or -c prepare=false"
        )


def _refuse_loopback(settings: "Settings") -> None:
    if settings.allow_loopback and not settings.ephemeral:
        raise SettingError(
            "allow_loopback is for a local cloud that is thrown away: "
            "pass -c ephemeral=true as well, or leave it out"
        )
    for name in ("evolink_base_url", "evolink_files_url", "callback_base_url"):
        url = getattr(settings, name)
        if url and is_plain_loopback(url) and not settings.allow_loopback:
            raise SettingError(
                f"{name} is plain http ({url}): pass an https URL, "
                "or on a local cloud -c allow_loopback=true -c ephemeral=true"
            )


def _refuse_urls_that_die_early(settings: "Settings") -> None:
    longest = PHOTO_LINK_SECONDS - FETCH_ALLOWANCE_SECONDS
    if settings.unconfirmed_grace_seconds > longest:
        raise SettingError(
            f"unconfirmed_grace_seconds must be at most {longest}, "
            f"got {settings.unconfirmed_grace_seconds}: a repeated request sends the same photo "
            f"URL again, which is good for {PHOTO_LINK_SECONDS} s and must "
            f"last {FETCH_ALLOWANCE_SECONDS} s more: pass -c unconfirmed_grace_seconds=1200"
        )
