"""Names of the secrets, which follow the deployment's name and a slash."""

from typing import Final

API_KEY: Final = "evolink-api-key"
SIGNING_KEY: Final = "callback-signing-key"
