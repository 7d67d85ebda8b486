"""Every setting of a deployment: its name, default and bounds, checked before anything is made.

`Settings.from_context` reads what `cdk -c name=value` passes; only the app calls it. Whoever
embeds the construct makes `Settings(...)` in code, and the same checks run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Final, Self

from .kinds import LOG_RETENTIONS, bucket, flag, key_arn, prefix, setting, text, whole
from .settings_checks import refuse_contradictions
from .value_rules import Choice, OneOf, OrNone, SettingError, Several, Text, Url

DAY: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one deployment is told. Times are in seconds unless the name says otherwise."""

    stack: str = setting(
        "Cutout",
        Text(
            pattern=r"[A-Za-z][A-Za-z0-9-]{0,63}",
            meaning="letters, digits and hyphens, a letter first, at most 64",
            example="Cutout",
        ),
    )
    stage: str | None = text(
        r"[A-Za-z0-9][A-Za-z0-9-]{0,30}",
        meaning="letters, digits and hyphens, at most 31",
        example="prod",
    )
    """Which of several deployments in one account; ends the stack's name."""

    # The provider
    evolink_base_url: str = setting("https://api.evolink.ai", Url(example="https://api.evolink.ai"))
    evolink_files_url: str = setting(
        "https://files-api.evolink.ai", Url(example="https://files-api.evolink.ai")
    )
    model: str = setting(
        "mj-v7-remove-bg",
        Text(
            pattern=r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}",
            meaning="a model name",
            example="mj-v7-remove-bg",
        ),
    )
    input_transport: str = setting("presigned", Choice(words=("presigned", "files")))
    reuse: bool = flag(default=True)
    """The same picture is bought once: later uploads of it are completed from the kept result."""
    callbacks: bool = flag(default=True)
    """Off where the provider cannot reach us: results then come by polling alone."""
    callback_base_url: str | None = setting(
        None, OrNone(rule=Url(example="https://callbacks.example.com"))
    )
    """Where callbacks come in, if not at the HTTP API's own address; `{api_id}` is replaced."""
    callback_domain: str | None = text(
        r"[a-z0-9-]+(\.[a-z0-9-]+)+", meaning="a host name", example="callbacks.example.com"
    )
    """A host name of one's own for callbacks; takes a certificate."""
    callback_certificate: str | None = text(
        r"arn:aws[a-z-]*:acm:.+", meaning="the ARN of a certificate", example="arn:aws:acm:..."
    )
    allow_loopback: bool = flag(default=False)
    """Plain http to this machine; for the local cloud only."""

    # Where photos come from and go to
    uploads_bucket: str | None = bucket()
    """A bucket to watch instead of one of the stack's own; EventBridge must be on for it."""
    results_bucket: str | None = bucket()
    """A bucket to write to instead of one of the stack's own."""
    uploads_kms_key: str | None = key_arn()
    """The KMS key that the attached uploads bucket is encrypted with, if it has one of its own."""
    results_kms_key: str | None = key_arn()
    """The same for the attached results bucket."""
    upload_prefix: str = prefix()
    upload_suffixes: tuple[str, ...] = setting(
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
    result_prefix: str = prefix()
    error_notes: bool = flag(default=True)
    """A note in the results bucket for each photo that has no cut-out."""
    tag_source: bool = flag(default=False)
    """A tag on each photo that says what became of it; it costs two requests."""
    delete_with_source: bool = flag(default=False)
    """Whoever deletes a photo deletes what was made of it."""
    event_bus: str = setting(
        "default",
        Text(
            pattern=r"[A-Za-z0-9._/-]{1,256}",
            meaning="the name of an event bus of this account",
            example="default",
        ),
    )

    # What becomes of a result
    pixels: str = setting("model", Choice(words=("model", "source")))
    """Whose pixels a cut-out has: the model's, or the photo's own."""
    recipes: str | None = setting(
        None,
        OrNone(
            rule=Text(
                pattern=r".*[^/]\.toml", meaning="the path of a TOML file", example="recipes.toml"
            )
        ),
    )
    """Which variants are made; None means `recipes.toml` beside pyproject.toml, if there is one."""

    # Limits
    max_in_flight: int = whole(3, least=1, most=1000)
    daily_credit_cap: int = whole(5000, least=0, most=100_000_000)
    max_bytes: int = whole(10_000_000, least=1, most=100_000_000)
    max_pixels: int = whole(50_000_000, least=1, most=1_000_000_000)
    min_side: int = whole(240, least=1, most=10_000)
    max_side: int = whole(7680, least=1, most=100_000)
    prepare: bool = flag(default=True)
    """Off: what the model does not take as it is, is rejected."""
    prepare_max_bytes: int = whole(100_000_000, least=1, most=400_000_000)
    """A function has 512 MB of disk: the photo and its copy must fit."""
    submit_concurrency: int = whole(5, least=2, most=1000)
    store_concurrency: int = whole(5, least=2, most=1000)
    prepare_concurrency: int = whole(5, least=2, most=1000)
    reserved_concurrency: bool = flag(default=True)
    """Off for accounts whose whole concurrency is too small to set any aside."""

    # Times
    first_poll_seconds: int = whole(150, least=1, most=DAY)
    poll_interval_seconds: int = whole(300, least=1, most=DAY)
    lease_seconds: int = whole(120, least=5, most=900)
    unconfirmed_grace_seconds: int = whole(1200, least=1, most=DAY)
    job_deadline_seconds: int = whole(21_600, least=60, most=7 * DAY)
    old_version_days: int = whole(30, least=1, most=3650)
    """How long the stack's own buckets keep versions that were overwritten or deleted."""
    retention_days: int = whole(90, least=25, most=3650)
    """A message may come 24 days after its upload: 14 as a dead letter, and 10 in its queue again.
    The row must be there by then, or the photo would be paid for once more."""
    log_retention_days: int = setting(90, OneOf(numbers=LOG_RETENTIONS, example=90))

    # The deployment itself
    alarm_email: str | None = setting(
        None,
        OrNone(
            rule=Text(
                pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+",
                meaning="an e-mail address",
                example="you@example.com",
            )
        ),
    )
    alarm_topic: str | None = text(
        r"arn:aws[a-z-]*:sns:.+", meaning="the ARN of an SNS topic", example="arn:aws:sns:..."
    )
    """Where alarms go instead of to a topic of the stack's own."""
    runbook_url: str | None = setting(
        None, OrNone(rule=Url(example="https://github.com/example/cutout/blob/main/README.md"))
    )
    """Where the README is to be read, for the links in the alarms' mails."""
    kms_key: str | None = text(
        r"own|arn:aws[a-z-]*:kms:.+:key/.+",
        meaning="own, or the ARN of a KMS key",
        example="own",
    )
    """What data is encrypted with: AWS's keys, a key of the stack's own, or one that there is."""
    permissions_boundary: str | None = text(
        r"arn:aws[a-z-]*:iam:.+:policy/.+",
        meaning="the ARN of a managed policy",
        example="arn:aws:iam::123456789012:policy/Boundary",
    )
    """The managed policy that bounds every role."""
    tags: tuple[str, ...] = setting(
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
    ephemeral: bool = flag(default=False)
    """Buckets, table and secrets go with the stack."""
    asset_platform: str = setting("aws", Choice(words=("aws", "local")))

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
        refuse_contradictions(self)

    @property
    def stack_name(self) -> str:
        """Return what the stack is called in the account."""
        return f"{self.stack}-{self.stage}" if self.stage else self.stack


def _is_the_cdks(name: str) -> bool:
    return name.startswith(("@", "aws:", "cdk-")) or ":" in name or name == "cli-telemetry"


def _refuse_unknown(name: str, known: list[str]) -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(sorted(known))}"
    raise SettingError(f"there is no setting {name}: {hint}")
