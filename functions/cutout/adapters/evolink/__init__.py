"""The provider over HTTP: its task API and its Files API, with one account."""
