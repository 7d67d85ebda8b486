"""The secrets of a function."""

from __future__ import annotations

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from cutout.adapters.secrets import CURRENT, PREVIOUS, Secret, SigningKeys
from cutout.wiring.aws_clients import Clients


def secret(clients: Clients, name: str, stage: str = CURRENT) -> Secret:
    """One stage of a secret, with a cache of its own."""
    return Secret(SecretsProvider(boto3_client=clients.secrets()), name, stage)


def signing_keys(clients: Clients, name: str) -> SigningKeys:
    """The current and the previous signing key."""
    return SigningKeys(secret(clients, name), secret(clients, name, PREVIOUS))
