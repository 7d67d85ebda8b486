"""The environment of the command line, which no other module of it reads.

AWS SDKs read their own variables (`AWS_PROFILE` and so on).
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Self

from cutout.domain.dataclass import dataclass

DEFAULT_STACK = "Cutout"


@dataclass(frozen=True, kw_only=True)
class CliSettings:
    """Settings of one run of the command line.

    Attributes:
        stack: `CUTOUT_STACK`: the name of the stack, unless `--stack` names another.
        evolink_api_key: `EVOLINK_API_KEY`: the key for `--live` and `--evolink-url`.
        cents_per_credit: `CUTOUT_CENTS_PER_CREDIT`: the price of a credit in US cents.
        region: `AWS_REGION`, which the AWS CLI and the CDK read but boto3 does not.
        environment: all variables, for processes that are started with them.
    """

    stack: str | None = None
    evolink_api_key: str | None = field(default=None, repr=False)
    cents_per_credit: str | None = None
    region: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings. An empty variable counts as not set."""
        return cls(
            stack=environment.get("CUTOUT_STACK") or None,
            evolink_api_key=environment.get("EVOLINK_API_KEY") or None,
            cents_per_credit=environment.get("CUTOUT_CENTS_PER_CREDIT") or None,
            region=environment.get("AWS_REGION") or None,
            environment=dict(environment),
        )
