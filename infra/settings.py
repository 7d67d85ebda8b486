"""Every setting of a deployment: its name, default and bounds, checked before anything is made.

`Settings.from_context` reads what `cdk -c name=value` passes; only the app calls it. Whoever
embeds the construct makes `Settings(...)` in code, and the same checks run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Final, Self

from .rules import (
    Choice,
    Flag,
    OneOf,
    OrNone,
    Rule,
    SettingError,
    Several,
    Text,
    Url,
    Whole,
    is_plain_loopback,
)

DAY: Final = 86_400

ROLE_SESSION_SECONDS: Final = 3600
"""Longest session of a role assumed by a role; a presigned URL dies with it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
"""

PHOTO_LINK_SECONDS: Final = 3000
"""How long a photo's URL is good for: a session is replaced while it has as long left."""

FETCH_ALLOWANCE_SECONDS: Final = 1200
"""How long after a repeated request the provider may still fetch the photo by its URL."""

_LOG_RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)


def _setting(default: Any, rule: Rule) -> Any:  # noqa: ANN401 # the field's annotation types it
    return field(default=default, metadata={"rule": rule})


def _whole(default: int, *, least: int, most: int) -> Any:  # noqa: ANN401 # the same
    return _setting(default, Whole(least=least, most=most, example=default))


def _flag(*, default: bool) -> Any:  # noqa: ANN401 # the same
    return _setting(default, Flag())


def _text(pattern: str, *, meaning: str, example: str) -> Any:  # noqa: ANN401 # the same
    return _setting(None, OrNone(rule=Text(pattern=pattern, meaning=meaning, example=example)))


def _bucket() -> Any:  # noqa: ANN401 # the same
    pattern = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    return _text(pattern, meaning="the name of a bucket that there is", example="our-photos")


def _prefix() -> Any:  # noqa: ANN401 # the same
    # Roles name the prefix in a resource, where * and ? are wildcards and ${ opens a variable.
    meaning = "a key prefix without a leading slash and without * ? $"
    return _setting("", Text(pattern=r"|[^/*?$][^*?$]{0,500}", meaning=meaning, example="photos/"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one deployment is told. Times are in seconds unless the name says otherwise."""

    stack: str = _setting(
        "Cutout",
        Text(
            pattern=r"[A-Za-z][A-Za-z0-9-]{0,63}",
            meaning="letters, digits and hyphens, a letter first, at most 64",
            example="Cutout",
        ),
    )
    stage: str | None = _text(
        r"[A-Za-z0-9][A-Za-z0-9-]{0,30}",
        meaning="letters, digits and hyphens, at most 31",
        example="prod",
    )
    """Which of several deployments in one account; ends the stack's name."""

    # The provider
    evolink_base_url: str = _setting(
        "https://api.evolink.ai", Url(example="https://api.evolink.ai")
    )
    evolink_files_url: str = _setting(
        "https://files-api.evolink.ai", Url(example="https://files-api.evolink.ai")
    )
    model: str = _setting(
        "mj-v7-remove-bg",
        Text(
            pattern=r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}",
            meaning="a model name",
            example="mj-v7-remove-bg",
        ),
    )
    input_transport: str = _setting("presigned", Choice(words=("presigned", "files")))
    reuse: bool = _flag(default=True)
    """The same picture is bought once: later uploads of it are completed from the kept result."""
    callbacks: bool = _flag(default=True)
    """Off where the provider cannot reach us: results then come by polling alone."""
    callback_base_url: str | None = _setting(
        None, OrNone(rule=Url(example="https://callbacks.example.com"))
    )
    """Where callbacks come in, if not at the HTTP API's own address; `{api_id}` is replaced."""
    callback_domain: str | None = _text(
        r"[a-z0-9-]+(\.[a-z0-9-]+)+", meaning="a host name", example="callbacks.example.com"
    )
    """A host name of one's own for callbacks; takes a certificate."""
    callback_certificate: str | None = _text(
        r"arn:aws[a-z-]*:acm:.+", meaning="the ARN of a certificate", example="arn:aws:acm:..."
    )
    allow_loopback: bool = _flag(default=False)
    """Plain http to this machine; for the local cloud only."""

    # Where photos come from and go to
    uploads_bucket: str | None = _bucket()
    """A bucket to watch instead of one of the stack's own; EventBridge must be on for it."""
    results_bucket: str | None = _bucket()
    """A bucket to write to instead of one of the stack's own."""
    upload_prefix: str = _prefix()
    upload_suffixes: tuple[str, ...] = _setting(
        (),
        Several(
            rule=Text(
                pattern=r"[^*?$,/\\\s]{1,32}",
                meaning="the ends of keys, with commas between",
                example=".jpg,.png",
            ),
            most=8,
        ),
    )
    """Only keys that end so are photos; all are if there is none."""
    result_prefix: str = _prefix()
    error_notes: bool = _flag(default=True)
    """A note in the results bucket for each photo that has no cut-out."""
    tag_source: bool = _flag(default=False)
    """A tag on each photo that says what became of it; it costs two requests."""
    delete_with_source: bool = _flag(default=False)
    """Whoever deletes a photo deletes what was made of it."""
    event_bus: str = _setting(
        "default",
        Text(
            pattern=r"[A-Za-z0-9._/-]{1,256}",
            meaning="the name of an event bus of this account",
            example="default",
        ),
    )

    # What becomes of a result
    pixels: str = _setting("model", Choice(words=("model", "source")))
    """Whose pixels a cut-out has: the model's, or the photo's own."""
    recipes: str | None = _setting(
        None,
        OrNone(
            rule=Text(
                pattern=r".*[^/]\.toml", meaning="the path of a TOML file", example="recipes.toml"
            )
        ),
    )
    """Which variants are made; None means `recipes.toml` beside pyproject.toml, if there is one."""

    # Limits
    max_in_flight: int = _whole(3, least=1, most=1000)
    daily_credit_cap: int = _whole(5000, least=0, most=100_000_000)
    max_bytes: int = _whole(10_000_000, least=1, most=100_000_000)
    max_pixels: int = _whole(50_000_000, least=1, most=1_000_000_000)
    min_side: int = _whole(240, least=1, most=10_000)
    max_side: int = _whole(7680, least=1, most=100_000)
    prepare: bool = _flag(default=True)
    """Off: what the model does not take as it is, is rejected."""
    prepare_max_bytes: int = _whole(100_000_000, least=1, most=400_000_000)
    """A function has 512 MB of disk: the photo and its copy must fit."""
    submit_concurrency: int = _whole(5, least=2, most=1000)
    store_concurrency: int = _whole(5, least=2, most=1000)
    prepare_concurrency: int = _whole(5, least=2, most=1000)
    reserved_concurrency: bool = _flag(default=True)
    """Off for accounts whose whole concurrency is too small to set any aside."""

    # Times
    first_poll_seconds: int = _whole(150, least=1, most=DAY)
    poll_interval_seconds: int = _whole(300, least=1, most=DAY)
    lease_seconds: int = _whole(120, least=5, most=900)
    unconfirmed_grace_seconds: int = _whole(1200, least=1, most=DAY)
    job_deadline_seconds: int = _whole(21_600, least=60, most=7 * DAY)
    retention_days: int = _whole(90, least=1, most=3650)
    log_retention_days: int = _setting(90, OneOf(numbers=_LOG_RETENTIONS, example=90))

    # The deployment itself
    alarm_email: str | None = _setting(
        None,
        OrNone(
            rule=Text(
                pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+",
                meaning="an e-mail address",
                example="you@example.com",
            )
        ),
    )
    alarm_topic: str | None = _text(
        r"arn:aws[a-z-]*:sns:.+", meaning="the ARN of an SNS topic", example="arn:aws:sns:..."
    )
    """Where alarms go instead of to a topic of the stack's own."""
    kms_key: str | None = _text(
        r"own|arn:aws[a-z-]*:kms:.+:key/.+",
        meaning="own, or the ARN of a KMS key",
        example="own",
    )
    """What data is encrypted with: AWS's keys, a key of the stack's own, or one that there is."""
    permissions_boundary: str | None = _text(
        r"arn:aws[a-z-]*:iam:.+:policy/.+",
        meaning="the ARN of a managed policy",
        example="arn:aws:iam::123456789012:policy/Boundary",
    )
    """The managed policy that bounds every role."""
    tags: tuple[str, ...] = _setting(
        (),
        Several(
            rule=Text(
                pattern=r"(?!aws:)[\w .:/=+@-]{1,128}=[\w .:/+@-]{0,256}",
                meaning="name=value pairs, with commas between",
                example="team=imaging,cost-centre=42",
            ),
            most=40,
        ),
    )
    """What every resource is tagged with."""
    ephemeral: bool = _flag(default=False)
    """Buckets, table and secrets go with the stack."""
    asset_platform: str = _setting("aws", Choice(words=("aws", "local")))

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Self:
        """Read the settings out of the CDK's context, which holds entries of the CDK as well.

        Raises:
            SettingError: an unknown name, or a value that cannot be deployed.
        """
        given = {name: value for name, value in context.items() if not _is_the_cdks(name)}
        for name in given:
            _refuse_unknown(name, cls.names())
        return cls(**given)  # type: ignore[arg-type] # each is read by its rule

    @classmethod
    def names(cls) -> list[str]:
        """List the names of all settings."""
        return [one.name for one in fields(cls)]

    def __post_init__(self) -> None:
        """Read every value by its rule, then look at the values that depend on each other."""
        for one in fields(self):
            value = one.metadata["rule"].read(one.name, getattr(self, one.name))
            object.__setattr__(self, one.name, value)
        self._refuse_limits_that_contradict()
        self._refuse_loopback()
        self._refuse_urls_that_die_early()
        self._refuse_half_a_domain()

    @property
    def stack_name(self) -> str:
        """Return what the stack is called in the account."""
        return f"{self.stack}-{self.stage}" if self.stage else self.stack

    def _refuse_half_a_domain(self) -> None:
        if bool(self.callback_domain) != bool(self.callback_certificate):
            raise SettingError(
                "callback_domain and callback_certificate go together: "
                "pass -c callback_domain=callbacks.example.com -c callback_certificate=arn:aws:..."
            )

    def _refuse_limits_that_contradict(self) -> None:
        if self.min_side > self.max_side:
            raise SettingError(
                f"min_side must be at most max_side, got {self.min_side} and {self.max_side}: "
                "pass -c min_side=240 -c max_side=7680"
            )
        if self.prepare and self.prepare_max_bytes < self.max_bytes:
            raise SettingError(
                f"prepare_max_bytes must be at least max_bytes ({self.max_bytes}), "
                f"got {self.prepare_max_bytes}: pass -c prepare_max_bytes=100000000, "
                "or -c prepare=false"
            )

    def _refuse_loopback(self) -> None:
        if self.allow_loopback and not self.ephemeral:
            raise SettingError(
                "allow_loopback is for a local cloud that is thrown away: "
                "pass -c ephemeral=true as well, or leave it out"
            )
        for name in ("evolink_base_url", "evolink_files_url", "callback_base_url"):
            url = getattr(self, name)
            if url and is_plain_loopback(url) and not self.allow_loopback:
                raise SettingError(
                    f"{name} is plain http ({url}): pass an https URL, "
                    "or on a local cloud -c allow_loopback=true -c ephemeral=true"
                )

    def _refuse_urls_that_die_early(self) -> None:
        longest = PHOTO_LINK_SECONDS - FETCH_ALLOWANCE_SECONDS
        if self.unconfirmed_grace_seconds > longest:
            raise SettingError(
                f"unconfirmed_grace_seconds must be at most {longest}, "
                f"got {self.unconfirmed_grace_seconds}: a repeated request sends the same photo "
                f"URL again, which is good for {PHOTO_LINK_SECONDS} s and must "
                f"last {FETCH_ALLOWANCE_SECONDS} s more: pass -c unconfirmed_grace_seconds=1200"
            )


def _is_the_cdks(name: str) -> bool:
    return name.startswith(("@", "aws:", "cdk-")) or ":" in name or name == "cli-telemetry"


def _refuse_unknown(name: str, known: list[str]) -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(sorted(known))}"
    raise SettingError(f"there is no setting {name}: {hint}")
