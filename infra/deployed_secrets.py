"""Names of the secrets, which follow the deployment's name and a slash, and where a key is made."""

from typing import Final

API_KEY: Final = "evolink-api-key"
SIGNING_KEY: Final = "callback-signing-key"
KEYS_PAGE: Final = "https://evolink.ai/dashboard/keys"
"""Where a person creates an API key."""
