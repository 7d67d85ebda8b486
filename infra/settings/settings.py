"""The settings of a deployment, checked against each other; a refusal says what to pass instead.

`Settings.from_context` reads what `cdk -c name=value` passes. An app that embeds the construct
makes `Settings(...)` in code, and the same checks run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Final, Self

from cutout.domain.polling_and_timing import PHOTO_LINK_LIFE
from cutout.domain.states import Pixels

from .setting_fields import SettingFields
from .value_rules import SettingError, is_plain_loopback

API_KEY: Final = "evolink-api-key"
SIGNING_KEY: Final = "callback-signing-key"
"""Names of the secrets, after the deployment's name and a slash."""
KEYS_PAGE: Final = "https://evolink.ai/dashboard/keys"
"""Where a person creates the provider's API key."""
# How long a photo's URL stays valid after the grace time, when a request is sent again. The
# provider needs five minutes of it to read the photo; Sweep and the gate may take the rest.
_FETCH_ALLOWANCE_SECONDS: Final = 1200


def refuse_pixels_without_copies(*, uses_source_pixels: bool, prepare: bool) -> None:
    """A photo's own pixels come from the copy that Prepare makes of it."""
    if uses_source_pixels and not prepare:
        raise SettingError(
            "pixels=source, here or in a recipe, takes photos' pixels from copies that are "
            "prepared: leave out -c prepare=false, or pass -c pixels=model"
        )


@dataclass(frozen=True, kw_only=True)
class Settings(SettingFields):
    """The settings of one deployment."""

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Self:
        """Read the settings from the CDK's context.

        Raises:
            SettingError: one of them cannot be deployed, or there is no setting of that name.
        """
        given = {name: value for name, value in context.items() if not _is_the_cdks(name)}
        if unknown := [name for name in given if name not in cls.names()]:
            close = get_close_matches(unknown[0], cls.names(), n=1)
            hint = f"did you mean {close[0]}?" if close else "infra/README.md lists the settings"
            raise SettingError(f"there is no setting {unknown[0]}: {hint}")
        return cls(**given)  # type: ignore[arg-type] # each is read by its rule

    @classmethod
    def names(cls) -> list[str]:
        """List the names of all settings."""
        return [one.name for one in fields(cls)]

    def __post_init__(self) -> None:
        """Read every value by its rule, then refuse values that contradict each other."""
        for one in fields(self):
            value = one.metadata["read"](one.name, getattr(self, one.name))
            # The class is frozen, and a value may arrive as text, from the command line.
            object.__setattr__(self, one.name, value)
        for problem in (*self._of_photos(), *self._of_urls(), *self._of_buckets()):
            raise SettingError(problem)
        refuse_pixels_without_copies(
            uses_source_pixels=self.pixels == Pixels.SOURCE, prepare=self.prepare
        )

    @property
    def stack_name(self) -> str:
        """Return the name of the stack in the account."""
        return f"{self.stack}-{self.stage}" if self.stage else self.stack

    def _of_photos(self) -> Iterator[str]:
        if self.min_side > self.max_side:
            yield (
                f"min_side must be at most max_side, got {self.min_side} and {self.max_side}: "
                "pass -c min_side=240 -c max_side=7680"
            )
        # Prepare reads every file that is small enough to be sent as it is.
        if self.prepare and self.prepare_max_bytes < self.max_bytes:
            yield (
                f"prepare_max_bytes must be at least max_bytes ({self.max_bytes}), got "
                f"{self.prepare_max_bytes}: pass -c prepare_max_bytes=100000000, or "
                "-c prepare=false"
            )
        # A request that is sent again holds the same URL of the photo, which must still be valid.
        link_seconds = int(PHOTO_LINK_LIFE.total_seconds())
        longest = link_seconds - _FETCH_ALLOWANCE_SECONDS
        if self.unconfirmed_grace_seconds > longest:
            yield (
                f"unconfirmed_grace_seconds must be at most {longest}, "
                f"got {self.unconfirmed_grace_seconds}: a repeated request sends the same photo "
                f"URL again, which is valid for {link_seconds} s and must "
                f"last {_FETCH_ALLOWANCE_SECONDS} s more: pass -c unconfirmed_grace_seconds=1200"
            )

    def _of_urls(self) -> Iterator[str]:
        # Plain http is for a local cloud.
        if self.allow_loopback and not self.ephemeral:
            yield (
                "allow_loopback is for a local cloud that is thrown away: "
                "pass -c ephemeral=true as well, or leave it out"
            )
        urls = [(name, url) for name, url in vars(self).items() if url and name.endswith("_url")]
        for name, url in urls:
            if is_plain_loopback(url) and not self.allow_loopback:
                yield (
                    f"{name} is plain http ({url}): pass an https URL, "
                    "or on a local cloud -c allow_loopback=true -c ephemeral=true"
                )
        if bool(self.callback_domain) != bool(self.callback_certificate):
            yield (
                "callback_domain and callback_certificate go together: "
                "pass -c callback_domain=callbacks.example.com -c callback_certificate=arn:aws:..."
            )

    def _of_buckets(self) -> Iterator[str]:
        for name, key, bucket in (
            ("uploads", self.uploads_kms_key, self.uploads_bucket),
            ("results", self.results_kms_key, self.results_bucket),
        ):
            if key and not bucket:
                yield (
                    f"{name}_kms_key is the key of an attached bucket: pass -c {name}_bucket=NAME "
                    "as well, or -c kms_key=ARN for the stack's own buckets"
                )


def _is_the_cdks(name: str) -> bool:
    # Feature flags (`@aws-cdk/...`), results of look-ups (`availability-zones:...`) and what the
    # CDK's command line adds are in the same context as the settings.
    return name.startswith(("@", "aws:", "cdk-")) or ":" in name or name == "cli-telemetry"
