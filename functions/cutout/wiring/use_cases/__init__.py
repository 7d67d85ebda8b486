"""Use cases, composed from ports and settings: one module a function."""
