"""Every setting of a deployment: its name, default, bounds and description."""

from dataclasses import dataclass
from typing import Final

from cutout.domain.gate.gate import DEFAULT_LIMITS, LONGEST_DEADLINE
from cutout.domain.metrics import MonitoringLevel
from cutout.domain.polling_and_timing import MESSAGE_LIFE
from cutout.domain.states import Pixels, Transport

from . import value_rules as rules

_LONGEST_SECONDS: Final = int(LONGEST_DEADLINE.total_seconds())


@dataclass(frozen=True, kw_only=True)
class SettingFields:
    """The settings as they are declared; `_seconds` and `_days` in a name are its unit."""

    stack: str = rules.text(
        r"[A-Za-z][A-Za-z0-9-]{0,63}",
        meaning="letters, digits and hyphens, a letter first, at most 64",
        default="Cutout",
    )
    """Name of the stack."""
    stage: str | None = rules.text(
        r"[A-Za-z0-9][A-Za-z0-9-]{0,30}",
        meaning="letters, digits and hyphens, at most 31",
        example="prod",
    )
    """Appended to the stack's name, so that several deployments fit in one account: `prod` makes
    `Cutout-prod`."""

    # The provider
    evolink_base_url: str = rules.url("https://api.evolink.ai")
    """The provider's API, or any server that follows its contract."""
    evolink_files_url: str = rules.url("https://files-api.evolink.ai")
    """The provider's Files API."""
    model: str = rules.text(
        r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}",
        meaning="a model name",
        default="mj-v7-remove-bg",
    )
    """The provider's model."""
    input_transport: str = rules.choice(*Transport)
    """How the provider gets a photo: `presigned` sends a link to it in S3, `files` uploads it
    through the Files API. A link that the provider cannot read is followed by one attempt
    through the Files API."""
    reuse: bool = rules.flag(default=True)
    """The same picture is paid for once: later uploads of it are completed from the stored result.
    Off: each upload is paid for."""
    callbacks: bool = rules.flag(default=True)
    """Off: no callback URL is sent, and results are found by polling alone."""
    callback_base_url: str | None = rules.url(example="https://callbacks.example.com")
    """Address of a proxy in front of the API, such as CloudFront; `{api_id}` in it is
    replaced. Default: the API's own address."""
    callback_domain: str | None = rules.text(
        r"[a-z0-9-]+(\.[a-z0-9-]+)+", meaning="a host name", example="callbacks.example.com"
    )
    """Your own host name for callbacks; needs `callback_certificate`."""
    callback_certificate: str | None = rules.text(
        r"arn:aws[a-z-]*:acm:.+", meaning="the ARN of a certificate", example="arn:aws:acm:..."
    )
    """ARN of the certificate for `callback_domain`."""
    allow_loopback: bool = rules.flag(default=False)
    """Allows plain http to this machine; for the local cloud only."""

    # Where photos come from and go to
    uploads_bucket: str | None = rules.bucket()
    """An existing bucket to watch instead of a new one; EventBridge must be on for it. Where it
    keeps no versions, Submit copies each photo before it sends the request."""
    results_bucket: str | None = rules.bucket()
    """An existing bucket to write to instead of a new one."""
    uploads_kms_key: str | None = rules.key_arn()
    """ARN of the KMS key of the attached uploads bucket, if it has one of its own."""
    results_kms_key: str | None = rules.key_arn()
    """ARN of the KMS key of the attached results bucket, if it has one of its own."""
    upload_prefix: str = rules.prefix()
    """Watch only keys that begin with this."""
    upload_suffixes: tuple[str, ...] = rules.texts(
        r"[^*?$,/\\\s]{1,32}",
        meaning="the ends of keys, with commas between",
        example=".jpg,.png",
        most=8,
    )
    """Only keys that end with one of these are photos, in lower or upper case: `.jpg,.png`.
    Default: all keys."""
    result_prefix: str = rules.prefix()
    """Put results under this prefix."""
    error_notes: bool = rules.flag(default=True)
    """Write `<key>.error.json` to the results bucket for each photo that has no cut-out."""
    tag_source: bool = rules.flag(default=False)
    """Tag each photo with its state (`cutout`); costs two requests a photo."""
    delete_with_source: bool = rules.flag(default=False)
    """Deleting a photo deletes its cut-out and everything else made from it, unless the photo is
    restored before that: its delete marker is deleted."""
    event_bus: str = rules.text(
        r"[A-Za-z0-9._/-]{1,256}",
        meaning="the name of an event bus of this account",
        default="default",
    )
    """Name of the bus that gets the completion events."""

    # What becomes of a result
    pixels: str = rules.choice(*Pixels)
    """`model`: cut-outs have the model's pixels. `source`: they have the photo's own, up to 200
    megapixels, and StoreResult gets 3 GB of memory. Where a photo's own pixels cannot be used,
    the model's are, and `cutout show` says why."""
    recipes: str | None = rules.text(
        r".*[^/]\.toml", meaning="the path of a TOML file", example="recipes.toml"
    )
    """Path of the file that lists the variants to make. Default: `recipes.toml` beside
    pyproject.toml, if it exists."""

    # Limits
    max_in_flight: int = rules.whole(DEFAULT_LIMITS.max_in_flight, least=1, most=1000)
    """Most tasks at once."""
    daily_credit_cap: int = rules.whole(
        int(DEFAULT_LIMITS.daily_credit_cap), least=0, most=100_000_000
    )
    """Most credits a day (UTC)."""
    max_bytes: int = rules.whole(10_000_000, least=1, most=100_000_000)
    """Largest file that the model takes as it is. Submit gets memory for it."""
    max_pixels: int = rules.whole(50_000_000, least=1, most=1_000_000_000)
    """Most pixels that the model takes."""
    min_side: int = rules.whole(240, least=1, most=10_000)
    """Shortest side that the model takes, in pixels."""
    max_side: int = rules.whole(7680, least=1, most=100_000)
    """Longest side that the model takes, in pixels."""
    prepare: bool = rules.flag(default=True)
    """Make a copy of photos that the model does not take as they are. Off: they are `rejected`."""
    prepare_max_bytes: int = rules.whole(100_000_000, least=1, most=400_000_000)
    """Largest file that Prepare reads. A function has 512 MB of disk: the photo and its copy must
    fit."""
    submit_concurrency: int = rules.whole(5, least=2, most=1000)
    """Most executions of Submit at once."""
    store_concurrency: int = rules.whole(5, least=2, most=1000)
    """Most executions of StoreResult at once."""
    prepare_concurrency: int = rules.whole(5, least=2, most=1000)
    """Most executions of Prepare at once."""
    reserved_concurrency: bool = rules.flag(default=True)
    """Reserve concurrency for the functions. Off for accounts that have too little (`make deploy`
    finds out)."""

    # Times
    first_poll_seconds: int = rules.whole(150, least=1, most=_LONGEST_SECONDS)
    """Time after which a task without a callback is polled."""
    poll_interval_seconds: int = rules.whole(300, least=1, most=_LONGEST_SECONDS)
    """Time between two polls."""
    lease_seconds: int = rules.whole(120, least=5, most=900)
    """How long a worker may hold a job."""
    unconfirmed_grace_seconds: int = rules.whole(1200, least=1, most=_LONGEST_SECONDS)
    """How long to wait for the callback of a request with an unknown outcome before it is sent
    again."""
    job_deadline_seconds: int = rules.whole(21_600, least=60, most=_LONGEST_SECONDS)
    """Age at which a task is given up."""
    old_version_days: int = rules.whole(30, least=1, most=3650)
    """How long the stack's own buckets keep versions that were overwritten or deleted."""
    retention_days: int = rules.whole(90, least=MESSAGE_LIFE.days + 1, most=3650)
    """How long finished jobs and stored results are kept. At least 25 days: a message may arrive 24
    days after its upload (14 as a dead letter, 10 in its queue again), and without its job the
    photo would be paid for twice."""
    log_retention_days: int = rules.one_of(90, numbers=rules.LOG_RETENTIONS)
    """How long logs are kept."""

    # The deployment itself
    alarm_email: str | None = rules.text(
        r"[^@\s]+@[^@\s]+\.[^@\s]+", meaning="an e-mail address", example="you@example.com"
    )
    """An address to subscribe to the alarms."""
    alarm_topic: str | None = rules.text(
        r"arn:aws[a-z-]*:sns:.+", meaning="the ARN of an SNS topic", example="arn:aws:sns:..."
    )
    """ARN of an existing SNS topic for alarms."""
    monitoring: str = rules.choice(*MonitoringLevel)
    """`basic`: the metrics and alarms that find every fault. `full`: all metrics, more alarms to
    find a fault's place, and a dashboard; for about 12 US dollars a month more."""
    runbook_url: str | None = rules.url(
        example="https://github.com/example/cutout/blob/main/infra/RUNBOOK.md"
    )
    """Address of your copy of infra/RUNBOOK.md, so that alarms link to its sections."""
    kms_key: str | None = rules.text(
        r"own|arn:aws[a-z-]*:kms:.+:key/.+",
        meaning="own, or the ARN of a KMS key",
        example="own",
    )
    """What encrypts photos, jobs, messages, secrets, logs and alarms: `own` makes a KMS key, an ARN
    names an existing one. Default: AWS's keys."""
    permissions_boundary: str | None = rules.text(
        r"arn:aws[a-z-]*:iam:.+:policy/.+",
        meaning="the ARN of a managed policy",
        example="arn:aws:iam::123456789012:policy/Boundary",
    )
    """ARN of the managed policy that bounds every role."""
    tags: tuple[str, ...] = rules.texts(
        r"(?!aws:)[\w .:/=+@-]{1,128}=[\w .:/+@-]{0,256}",
        meaning="name=value pairs, with commas between",
        example="team=imaging,cost-centre=42",
        most=40,
    )
    """Tags for every resource."""
    ephemeral: bool = rules.flag(default=False)
    """Deletes buckets, table and secrets with the stack, photos included."""
    asset_platform: str = rules.choice("aws", "local")
    """Where the functions run; `local` is for the local cloud."""
