"""Evolink: its task API, Files API and callbacks, its error codes and its terms."""
