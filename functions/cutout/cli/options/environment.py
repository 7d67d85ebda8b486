"""What the command line takes from the environment; nothing else in it reads the environment.

AWS SDKs read their own variables (``AWS_PROFILE`` and so on).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STACK = "Cutout"


@dataclass(frozen=True, kw_only=True)
class CliSettings:
    """Settings of one run of the command line.

    Attributes:
        stack: ``CUTOUT_STACK``: the stack's name where ``--stack`` does not say.
        evolink_api_key: ``EVOLINK_API_KEY``: the key for ``--live`` and ``--evolink-url``.
        cents_per_credit: ``CUTOUT_CENTS_PER_CREDIT``: the price, where the account's is another.
        region: ``AWS_REGION``, which the AWS CLI and the CDK read, and boto3 does not.
        environment: Everything, for processes that are started with it.
    """

    stack: str | None = None
    evolink_api_key: str | None = field(default=None, repr=False)
    cents_per_credit: str | None = None
    region: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings."""
        return cls(
            stack=environment.get("CUTOUT_STACK") or None,
            evolink_api_key=environment.get("EVOLINK_API_KEY") or None,
            cents_per_credit=environment.get("CUTOUT_CENTS_PER_CREDIT") or None,
            region=environment.get("AWS_REGION") or None,
            environment=dict(environment),
        )
